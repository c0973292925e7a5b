use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt, api::PostParams};

use crate::{
    context::Context,
    desire::kafka_cluster::{Identity, Names, identity as config_map},
    error::Error,
    resolve::{Rejection, ResolvedCluster},
    status::reasons,
};

/// The identity of the cluster's volumes: what was written down when they were made, or a first one, written down now.
/// It is never changed: a node does not start from a volume with another identity.
///
/// # Errors
/// The outer one when the API server refuses; the inner one when what is written down does not fit the cluster.
pub async fn identity(
    context: &Context,
    cluster: &ResolvedCluster,
) -> Result<Result<Identity, Rejection>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &cluster.key.namespace);
    let first = config_map(cluster, &Identity::first(cluster));
    let found = match api.get_opt(&first.name_any()).await? {
        Some(found) => found,
        None => {
            let params = PostParams::default();
            let create = api.create(&params, &first);
            context.writes.any("ConfigMap", create).await?
        }
    };
    Ok(Identity::read(&found, cluster.nodes).ok_or_else(|| {
        let name = Names(&cluster.key).identity();
        Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "ConfigMap {name} does not hold the ids of {} nodes: the volumes are of a cluster of another size; write its number of nodes, or delete the ConfigMap together with the volumes",
                cluster.nodes
            ),
        )
    }))
}
