//! The only code that changes anything: small idempotent steps.

mod applied;
mod kube;

pub use applied::Applied;
pub use kube::{apply, delete, finalizer};
