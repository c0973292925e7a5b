use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Names the KafkaCluster a resource lives on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.name.size() > 0", "clusterRef.name: write the name of a KafkaCluster"),
    validation = ("self == oldSelf", "clusterRef cannot change: create a new resource on the other cluster and delete this one")
)]
pub struct ClusterRef {
    /// Name of the KafkaCluster.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Namespace of the KafkaCluster. Defaults to the namespace of the resource that refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}
