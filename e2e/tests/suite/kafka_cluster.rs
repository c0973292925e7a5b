//! A KafkaCluster of its own, of one node.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::api::ListParams;
use millrace_crds::{KafkaCluster, Topic};
use millrace_e2e::{Case, probe::Probe, resources, wait};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(180);

fn single(case: &Case) -> Value {
    json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "KafkaCluster",
        "metadata": { "name": "single", "namespace": case.namespace },
        "spec": {
            "combined": { "nodes": 1 },
            "storage": { "size": "1Gi" },
            "resources": { "requests": { "cpu": "50m", "memory": "400Mi" }, "limits": { "memory": "768Mi" } },
        },
    })
}

async fn bring_up(case: &Case) -> Result<KafkaCluster> {
    resources::apply(&case.client, &single(case)).await?;
    wait::condition(
        &case.api::<KafkaCluster>(),
        "single",
        "Ready",
        "True",
        PATIENCE,
    )
    .await
}

#[tokio::test]
async fn deleting_a_kafka_cluster_keeps_its_volumes_and_another_of_the_name_finds_the_records()
-> Result<()> {
    let case = Case::shared("single").await?;
    let first = bring_up(&case).await?;
    let redundant = wait::condition_of(&first, "Redundant").context("no condition Redundant")?;
    assert_eq!(
        redundant["status"], "False",
        "one node is not redundant: {redundant}"
    );
    let topic = json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "Topic",
        "metadata": { "name": "orders", "namespace": case.namespace },
        "spec": { "clusterRef": { "name": "single" }, "partitions": 2 },
    });
    resources::apply(&case.client, &topic).await?;
    case.ready::<Topic>("orders").await?;
    let probe = Probe::start(case.client.clone(), &case.namespace, "single").await?;
    probe
        .ask(&["produce", "--topic", "orders", "--count", "25"])
        .await?;

    resources::delete(&case.api::<KafkaCluster>(), "single").await?;
    wait::gone(&case.api::<KafkaCluster>(), "single", PATIENCE).await?;
    wait::gone(&case.api::<StatefulSet>(), "single-nodes", PATIENCE).await?;
    wait::gone(&case.api::<Pod>(), "single-nodes-0", PATIENCE).await?;
    let claims = case
        .api::<PersistentVolumeClaim>()
        .list(&ListParams::default())
        .await?;
    assert_eq!(claims.items.len(), 1, "the volume's claim stays");

    let second = bring_up(&case).await?;
    let id = |cluster: &KafkaCluster| {
        cluster
            .status
            .as_ref()
            .and_then(|status| status.cluster_id.clone())
    };
    assert_eq!(id(&first), id(&second));
    case.ready::<Topic>("orders").await?;
    assert_eq!(probe.count("orders").await?, 25);
    Ok(())
}
