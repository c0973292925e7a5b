//! Where replicas lie: placement of new partitions, the target of present ones with the least data moved, and what is wrong
//! with a layout.
//!
//! Three rules, the first over the second over the third:
//! 1. A partition's replicas lie in as many different racks as there are racks and replicas for. Brokers without a rack
//!    count as one rack together.
//! 2. Brokers hold within one replica of a topic of each other. Where racks of different sizes forbid that, the sum of the
//!    squares of what brokers hold is the least that rule 1 leaves possible: what a rack must hold is even within it.
//! 3. Preferred leaders are as even, in the same sense, as the replicas allow: within one where rule 2 gives within one.

mod flaw;
mod place;
mod ring;
mod share;
mod target;
mod wanted;

pub use flaw::flaw;
pub use place::place;
pub use target::{Away, Goal, target};
pub use wanted::{replicas, settled, wanted};

#[cfg(test)]
mod tests;
