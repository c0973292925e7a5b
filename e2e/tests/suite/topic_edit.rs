//! An edit of a Topic reaches Kafka; what Kafka cannot do is said and holds nothing else up.

use std::time::{Duration, Instant};

use anyhow::Result;
use millrace_crds::{ConfigValue, Topic};
use millrace_e2e::{Case, wait};

/// What issue and design promise.
const REACHES_KAFKA_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_edit_reaches_kafka_within_two_seconds() -> Result<()> {
    let case = Case::alone("edit").await?;
    case.topic("orders", &[]).await?;
    let orders = case.name("orders");

    let applied = Instant::now();
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
    wait::answer(
        "3 partitions and retention.ms=3600000 in Kafka",
        REACHES_KAFKA_WITHIN,
        || async {
            let topic = case.probe.topic(&orders).await?.unwrap_or_default();
            let there = topic["partitions"].as_array().map(Vec::len) == Some(3)
                && topic["config"]["retention.ms"] == "3600000";
            Ok(if there {
                Ok(())
            } else {
                Err(topic.to_string())
            })
        },
    )
    .await?;
    let took = applied.elapsed();
    assert!(took <= REACHES_KAFKA_WITHIN, "seen in Kafka after {took:?}");
    Ok(())
}

#[tokio::test]
async fn fewer_partitions_are_refused_and_the_rest_of_the_edit_is_applied() -> Result<()> {
    let case = Case::shared("shrink").await?;
    case.topic("orders", &[]).await?;
    case.edit_topic("orders", |spec| spec.partitions = 4)
        .await?;
    case.ready::<Topic>("orders").await?;

    case.edit_topic("orders", |spec| {
        spec.partitions = 2;
        spec.config = Some(
            [(
                "max.message.bytes".to_owned(),
                Some(ConfigValue::Number(65_536)),
            )]
            .into(),
        );
    })
    .await?;
    let words = case
        .refused::<Topic>("orders", "PartitionsCannotShrink")
        .await?;
    assert!(
        words.contains("has 4 partitions"),
        "the message does not name the number: {words}"
    );
    let orders = case.name("orders");
    wait::answer(
        "the configuration of the same edit in Kafka",
        Duration::from_secs(30),
        || async {
            let topic = case.probe.topic(&orders).await?.unwrap_or_default();
            let there = topic["partitions"].as_array().map(Vec::len) == Some(4)
                && topic["config"]["max.message.bytes"] == "65536";
            Ok(if there {
                Ok(())
            } else {
                Err(topic.to_string())
            })
        },
    )
    .await
}
