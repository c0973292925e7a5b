//! The only code that changes anything: small idempotent steps.

mod applied;
mod kube;
mod subject;

pub use applied::Applied;
pub use kube::{apply, delete, finalizer};
pub use subject::{carry_out, observe};
