use super::{Facts, Rejection};
use crate::{status::reasons, world::ClusterKey};

/// Base URL of the Confluent API of a cluster's schema registry.
///
/// # Errors
/// A [`Rejection`] when there is no such cluster, or it has no registry or none yet.
pub fn registry_url(cluster: &ClusterKey, facts: &dyn Facts) -> Result<String, Rejection> {
    let found = facts.cluster(cluster).ok_or_else(|| {
        Rejection::unknown(
            reasons::CLUSTER_NOT_FOUND,
            format!("there is no KafkaCluster {cluster}: create it, or correct spec.clusterRef"),
        )
    })?;
    let source = found.spec.schema_registry.as_ref().ok_or_else(|| {
        Rejection::no(
            reasons::NO_REGISTRY,
            format!(
                "KafkaCluster {cluster} has no schema registry: ask its owner to write spec.schemaRegistry"
            ),
        )
    })?;
    let told = found
        .status
        .as_ref()
        .and_then(|status| status.schema_registry_url.clone());
    told.or_else(|| source.url.clone()).ok_or_else(|| {
        Rejection::unknown(
            reasons::REGISTRY_UNREACHABLE,
            format!("the schema registry of KafkaCluster {cluster} is not up yet: waiting for it"),
        )
    })
}
