//! What becomes of a letter: a pure function of the letter, the rules of this Redrive and the earlier ones.

mod decide;
mod filter;
mod rules;

pub use decide::{Decision, Original, Skip, decide};
pub use filter::{Filter, OffsetRange};
pub use rules::{Destination, EarlierRun, Rules};

#[cfg(test)]
mod tests;
