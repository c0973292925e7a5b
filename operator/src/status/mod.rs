//! Conditions, the summary of them, and the one way a status is written.

mod access;
mod condition;
mod group_offsets;
mod kafka_cluster;
mod layout;
mod offset_reset;
mod patch;
mod quotas;
mod share_group;
mod summary;

pub mod reasons;

pub use access::access;
pub use condition::{Draft, State, merge};
pub use group_offsets::{GROUP_OFFSETS_VALID, group_offsets};
pub use kafka_cluster::{Seen, kafka_cluster};
pub use layout::{balanced, reassigning};
pub use offset_reset::offset_reset;
pub use patch::{HasConditions, pause, write};
pub use quotas::quotas;
pub use share_group::{OFFSET_RESET_SET, share_group};
pub use summary::{is_ready, ready, says};
