//! Many Topics come and go with their namespace.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::ListParams};
use millrace_crds::Topic;
use millrace_e2e::{Case, resources, wait};
use serde_json::{Value, json};

const TOPICS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(90);
/// From the first that is applied; on an idle machine it is a second or two.
const READY_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn forty_topics_applied_at_once_are_ready_soon_and_their_namespace_ends_with_the_records_kept()
-> Result<()> {
    let case = Case::alone("forty").await?;
    case.account("writer").await?;
    let case = &case;
    let names: Vec<String> = (0..TOPICS).map(|n| format!("t{n}")).collect();
    let began = Instant::now();
    stream::iter(&names)
        .map(|name| async move {
            let spec = json!({
                "topicName": case.name(name),
                "partitions": 1,
                "producers": [{ "serviceAccountName": "writer" }],
            });
            case.apply("Topic", name, spec).await
        })
        .buffer_unordered(TOPICS)
        .try_collect::<Vec<()>>()
        .await?;
    let topics = case.api::<Topic>();
    wait::answer("all are ready", PATIENCE, || async {
        let ready = topics
            .list(&ListParams::default())
            .await?
            .iter()
            .filter(|topic| {
                wait::condition_of(*topic, "Ready").is_some_and(|ready| ready["status"] == "True")
            })
            .count();
        Ok(if ready == TOPICS {
            Ok(())
        } else {
            Err(format!("{ready} of {TOPICS} are"))
        })
    })
    .await?;
    let took = began.elapsed();
    assert!(took <= READY_WITHIN, "ready after {took:?}");
    let first = case.name("t0");
    let id = case.probe.topic_id(&first).await?;
    case.probe
        .ask(&["produce", "--topic", &first, "--count", "5"])
        .await?;
    assert_eq!(case.probe.allowed_on(&first).await?.len(), 2);

    let namespaces: Api<Namespace> = Api::all(case.client.clone());
    resources::delete(&namespaces, &case.namespace).await?;
    wait::gone(&namespaces, &case.namespace, PATIENCE).await?;
    assert_eq!(topics.list(&ListParams::default()).await?.items.len(), 0);
    let prefix = format!("{}.", case.namespace);
    wait::answer("nobody is allowed anything any more", PATIENCE, || async {
        let acls = case.probe.ask(&["acls"]).await?;
        let left: Vec<&Value> = acls["acls"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|acl| acl["name"].as_str().is_some_and(|n| n.starts_with(&prefix)))
            .collect();
        Ok(if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{} ACLs, the first is {}", left.len(), left[0]))
        })
    })
    .await?;
    let listed = case.probe.ask(&["list-topics"]).await?;
    let in_kafka: BTreeSet<&str> = listed["topics"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|topic| topic.as_str())
        .collect();
    for name in &names {
        let topic = case.name(name);
        assert!(in_kafka.contains(topic.as_str()), "{topic} was deleted");
    }
    assert_eq!(case.probe.topic_id(&first).await?, id);
    assert_eq!(case.probe.count(&first).await?, 5);
    Ok(())
}
