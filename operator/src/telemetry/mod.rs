//! Metrics, health endpoints and logs.

mod health;
pub mod logs;
mod metrics;
mod reconciles;
mod server;

pub use health::Health;
pub use metrics::{Kind, Metrics};
pub use reconciles::{Failure, Reconciles};
pub use server::{listen, serve};
