use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};
use tracing::info;

use crate::{
    context::Context,
    error::Error,
    kafka::KafkaAdmin,
    plan::Roll,
    world::{ClusterKey, View},
};

/// Deletes the pod that `decide` names, so that the StatefulSet makes it anew from its template.
///
/// The shared view may be older than the last pod that was replaced, so Kafka is asked once more, right before, and
/// `decide` has the last word on that answer. Says what was decided in the end.
///
/// # Errors
/// When the API server or Kafka does not answer.
pub async fn replace(
    context: &Context,
    cluster: &ClusterKey,
    admin: Option<&Arc<dyn KafkaAdmin>>,
    decide: impl Fn(Option<&View>) -> Roll,
) -> Result<Roll, Error> {
    let now = match admin {
        Some(admin) => look(admin.as_ref()).await,
        None => None,
    };
    let decision = decide(now.as_ref());
    let Roll::Replace(pod) = &decision else {
        return Ok(decision);
    };
    info!(%cluster, pod = pod.name, "replacing a pod that is out of date");
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &cluster.namespace);
    let this_very_pod = Preconditions {
        uid: Some(pod.uid.clone()),
        resource_version: None,
    };
    let params = DeleteParams {
        preconditions: Some(this_very_pod),
        ..DeleteParams::default()
    };
    let delete = api.delete(&pod.name, &params);
    match context.writes.any("Pod", delete).await {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    Ok(decision)
}

async fn look(admin: &dyn KafkaAdmin) -> Option<View> {
    let cluster = admin.describe_cluster().await.ok()?;
    let topics = admin.describe_topics(None).await.ok()?;
    let topics = topics
        .into_iter()
        .map(|(name, topic)| (name, Arc::new(topic)))
        .collect();
    Some(View {
        cluster,
        topics,
        ..View::default()
    })
}
