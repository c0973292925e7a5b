//! A namespace makes no more than it may, and keeps what it has.

use anyhow::{Context, Result};
use millrace_crds::Topic;
use millrace_e2e::Case;
use serde_json::{Value, json};

fn partitions_of(topic: &Value) -> usize {
    topic["partitions"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_namespace_over_its_limit_is_refused_and_its_older_topics_go_on() -> Result<()> {
    let case = Case::shared("limit").await?;
    case.grant(json!({ "limits": { "topics": 2 } })).await?;
    case.topic("one", &[]).await?;
    case.topic("two", &[]).await?;

    let third = json!({ "topicName": case.name("three"), "partitions": 1 });
    let words = case
        .rejected::<Topic>("Topic", "three", third, "LimitExceeded")
        .await?;
    assert!(
        words.contains("2 of at most 2 topics") && words.contains("limits.topics"),
        "the message does not say the numbers and what to do: {words}"
    );
    assert_eq!(
        case.probe.topic(&case.name("three")).await?,
        None,
        "the topic was made all the same"
    );

    let edited = json!({ "topicName": case.name("one"), "partitions": 2, "config": { "retention.ms": 3600000 } });
    case.apply("Topic", "one", edited).await?;
    case.probe_topic_until("one", "its older topic is still edited", |topic| {
        partitions_of(topic) == 2 && topic["config"]["retention.ms"] == "3600000"
    })
    .await?;
    case.ready::<Topic>("one").await?;
    Ok(())
}

#[tokio::test]
async fn growing_over_the_limit_is_blocked_its_config_applied_and_room_lets_it_grow() -> Result<()>
{
    let case = Case::shared("limit-grow").await?;
    case.grant(json!({ "limits": { "partitions": 5 } })).await?;
    let spec = |name: &str, partitions: i32| json!({ "topicName": case.name(name), "partitions": partitions, "deletionPolicy": "Delete" });
    case.apply("Topic", "other", spec("other", 3)).await?;
    case.ready::<Topic>("other").await?;
    case.apply("Topic", "orders", spec("orders", 1)).await?;
    case.ready::<Topic>("orders").await?;

    let mut larger = spec("orders", 4);
    larger["config"] = json!({ "retention.ms": 3600000 });
    case.apply("Topic", "orders", larger).await?;
    let words = case.refused::<Topic>("orders", "LimitExceeded").await?;
    assert!(
        words.contains("4 of at most 5 partitions"),
        "the message does not say the numbers: {words}"
    );
    let topic = case
        .probe_topic_until("orders", "the config is applied", |topic| {
            topic["config"]["retention.ms"] == "3600000"
        })
        .await?;
    assert_eq!(partitions_of(&topic), 1, "it grew over the limit: {topic}");

    millrace_e2e::resources::delete(&case.api::<Topic>(), "other").await?;
    case.ready::<Topic>("orders")
        .await
        .context("it did not grow when there was room")?;
    let topic = case.probe.topic(&case.name("orders")).await?;
    assert_eq!(topic.as_ref().map_or(0, partitions_of), 4, "{topic:?}");
    Ok(())
}
