//! Whether there are records in a lag that does not move, what a group's lag is called, and how it is reported. What it is, in
//! records and seconds, is the autoscaler's crate to say.
//!
//! Architecture invariant: no client, no clock; time comes in with each look.

mod latch;
mod report;
mod tails;
mod verdict;

pub use report::{kept, report, settle};
pub use tails::Tails;
pub use verdict::Verdicts;
