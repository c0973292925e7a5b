//! The operator may die at any point: it resumes and does nothing twice.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{Api, ResourceExt, api::ListParams};
use millrace_crds::Topic;
use millrace_e2e::{Case, operator, wait};
use serde_json::{Value, json};

const TOPICS: usize = 50;

/// Topic ids in Kafka of the case's topics, by name.
async fn ids(case: &Case) -> Result<BTreeMap<String, Value>> {
    let topics = case.probe.ask(&["list-topics"]).await?;
    Ok(topics["topics"]
        .as_array()
        .context("no topics")?
        .iter()
        .filter_map(|topic| Some((topic["name"].as_str()?.to_owned(), topic["topicId"].clone())))
        .filter(|(name, _)| name.starts_with(&format!("{}.", case.namespace)))
        .collect())
}

async fn ready(topics: &Api<Topic>) -> Result<usize> {
    let listed = topics.list(&ListParams::default()).await?;
    Ok(listed
        .iter()
        .filter(|topic| {
            wait::condition_of(topic, "Ready").is_some_and(|ready| ready["status"] == "True")
        })
        .count())
}

#[tokio::test]
async fn the_operator_killed_in_a_burst_resumes_and_makes_no_topic_twice() -> Result<()> {
    let case = Case::alone("killed").await?;
    case.account("writer").await?;
    let case = &case;
    let burst = stream::iter(0..TOPICS).map(|n| async move {
        let name = format!("t{n}");
        let spec = json!({ "topicName": case.name(&name), "partitions": 1, "producers": [{ "serviceAccountName": "writer" }] });
        case.apply("Topic", &name, spec).await
    });
    let kill = async {
        let topics = case.api::<Topic>();
        wait::answer(
            "some topics are ready and some are not",
            Duration::from_secs(60),
            || async {
                let ready = ready(&topics).await?;
                Ok(if ready > 0 {
                    Ok(())
                } else {
                    Err(format!("{ready} ready"))
                })
            },
        )
        .await?;
        operator::kill(&case.client).await
    };
    tokio::try_join!(burst.buffer_unordered(10).try_collect::<Vec<()>>(), kill)?;
    let at_the_kill = ids(case).await?;

    let topics = case.api::<Topic>();
    wait::answer("all topics are ready", Duration::from_secs(120), || async {
        let ready = ready(&topics).await?;
        Ok(if ready == TOPICS {
            Ok(())
        } else {
            Err(format!("{ready} of {TOPICS} are ready"))
        })
    })
    .await?;

    let now = ids(case).await?;
    assert_eq!(now.len(), TOPICS, "topics in Kafka: {:?}", now.keys());
    for (name, id) in &at_the_kill {
        assert_eq!(now.get(name), Some(id), "{name} was made again");
    }
    for topic in topics.list(&ListParams::default()).await? {
        let status = topic.status.clone().unwrap_or_default();
        assert_eq!(
            status.topic_id.map(Value::from),
            now.get(&case.name(&topic.name_any())).cloned(),
            "{}",
            topic.name_any()
        );
    }
    Ok(())
}
