//! What has become of the letters of one partition, and of all of them.
//!
//! A tally grows letter by letter, and what it has room for is part of its value: one that was written down and read back after
//! the death of its process goes on exactly as the other would have.

mod counts;
mod histogram;
mod report;
mod tallying;

pub use counts::Counts;
pub use histogram::{Histogram, MOST_LINES};
pub use report::{OTHER, Report, most_frequent};
pub use tallying::{Fate, Tally};
