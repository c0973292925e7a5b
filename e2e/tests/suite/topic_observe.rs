//! A resource may be told to look and not touch: for good (`Observe`), or for a while (the annotation `millrace.dev/paused`).

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use millrace_crds::{ConfigValue, ManagementPolicy, Topic};
use millrace_e2e::{Case, probe::Answer, resources, wait};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

async fn made_by_hand(case: &Case, topic: &str) -> Result<()> {
    case.probe
        .ask(&[
            "create-topic",
            "--topic",
            topic,
            "--partitions",
            "2",
            "--replicas",
            "3",
            "--config",
            "retention.ms=60000",
        ])
        .await?;
    case.probe
        .ask(&["produce", "--topic", topic, "--count", "6"])
        .await?;
    Ok(())
}

/// Another Topic that becomes ready shows that the operator has been through everything before it.
async fn operator_has_been_through(case: &Case, later: &str) -> Result<()> {
    case.account("later").await?;
    case.topic(later, &["later"]).await?;
    Ok(())
}

/// What an operator that looks and does not touch leaves as it is.
async fn untouched(case: &Case, topic: &str) -> Result<(String, usize, BTreeMap<String, String>)> {
    Ok((
        case.probe.topic_id(topic).await?,
        case.probe.partitions(topic).await?.len(),
        case.probe.config(topic).await?,
    ))
}

#[tokio::test]
async fn an_observed_topic_has_its_plan_in_status_and_manage_does_what_that_said() -> Result<()> {
    let case = Case::shared("observe").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    made_by_hand(&case, &orders).await?;
    let before = untouched(&case, &orders).await?;

    let mut spec = json!({
        "topicName": orders,
        "partitions": 5,
        "config": { "retention.ms": 7_200_000 },
        "producers": [{ "serviceAccountName": "writer" }],
        "managementPolicy": "Observe",
    });
    case.apply("Topic", "orders", spec.clone()).await?;
    let topics = case.api::<Topic>();
    let what = "the plan speaks of the partitions, the configuration and the producer";
    let observed = wait::object(&topics, "orders", what, PATIENCE, |topic: &Topic| {
        let plan = topic
            .status
            .as_ref()
            .map(|status| status.plan.join("\n"))
            .unwrap_or_default();
        plan.contains("5 in all")
            && plan.contains("retention.ms=7200000")
            && plan.contains("writer")
    })
    .await?;
    let synced = wait::condition_of(&observed, "Synced").unwrap_or_default();
    assert_eq!(synced["status"], "False", "{synced}");
    assert_eq!(synced["reason"], "Drifted", "{synced}");

    operator_has_been_through(&case, "later").await?;
    assert_eq!(
        untouched(&case, &orders).await?,
        before,
        "Kafka was changed"
    );
    assert_eq!(case.probe.allowed_on(&orders).await?, Vec::<String>::new());
    let write = ["produce", "--topic", &orders, "--count", "1"];
    let answer = case.probe.run(&writer, &write).await?;
    assert!(answer.is_err(), "the producer was granted: {answer:?}");

    spec["managementPolicy"] = json!("Manage");
    spec["adopt"] = json!(true);
    case.apply("Topic", "orders", spec).await?;
    let managed = case.ready::<Topic>("orders").await?;
    let plan = managed.status.map(|status| status.plan).unwrap_or_default();
    assert_eq!(plan, Vec::<String>::new(), "all of it is done");
    assert_eq!(case.probe.partitions(&orders).await?.len(), 5);
    let config = case.probe.config(&orders).await?;
    assert_eq!(
        config.get("retention.ms").map(String::as_str),
        Some("7200000")
    );
    case.probe_until(&writer, &write, "the producer writes", Answer::is_ok)
        .await?;
    assert_eq!(case.probe.count(&orders).await?, 7);
    Ok(())
}

