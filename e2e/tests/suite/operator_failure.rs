//! The operator may die at any point: it resumes and does nothing twice.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{Api, ResourceExt, api::ListParams};
use millrace_crds::Topic;
use millrace_e2e::{Case, operator, wait};
use serde_json::json;

const TOPICS: usize = 50;

/// Kafka's topic ids, by the names of the Topics that are ready.
async fn ready(topics: &Api<Topic>) -> Result<BTreeMap<String, String>> {
    let listed = topics.list(&ListParams::default()).await?;
    Ok(listed
        .iter()
        .filter(|topic| {
            wait::condition_of(topic, "Ready").is_some_and(|ready| ready["status"] == "True")
        })
        .filter_map(|topic| Some((topic.name_any(), topic.status.as_ref()?.topic_id.clone()?)))
        .collect())
}

#[tokio::test]
async fn the_operator_killed_in_a_burst_resumes_and_makes_no_topic_twice() -> Result<()> {
    let case = Case::alone("killed").await?;
    case.account("writer").await?;
    let case = &case;
    let topics = case.api::<Topic>();
    let burst = stream::iter(0..TOPICS).map(|n| async move {
        let name = format!("t{n}");
        let spec = json!({
            "topicName": case.name(&name),
            "partitions": 1,
            "producers": [{ "serviceAccountName": "writer" }],
        });
        case.apply("Topic", &name, spec).await
    });
    let kill = async {
        let before = wait::answer("some topics are ready", Duration::from_secs(60), || async {
            let ready = ready(&topics).await?;
            Ok(if ready.is_empty() {
                Err("none is".to_owned())
            } else {
                Ok(ready)
            })
        })
        .await?;
        operator::kill(&case.client).await?;
        anyhow::Ok(before)
    };
    let burst = burst.buffer_unordered(5).try_collect::<Vec<()>>();
    let (_, before) = tokio::try_join!(burst, kill)?;

    let after = wait::answer("all topics are ready", Duration::from_secs(120), || async {
        let ready = ready(&topics).await?;
        Ok(if ready.len() == TOPICS {
            Ok(ready)
        } else {
            Err(format!("{} of {TOPICS} are", ready.len()))
        })
    })
    .await?;
    for (name, id) in &before {
        assert_eq!(after.get(name), Some(id), "{name} was made again");
    }
    for (name, id) in &after {
        let topic = case.probe.topic(&case.name(name)).await?;
        let topic = topic.with_context(|| format!("{name} is not in Kafka"))?;
        assert_eq!(topic["id"], *id, "{name} was made again");
    }
    Ok(())
}
