//! A partition that gets most of the records is named.

use std::time::Duration;

use anyhow::Result;
use millrace_crds::Topic;
use millrace_e2e::{Case, wait};
use serde_json::json;

/// Sizes are looked at once a minute.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn a_partition_that_gets_most_of_the_records_is_named_with_its_share() -> Result<()> {
    let case = Case::shared("skew").await?;
    let (hot, even) = (case.name("hot"), case.name("even"));
    for name in ["hot", "even"] {
        let spec = json!({ "topicName": case.name(name), "partitions": 4, "replicas": 1 });
        case.apply("Topic", name, spec).await?;
    }
    for name in ["hot", "even"] {
        case.ready::<Topic>(name).await?;
    }
    // More than the floor under which nothing is said, of records and of bytes: 72 MB in one partition, 1 MB in each other.
    case.probe.fill(&hot, 2, 36_000, 2_000).await?;
    for partition in [0, 1, 3] {
        case.probe.fill(&hot, partition, 500, 2_000).await?;
    }
    for partition in 0..4 {
        case.probe.fill(&even, partition, 5_000, 100).await?;
    }

    let topics = case.api::<Topic>();
    let what = "Skewed=True, which names partition 2 and its share";
    wait::object(&topics, "hot", what, PATIENCE, |topic: &Topic| {
        wait::condition_of(topic, "Skewed").is_some_and(|skewed| {
            let message = skewed["message"].as_str().unwrap_or_default();
            skewed["status"] == "True" && message.contains("partition 2") && message.contains('%')
        })
    })
    .await?;
    // The same look has judged the other topic.
    let even = topics.get("even").await?;
    let verdict = wait::condition_of(&even, "Skewed").unwrap_or_default();
    assert_ne!(verdict["status"], "True", "evenly spread: {verdict}");
    // A verdict does not make a topic unready.
    case.ready::<Topic>("hot").await?;
    Ok(())
}
