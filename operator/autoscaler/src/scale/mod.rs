//! How many replicas a consumer group needs: a pure function from what was seen to a number and a sentence that says why.
//!
//! ```text
//! look ─► History::observe ─► decide(history, policy) ─► Decision { replicas, reason }
//! ```
//!
//! The objective is a budget of seconds, and the autoscaler spends it: more replicas come when a record would otherwise wait for
//! longer than half of it by the time they could help, and not already when the present ones are busy. The sizing is the Flink
//! operator's, by worst consumer: what arrives, over a share of what one replica can do, plus what lies beyond the budget and has
//! to be worked off within `drainSeconds`. What one replica can do is measured while a consumer is behind (DS2, OSDI '18).
//! docs/design/0012 has the reasons, and what came of them in the simulator.

mod capacity;
mod contest;
mod decide;
mod history;
mod joining;
mod load;
mod need;
mod policy;
mod rebalancing;
mod regret;
mod risk;
mod shared;
mod steps;
mod waking;
mod window;

pub use contest::Contest;
pub use decide::{Decision, decide};
pub use history::{History, Look};
pub use policy::Policy;

#[cfg(test)]
mod tests;
