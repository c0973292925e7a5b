use std::{collections::BTreeMap, sync::Arc};

use millrace_crds::{Dlq, KafkaCluster, Topic};

use crate::world::ClusterKey;

/// A name in Kafka or the registry that only one resource may hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A topic, dead-letter topics among them.
    Topic(String),
    /// A group id.
    Group(String),
    /// A subject of the schema registry.
    Subject(String),
}

/// A resource that asks for a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claimant {
    /// Kind of the resource, such as `Topic`.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What `resolve` may look at beside the resource itself. [`crate::world::World`] is the real one.
pub trait Facts {
    /// A KafkaCluster.
    fn cluster(&self, key: &ClusterKey) -> Option<Arc<KafkaCluster>>;
    /// Labels of a namespace; None if the namespace is not known.
    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>>;
    /// A Topic.
    fn topic(&self, namespace: &str, name: &str) -> Option<Arc<Topic>>;
    /// A DLQ.
    fn dlq(&self, namespace: &str, name: &str) -> Option<Arc<Dlq>>;
    /// Who holds a name on a cluster: the oldest of those that ask for it, the smaller uid where two are of one second.
    fn holder(&self, cluster: &ClusterKey, name: &Name) -> Option<Claimant>;
}