#[tokio::test]
async fn an_observed_topic_that_is_not_there_is_not_made_and_deleting_it_deletes_nothing()
-> Result<()> {
    let case = Case::shared("observe-none").await?;
    let (absent, old) = (case.name("absent"), case.name("old"));
    made_by_hand(&case, &old).await?;
    let spec = |name: &str| {
        json!({
            "topicName": name,
            "partitions": 2,
            "adopt": true,
            "deletionPolicy": "Delete",
            "managementPolicy": "Observe",
        })
    };
    case.apply("Topic", "absent", spec(&absent)).await?;
    case.apply("Topic", "old", spec(&old)).await?;
    let topics = case.api::<Topic>();
    for name in ["absent", "old"] {
        wait::object(
            &topics,
            name,
            "a plan in status",
            PATIENCE,
            |topic: &Topic| {
                let status = topic.status.as_ref();
                status.is_some_and(|status| !status.plan.is_empty())
            },
        )
        .await?;
    }
    let id = case.probe.topic_id(&old).await?;
    for name in ["absent", "old"] {
        resources::delete(&topics, name).await?;
        wait::gone(&topics, name, PATIENCE).await?;
    }
    operator_has_been_through(&case, "later").await?;
    assert_eq!(case.probe.topic(&absent).await?, None, "it was made");
    assert_eq!(case.probe.topic_id(&old).await?, id);
    assert_eq!(case.probe.count(&old).await?, 6);
    Ok(())
}

#[tokio::test]
async fn a_managed_topic_set_to_observe_reports_drift_and_leaves_it() -> Result<()> {
    let case = Case::shared("observe-drift").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let granted = case.probe.allowed_on(&orders).await?;
    case.edit_topic("orders", |spec| {
        spec.management_policy = ManagementPolicy::Observe;
    })
    .await?;
    case.ready::<Topic>("orders").await?;

    case.probe
        .ask(&[
            "alter-config",
            "--topic",
            &orders,
            "--set",
            "retention.ms=60000",
        ])
        .await?;
    case.refused::<Topic>("orders", "Drifted").await?;
    let status = case.api::<Topic>().get("orders").await?.status;
    let plan = status.map(|status| status.plan).unwrap_or_default();
    assert!(
        plan.iter()
            .any(|sentence| sentence.contains("retention.ms")),
        "the plan does not name the key: {plan:?}"
    );
    operator_has_been_through(&case, "later").await?;
    let config = case.probe.config(&orders).await?;
    assert_eq!(
        config.get("retention.ms").map(String::as_str),
        Some("60000"),
        "the drift was put back"
    );
    // Who had access keeps it.
    assert_eq!(case.probe.allowed_on(&orders).await?, granted);
    let write = ["produce", "--topic", &orders, "--count", "1"];
    case.probe_until(&writer, &write, "the producer writes on", Answer::is_ok)
        .await?;
    Ok(())
}

#[tokio::test]
async fn an_edit_of_a_paused_topic_reaches_kafka_when_it_is_no_longer_paused() -> Result<()> {
    let case = Case::shared("paused").await?;
    let orders = case.name("orders");
    case.topic("orders", &[]).await?;
    case.pause_topic("orders", true).await?;
    let topics = case.api::<Topic>();

    case.edit_topic("orders", |spec| {
        spec.partitions = 3;
        spec.config = Some(
            [(
                "retention.ms".to_owned(),
                Some(ConfigValue::Number(3_600_000)),
            )]
            .into(),
        );
    })
    .await?;
    // The condition speaks of the edit, so the operator has seen it.
    wait::condition(&topics, "orders", "Paused", "True", PATIENCE).await?;
    operator_has_been_through(&case, "later").await?;
    assert_eq!(case.probe.partitions(&orders).await?.len(), 1);
    assert!(case.probe.config(&orders).await?.is_empty());

    case.pause_topic("orders", false).await?;
    let resumed = case.ready::<Topic>("orders").await?;
    let paused = wait::condition_of(&resumed, "Paused").unwrap_or_default();
    assert_ne!(paused["status"], "True", "{paused}");
    assert_eq!(case.probe.partitions(&orders).await?.len(), 3);
    let config = case.probe.config(&orders).await?;
    assert_eq!(
        config.get("retention.ms").map(String::as_str),
        Some("3600000")
    );
    Ok(())
}

#[tokio::test]
async fn a_paused_topic_can_be_deleted_with_its_records() -> Result<()> {
    let case = Case::shared("paused-gone").await?;
    let orders = case.name("orders");
    let spec = json!({ "topicName": orders, "partitions": 1, "deletionPolicy": "Delete" });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;
    case.pause_topic("orders", true).await?;
    let topics = case.api::<Topic>();
    resources::delete(&topics, "orders").await?;
    wait::gone(&topics, "orders", PATIENCE).await?;
    assert_eq!(case.probe.topic(&orders).await?, None);
    Ok(())
}
