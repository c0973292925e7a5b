//! What the lag of a consumer group is, and how many replicas the group needs.
//!
//! ```text
//! GroupSnapshot ─► lag::Track::observe ─► GroupLag ─► scale::History::observe ─► scale::decide ─► Decision
//! ```
//!
//! Architecture invariant: no client, no clock, no chance; time comes in with each snapshot. The operator, the simulator and the
//! tests run these same functions, and the crate has no dependency through which it could do otherwise.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod lag;
mod offsets;
pub mod scale;

pub use offsets::{GroupDescription, GroupSnapshot, OffsetReset, PartitionOffsets, TopicPartition};
