//! One file for each kind: whom a change wakes, and a reconcile that reads as the arrow in the crate's documentation.
//!
//! All kinds share one way of being driven: the stores wake ([`Wake`]), a pure function maps a wake to the objects it
//! concerns, and kube's applier calls the reconcile, once at a time for each object.

mod access;
mod consumer_group;
mod creations;
#[cfg(test)]
mod crowd;
mod dlq;
mod gone;
mod kafka_cluster;
mod kafka_topic;
mod layout;
mod layout_progress;
mod queue;
mod redrive;
mod schema;
mod topic;
mod topic_skew;

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests;

pub use access::{Access, Requests};
pub use creations::Creations;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Runs all controllers until `shutdown`; work that has begun is finished first.
pub async fn run_all(context: Arc<Context>, access: Requests, shutdown: CancellationToken) {
    let mut tasks = JoinSet::new();
    tasks.spawn(access::run(context.clone(), access, shutdown.clone()));
    tasks.spawn(layout::run(context.clone(), shutdown.clone()));
    tasks.spawn(kafka_cluster::run(context.clone(), shutdown.clone()));
    tasks.spawn(schema::run(context.clone(), shutdown.clone()));
    tasks.spawn(consumer_group::run(context.clone(), shutdown.clone()));
    tasks.spawn(dlq::run(context.clone(), shutdown.clone()));
    tasks.spawn(redrive::run(context.clone(), shutdown.clone()));
    tasks.spawn(topic::run(context.clone(), shutdown.clone()));
    tasks.join_all().await;
}
