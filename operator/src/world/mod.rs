//! What is known: reflector stores of the resources, and one shared view of each Kafka cluster.
//!
//! Architecture invariant: a reconcile never asks Kafka on its own; it reads the view, and the view is refreshed
//! on a period and right after own writes, whatever the number of resources.

mod claims;
mod cluster;
mod clusters;
mod groups;
mod stores;
mod view;
mod wake;

pub use claims::{Claim, Claims};
pub use cluster::{ClusterHandle, Periods, StepResults, start};
pub use clusters::{ClusterKey, Clusters};
pub use groups::{GroupsView, GroupSnapshot, PartitionOffsets};
pub use stores::{Stores, namespace_labels};
pub use view::{View, ViewState};
pub use wake::{Wake, Waker};

use std::sync::Arc;

/// Everything a reconcile may look at.
#[derive(Clone)]
pub struct World {
    /// The resources.
    pub stores: Stores,
    /// Who claims which name in Kafka.
    pub claims: Arc<Claims>,
    /// The Kafka clusters that can be asked.
    pub clusters: Clusters,
    /// Tells controllers that something they depend on has changed.
    pub waker: Waker,
}
