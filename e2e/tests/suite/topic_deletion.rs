//! Nothing irreversible by accident.

use std::time::Duration;

use anyhow::Result;
use millrace_crds::Topic;
use millrace_e2e::{Case, resources, wait};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn deleting_a_topic_with_retain_keeps_its_records() -> Result<()> {
    let case = Case::shared("retain").await?;
    case.topic("orders", &[]).await?;
    let orders = case.name("orders");
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "10"])
        .await?;
    let before = case.probe.topic(&orders).await?.unwrap_or_default();

    resources::delete(&case.api::<Topic>(), "orders").await?;
    wait::gone(&case.api::<Topic>(), "orders", PATIENCE).await?;
    // Another Topic that comes and goes shows that the operator has been through everything since.
    case.topic("later", &[]).await?;
    let after = case.probe.topic(&orders).await?.unwrap_or_default();
    assert!(
        before["id"].is_string() && before["id"] == after["id"],
        "{before} became {after}"
    );
    assert_eq!(case.probe.count(&orders).await?, 10);
    Ok(())
}

#[tokio::test]
async fn deleting_a_topic_with_delete_removes_it_from_kafka() -> Result<()> {
    let case = Case::shared("delete").await?;
    let orders = case.name("orders");
    case.apply(
        "Topic",
        "orders",
        json!({ "topicName": orders, "partitions": 1, "deletionPolicy": "Delete" }),
    )
    .await?;
    case.ready::<Topic>("orders").await?;
    assert!(case.probe.topic(&orders).await?.is_some());

    resources::delete(&case.api::<Topic>(), "orders").await?;
    wait::gone(&case.api::<Topic>(), "orders", PATIENCE).await?;
    assert_eq!(case.probe.topic(&orders).await?, None);
    Ok(())
}

#[tokio::test]
async fn of_two_topics_with_one_name_the_older_wins_and_deleting_the_other_keeps_the_data()
-> Result<()> {
    let case = Case::shared("two-topics").await?;
    case.topic("orders", &[]).await?;
    let orders = case.name("orders");
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "5"])
        .await?;

    let second = json!({ "topicName": orders, "partitions": 1, "deletionPolicy": "Delete" });
    let words = case
        .rejected::<Topic>("Topic", "again", second, "Conflict")
        .await?;
    assert!(
        words.contains("orders"),
        "the message does not name the winner: {words}"
    );
    case.ready::<Topic>("orders").await?;

    resources::delete(&case.api::<Topic>(), "again").await?;
    wait::gone(&case.api::<Topic>(), "again", PATIENCE).await?;
    assert_eq!(case.probe.count(&orders).await?, 5);
    Ok(())
}
