//! From applying a KafkaCluster to Ready.

use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Namespace};
use kube::{Api, Client, ResourceExt};
use millrace_crds::KafkaCluster;
use serde_json::json;

use super::Figure;
use crate::{resources, stage::CASE_LABEL, wait};

const NAMESPACE: &str = "millrace-bench-kafka";
const NAME: &str = "bench";
const PATIENCE: Duration = Duration::from_secs(180);

/// A KafkaCluster of three nodes without registry, against the moment its pods are ready.
///
/// # Errors
/// When it does not become ready.
pub async fn apply_to_ready(client: &Client) -> Result<Figure> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(NAMESPACE.into());
    namespace
        .labels_mut()
        .insert(CASE_LABEL.into(), "yes".into());
    resources::apply_typed(&namespaces, &namespace).await?;
    let measured = measure(client).await;
    resources::delete(&namespaces, NAMESPACE).await?;
    wait::gone(&namespaces, NAMESPACE, PATIENCE).await?;
    let (ready, pods) = measured?;
    Ok(Figure::new(
        "KafkaCluster of 3 applied to Ready",
        ready.as_secs_f64(),
        "s",
    )
    .with_floor(pods.as_secs_f64(), "its three pods ready"))
}

async fn measure(client: &Client) -> Result<(Duration, Duration)> {
    let clusters: Api<KafkaCluster> = Api::namespaced(client.clone(), NAMESPACE);
    let stateful_sets: Api<StatefulSet> = Api::namespaced(client.clone(), NAMESPACE);
    let cluster = json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "KafkaCluster",
        "metadata": { "name": NAME, "namespace": NAMESPACE },
        "spec": {
            "combined": { "nodes": 3 },
            "storage": { "size": "1Gi" },
            "resources": { "requests": { "cpu": "50m", "memory": "400Mi" }, "limits": { "memory": "768Mi" } },
        },
    });
    let applied = Instant::now();
    resources::apply(client, &cluster).await?;
    let ready = async {
        wait::condition(&clusters, NAME, "Ready", "True", PATIENCE).await?;
        anyhow::Ok(applied.elapsed())
    };
    let pods = async {
        wait::answer("the StatefulSet is there", PATIENCE, || async {
            Ok(stateful_sets
                .get_opt(&format!("{NAME}-nodes"))
                .await?
                .map(drop)
                .ok_or_else(|| "it is not".to_owned()))
        })
        .await?;
        wait::object(
            &stateful_sets,
            &format!("{NAME}-nodes"),
            "three pods are ready",
            PATIENCE,
            |set: &StatefulSet| {
                set.status.as_ref().and_then(|status| status.ready_replicas) == Some(3)
            },
        )
        .await?;
        anyhow::Ok(applied.elapsed())
    };
    tokio::try_join!(ready, pods)
}
