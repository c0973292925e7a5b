//! Metrics, health endpoints and logs.

mod metrics;

pub use metrics::{Kind, Metrics};
