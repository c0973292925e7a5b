//! Partitions lie where a failing zone takes the least away.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use millrace_crds::{KafkaCluster, Topic};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case};
use serde_json::json;

#[tokio::test]
async fn replicas_lie_in_different_racks_and_leaders_are_spread() -> Result<()> {
    let case = Case::shared("layout").await?;
    let orders = case.name("orders");
    case.apply(
        "Topic",
        "orders",
        json!({ "topicName": orders, "partitions": 12 }),
    )
    .await?;
    case.ready::<Topic>("orders").await?;

    let cluster: KafkaCluster = kube::Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE)
        .get(CLUSTER)
        .await?;
    let racks: BTreeMap<i64, String> = cluster
        .status
        .context("no status")?
        .brokers
        .into_iter()
        .filter_map(|b| Some((i64::from(b.id), b.rack?)))
        .collect();
    assert_eq!(
        racks.values().collect::<BTreeSet<_>>().len(),
        3,
        "three brokers in three racks: {racks:?}"
    );

    let topic = case.probe.topic(&orders).await?.context("no such topic")?;
    let partitions = topic["partitions"].as_array().context("no partitions")?;
    assert_eq!(partitions.len(), 12);
    let mut leads: BTreeMap<i64, usize> = BTreeMap::new();
    for partition in partitions {
        let replicas: Vec<i64> = partition["replicas"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|id| id.as_i64())
            .collect();
        let in_racks: BTreeSet<_> = replicas.iter().filter_map(|id| racks.get(id)).collect();
        assert_eq!(in_racks.len(), 3, "replicas in three racks: {partition}");
        *leads.entry(replicas[0]).or_default() += 1;
    }
    assert!(
        leads.len() == 3 && leads.values().all(|&n| n == 4),
        "each broker is to lead four: {leads:?}"
    );
    Ok(())
}
