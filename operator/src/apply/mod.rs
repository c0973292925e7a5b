//! The only code that changes anything: small idempotent steps.

mod applied;
pub mod kafka_cluster;
mod kube;
mod scale;
mod subject;

pub use applied::Applied;
pub use kube::{apply, delete, finalizer};
pub use scale::{Replicas, Workloads, other_autoscaler};
pub use subject::{carry_out, observe};
