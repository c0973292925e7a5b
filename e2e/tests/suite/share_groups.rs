//! A share group (KIP-932) is a ConsumerGroup like others: it has access, members and a lag.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use millrace_crds::ConsumerGroup;
use millrace_e2e::{
    Case,
    scaled::{self, Scaled},
    wait,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

async fn produce(case: &Case, count: u32) -> Result<()> {
    let (topic, count) = (case.name("orders"), count.to_string());
    let words = ["produce", "--topic", &topic, "--count", &count];
    case.probe.ask(&words).await.map(drop)
}

/// The lag that the status shows once `test` holds for it.
async fn lag(case: &Case, what: &str, test: impl Fn(i64) -> bool + Send + Sync) -> Result<i64> {
    let records = |group: &ConsumerGroup| Some(group.status.as_ref()?.lag.as_ref()?.records);
    let groups = case.api::<ConsumerGroup>();
    let group = wait::object(&groups, "billing", what, PATIENCE, |group| {
        records(group).is_some_and(&test)
    })
    .await?;
    records(&group).context("no lag")
}

#[tokio::test]
async fn a_share_group_begins_with_the_oldest_record_and_its_lag_is_told() -> Result<()> {
    let case = Case::shared("share").await?;
    let reader = case.account("reader").await?;
    case.topic("orders", &[]).await?;
    let (topic, group) = (case.name("orders"), case.name("billing"));
    let take = |count: i64| {
        let count = count.to_string();
        let (case, topic, group, reader) = (&case, &topic, &group, &reader);
        async move {
            let words = [
                "share-consume",
                "--topic",
                topic,
                "--group",
                group,
                "--count",
                &count,
                "--timeout-s",
                "60",
            ];
            case.probe.run(reader, &words).await
        }
    };
    let refused = take(1).await?;
    assert!(refused.is_err(), "without a grant it got {refused:?}");
    produce(&case, 20).await?;

    let spec = json!({
        "groupId": group, "type": "Share", "topics": [{ "name": "orders" }], "serviceAccountName": "reader",
    });
    case.apply("ConsumerGroup", "billing", spec).await?;
    case.ready::<ConsumerGroup>("billing").await?;
    lag(&case, "all records are lag", |records| records == 20).await?;
    take(20).await?.map_err(|error| anyhow!("{error:?}"))?;
    lag(&case, "nothing is lag", |records| records == 0).await?;

    produce(&case, 50).await?;
    lag(&case, "the last 50 records are lag", |records| {
        records == 50
    })
    .await?;
    take(50).await?.map_err(|error| anyhow!("{error:?}"))?;
    lag(&case, "nothing is lag", |records| records == 0).await?;
    Ok(())
}

#[tokio::test]
async fn a_burst_on_one_partition_gets_a_share_group_more_replicas_than_partitions() -> Result<()> {
    let case = Case::shared("share-burst").await?;
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 3, "drainSeconds": 10, "scaleDownWindowSeconds": 15 });
    let mut spec = scaled::spec(&case, "billing", "billing", &autoscaling);
    spec["type"] = "Share".into();
    let group = Scaled::declare_on(&case, "billing", 1, spec).await?;
    group.deploy_as("share-work", 100).await?;
    case.ready::<ConsumerGroup>("billing").await?;
    produce(&case, 4_000).await?;
    let what = "more replicas than the one partition";
    group
        .until_replicas(what, PATIENCE, |replicas| replicas > 1)
        .await?;
    lag(&case, "nothing is lag", |records| records == 0).await?;
    Ok(())
}
