//! The only code that changes anything: small idempotent steps.

mod applied;
mod kube;
mod scale;
mod subject;

pub use applied::Applied;
pub use kube::{apply, delete, finalizer};
pub use scale::{Replicas, Workloads, other_autoscaler};
pub use subject::{carry_out, observe};
