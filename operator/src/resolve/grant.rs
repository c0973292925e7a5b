use millrace_crds::KafkaCluster;

use super::{Facts, Rejection};
use crate::world::ClusterKey;

/// The names a namespace may use on a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Any name: the cluster's own namespace.
    Any,
    /// Names that begin with one of these.
    Prefixes(Vec<String>),
}

/// The names `namespace` may use on the cluster, and the cluster itself.
pub fn granted(_cluster: &ClusterKey, _namespace: &str, _facts: &dyn Facts) -> Result<Granted, Rejection> {
    todo!()
}

/// Two prefixes of a KafkaCluster of which one begins with the other, if there are such.
pub fn overlapping_prefixes(_cluster: &KafkaCluster) -> Option<(String, String)> {
    todo!()
}
