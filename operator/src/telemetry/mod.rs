//! Metrics, health endpoints and logs.

mod conformance;
mod groups;
mod health;
mod letters;
pub mod logs;
mod metrics;
mod reconciles;
mod server;
mod topics;

pub use conformance::SampledRecords;
pub use groups::{GroupLabels, Groups};
pub use health::Health;
pub use letters::DlqLetters;
pub use metrics::{Api, Kind, Metrics};
pub use reconciles::{Failure, Reconciles};
pub use server::{listen, serve};
pub use topics::Topics;
