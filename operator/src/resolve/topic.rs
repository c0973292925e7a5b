use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::Topic;

use super::{Facts, Rejection, TopicName};
use crate::{kafka::Acl, world::ClusterKey};

/// A topic that may be made, from a Topic or a DLQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedTopic {
    /// The cluster it lives on.
    pub cluster: ClusterKey,
    /// Its name in Kafka.
    pub name: TopicName,
    /// Partitions, at least 1.
    pub partitions: usize,
    /// Replicas of each partition; None for the cluster's default (3, or 1 on one node).
    pub replicas: Option<usize>,
    /// Configuration; None as a value for a key that is left as it is.
    pub config: BTreeMap<String, Option<String>>,
    /// Whether a topic that exists already may be taken over.
    pub adopt: bool,
    /// Whether the topic goes with its resource.
    pub delete: bool,
    /// What the resource asks to be allowed.
    pub grants: BTreeSet<Acl>,
}

/// What a Topic asks for, if it may.
pub fn topic(_topic: &Topic, _facts: &dyn Facts) -> Result<ResolvedTopic, Rejection> {
    todo!()
}
