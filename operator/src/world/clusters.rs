use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, RwLock},
};

use millrace_crds::ClusterRef;

use super::ClusterHandle;

/// Names a KafkaCluster resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ClusterKey {
    /// What `reference`, written in a resource of `namespace`, names.
    pub fn of(reference: &ClusterRef, namespace: &str) -> Self {
        Self {
            namespace: reference
                .namespace
                .clone()
                .unwrap_or_else(|| namespace.to_owned()),
            name: reference.name.clone(),
        }
    }
}

impl fmt::Display for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The Kafka clusters that can be asked, by the KafkaCluster that made them. Clones share one map.
#[derive(Clone, Default)]
pub struct Clusters(Arc<RwLock<BTreeMap<ClusterKey, ClusterHandle>>>);

impl Clusters {
    /// The handle of a cluster, if it has been made.
    pub fn get(&self, key: &ClusterKey) -> Option<ClusterHandle> {
        self.read(|map| map.get(key).cloned())
    }

    /// Puts a handle in place of the one before, whose task then ends.
    pub fn insert(&self, key: ClusterKey, handle: ClusterHandle) {
        self.0
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .insert(key, handle);
    }

    /// Forgets a cluster; its task ends with the last handle.
    pub fn remove(&self, key: &ClusterKey) {
        self.0
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .remove(key);
    }

    /// All keys, in order.
    pub fn keys(&self) -> Vec<ClusterKey> {
        self.read(|map| map.keys().cloned().collect())
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<ClusterKey, ClusterHandle>) -> T) -> T {
        look(
            &self
                .0
                .read()
                .unwrap_or_else(|poisoned| poisoned.into_inner()),
        )
    }
}
