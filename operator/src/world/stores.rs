use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::reflector::{ObjectRef, Store};
use millrace_crds::{ConsumerGroup, Dlq, KafkaCluster, Schema, Topic};

/// The resources as the API server last told. Clones share the same stores.
#[derive(Clone)]
pub struct Stores {
    /// KafkaClusters.
    pub clusters: Store<KafkaCluster>,
    /// Topics.
    pub topics: Store<Topic>,
    /// ConsumerGroups.
    pub groups: Store<ConsumerGroup>,
    /// DLQs.
    pub dlqs: Store<Dlq>,
    /// Schemas.
    pub schemas: Store<Schema>,
    /// Namespaces, for their labels.
    pub namespaces: Store<Namespace>,
}

/// Labels of a namespace; None if it is not known.
pub fn namespace_labels(stores: &Stores, namespace: &str) -> Option<BTreeMap<String, String>> {
    let found = stores.namespaces.get(&ObjectRef::new(namespace))?;
    Some(found.metadata.labels.clone().unwrap_or_default())
}
