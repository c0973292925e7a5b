//! How many replicas a consumer group needs: a pure function from what was seen to a number and a sentence that says why.
//!
//! ```text
//! look ─► History::observe ─► decide(history, policy) ─► Decision { replicas, reason }
//! ```
//!
//! Architecture invariant: no client, no clock; time comes in with each look. The operator, a simulation and the tests run
//! the same function.
//!
//! The sizing is the Flink operator's, by worst consumer: what arrives, over a share of what one replica can do, plus what has
//! to be worked off within `drainSeconds`. What one replica can do is measured only while a consumer is behind (DS2, OSDI '18).

mod capacity;
mod contest;
mod decide;
mod history;
mod joining;
mod need;
mod policy;
mod window;

pub use contest::Contest;
pub use decide::{Decision, decide};
pub use history::{History, Look};
pub use policy::Policy;

#[cfg(test)]
mod tests;
