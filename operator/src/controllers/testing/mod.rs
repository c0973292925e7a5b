#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Whole reconciles without a cluster: an API server and a Kafka in memory, and operators that live and die beside them.

mod api;
mod house;

pub use api::FakeApi;
pub use house::{House, Operator};
