//! The only code that changes anything: small idempotent steps.

mod kube;

pub use kube::{apply, delete};
