//! The Millrace operator as a library; `main.rs` only wires it.
//!
//! Data flows one way, and so do the imports:
//!
//! ```text
//! watch ─► world ─► resolve ─► desire ─► plan ─► apply ─► status, events, metrics
//!          facts    parse      pure      pure    the only IO that changes things
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod admission;
pub mod apply;
pub mod audits;
mod avro;
pub mod certificates;
pub mod cli;
pub mod config;
pub mod conformance;
pub mod context;
pub mod controllers;
pub mod dead_letters;
pub mod desire;
pub mod error;
pub mod events;
pub mod kafka;
pub mod lag;
pub mod leader;
pub mod plan;
pub mod redrives;
pub mod registry;
pub mod resolve;
pub mod shutdown;
pub mod skew;
pub mod status;
pub mod telemetry;
pub mod world;
