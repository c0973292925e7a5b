use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret},
};
use kube::{
    Api,
    api::{DeleteParams, PropagationPolicy},
};
use millrace_crds::KafkaCluster;

use crate::{
    apply::delete,
    context::Context,
    desire::kafka_cluster::Names,
    error::Error,
    world::{Children, ClusterKey},
};

/// Deletes a cluster's volumes, authority and identity, once no pod uses them any more. False: pods are still stopping.
///
/// # Errors
/// When the API server refuses.
pub async fn delete_data(
    context: &Context,
    cluster: &KafkaCluster,
    key: &ClusterKey,
    there: &Children,
) -> Result<bool, Error> {
    let names = Names(key);
    let api: Api<StatefulSet> = Api::namespaced(context.client.clone(), &key.namespace);
    let foreground = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        ..DeleteParams::default()
    };
    let nodes = names.nodes();
    let stop = api.delete(&nodes, &foreground);
    match context.writes.any("StatefulSet", stop).await {
        Ok(either) if either.is_left() => return Ok(false),
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    if !there.node_pods(key).is_empty() {
        return Ok(false);
    }
    for node in 0..usize::try_from(cluster.spec.combined.nodes).unwrap_or_default() {
        let claim = format!("data-{}", names.node(node));
        delete::<PersistentVolumeClaim>(context, &key.namespace, &claim).await?;
    }
    delete::<Secret>(context, &key.namespace, &names.authority()).await?;
    delete::<ConfigMap>(context, &key.namespace, &names.authority()).await?;
    delete::<ConfigMap>(context, &key.namespace, &names.identity()).await?;
    Ok(true)
}
