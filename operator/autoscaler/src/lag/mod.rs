//! What lag means, from offsets to records and seconds.

mod records;
mod ring;
mod track;

pub use records::records;
pub use ring::{Lateness, Ring, seconds};
pub use track::{GroupLag, PartitionReading, Track};
