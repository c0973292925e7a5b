//! Whether one partition of a topic holds much more than the others: pure functions from sizes to a verdict and its words.
//!
//! Architecture invariant: no client, no clock; what was found before comes in with each look.

mod judge;
mod words;

pub use judge::{Measure, PartitionLoad, Skew, judge};
pub use words::draft;
