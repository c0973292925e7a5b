//! What lag means: pure functions from offsets to records and seconds, and the verdicts on them.
//!
//! Architecture invariant: no client, no clock; time comes in with each look.

mod latch;
mod records;
mod report;
mod ring;
mod track;
mod verdict;

pub use records::records;
pub use report::{kept, report, settle};
pub(crate) use ring::seconds;
pub use ring::{Lateness, Ring};
pub use track::{GroupLag, PartitionReading, Track};
pub use verdict::Verdicts;
