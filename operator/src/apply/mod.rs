//! The only code that changes anything: small idempotent steps.

mod applied;
mod binding;
mod group_offsets;
mod journal;
pub mod kafka_cluster;
mod kube;
mod scale;
mod subject;
mod writes;

pub use applied::Applied;
pub use binding::binding;
pub use group_offsets::{Committed, begin_share_group, commit, delete_group, read_bounds};
pub use journal::{read_journal, write_journal};
pub use kube::{apply, delete, finalizer};
pub use scale::{Replicas, Workloads, other_autoscaler};
pub use subject::{carry_out, observe};
pub use writes::Writes;
