use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};

use super::Writes;
use crate::{desire::kafka_cluster::Names, world::ClusterKey};

/// The ConfigMap of the topics that are being made on a cluster, if there is one.
///
/// # Errors
/// When the API server refuses or does not answer.
pub async fn read_journal(
    client: &Client,
    cluster: &ClusterKey,
) -> kube::Result<Option<ConfigMap>> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), &cluster.namespace);
    api.get_opt(&Names(cluster).creating()).await
}

/// Writes it. Where it names the version that it replaces and there is another, nothing is written.
///
/// # Errors
/// When the API server refuses, a conflict among the reasons, or does not answer.
pub async fn write_journal(
    client: &Client,
    writes: &Writes,
    journal: &ConfigMap,
) -> kube::Result<ConfigMap> {
    let api: Api<ConfigMap> =
        Api::namespaced(client.clone(), &journal.namespace().unwrap_or_default());
    let params = PatchParams::apply("millrace").force();
    let (name, patch) = (journal.name_any(), Patch::Apply(journal));
    writes
        .any("ConfigMap", api.patch(&name, &params, &patch))
        .await
}
