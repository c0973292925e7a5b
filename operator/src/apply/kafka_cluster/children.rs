use std::{collections::BTreeSet, fmt::Debug};

use k8s_openapi::NamespaceResourceScope;
use kube::{Resource, ResourceExt, runtime::reflector::Store};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    apply::{apply, delete},
    context::Context,
    desire::kafka_cluster::Objects,
    error::Error,
    resolve::ResolvedCluster,
    world::Children,
};

/// Makes the children of a cluster exactly those wanted. Objects it does not own are left alone.
///
/// # Errors
/// When the API server refuses.
pub async fn children(
    context: &Context,
    cluster: &ResolvedCluster,
    wanted: &Objects,
    there: &Children,
) -> Result<(), Error> {
    keep(context, cluster, &wanted.config_maps, &there.config_maps).await?;
    keep(
        context,
        cluster,
        &wanted.service_accounts,
        &there.service_accounts,
    )
    .await?;
    keep(context, cluster, &wanted.services, &there.services).await?;
    keep(
        context,
        cluster,
        &wanted.network_policies,
        &there.network_policies,
    )
    .await?;
    keep(
        context,
        cluster,
        &wanted.pod_disruption_budgets,
        &there.pod_disruption_budgets,
    )
    .await?;
    keep(
        context,
        cluster,
        &wanted.stateful_sets,
        &there.stateful_sets,
    )
    .await?;
    keep(context, cluster, &wanted.deployments, &there.deployments).await
}

async fn keep<K>(
    context: &Context,
    cluster: &ResolvedCluster,
    wanted: &[K],
    there: &Store<K>,
) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    for object in wanted {
        apply(context, object).await?;
    }
    let names: BTreeSet<String> = wanted.iter().map(ResourceExt::name_any).collect();
    for object in there
        .state()
        .iter()
        .filter(|object| is_child(object.as_ref(), cluster))
    {
        if !names.contains(&object.name_any()) {
            delete::<K>(context, &cluster.key.namespace, &object.name_any()).await?;
        }
    }
    Ok(())
}

fn is_child<K: Resource>(object: &K, cluster: &ResolvedCluster) -> bool {
    object.meta().deletion_timestamp.is_none()
        && object
            .owner_references()
            .iter()
            .any(|owner| owner.uid == cluster.uid && owner.controller == Some(true))
}
