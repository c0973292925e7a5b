//! What the end-to-end suite, the demo and the bench share: a Kubernetes client, resources applied as a person would,
//! waiting with deadlines, and a probe that speaks to Kafka from inside the cluster.
//!
//! Nothing here knows the operator's code: it sees what a user sees.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api_server;
pub mod bench;
pub mod bulk;
pub mod by_hand;
pub mod demo;
pub mod exec;
pub mod flights;
pub mod many;
pub mod metrics;
pub mod operator;
pub mod plugin;
pub mod probe;
pub mod redrives;
pub mod registry;
pub mod replica_watch;
pub mod resources;
pub mod scaled;
pub mod stage;
pub mod topic_watch;
pub mod wait;

mod case;
mod turns;

pub use case::{Case, Kind};
pub use stage::{CLUSTER, CLUSTER_NAMESPACE, OPERATOR_NAMESPACE};
