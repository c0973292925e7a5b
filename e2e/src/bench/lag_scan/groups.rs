use std::{ops::Range, time::Duration};

use anyhow::Result;
use http::Request;
use kube::Resource;
use millrace_crds::{ConsumerGroup, Topic};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::progress;
use crate::{
    CLUSTER, CLUSTER_NAMESPACE, Case, bulk, many::CommittedGroups, topic_watch::TopicWatch, wait,
};

/// How long all of them may take until they are as wanted.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// Groups that read one topic.
const READERS: usize = 20;

/// Groups that have committed an offset in every partition of one topic each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What their names begin with, and those of their topics.
    pub prefix: &'static str,
    /// Partitions of each topic.
    pub partitions: i32,
}

/// Makes groups of these `numbers`, without members and without lag, and the topics they read that are not there yet. Returns once
/// every group of the namespace shows its lag.
///
/// # Errors
/// When something is refused, or some group shows no lag in the end.
pub async fn make(case: &Case, shape: Shape, numbers: Range<usize>) -> Result<()> {
    progress(&format!(
        "{} groups of {} partitions",
        numbers.end, shape.partitions
    ));
    make_topics(
        case,
        shape,
        numbers.start.div_ceil(READERS)..numbers.end.div_ceil(READERS),
    )
    .await?;
    let committed = CommittedGroups {
        prefix: &case.name(shape.prefix),
        numbers: numbers.clone(),
        readers: READERS,
        partitions: shape.partitions,
    };
    case.probe.commit_offsets(&committed).await?;
    for topic in numbers.start / READERS..numbers.end.div_ceil(READERS) {
        let readers = numbers.start.max(topic * READERS)..numbers.end.min((topic + 1) * READERS);
        let names = bulk::numbered(shape.prefix, readers);
        let topic = &bulk::numbered(shape.prefix, topic..topic + 1)[0];
        bulk::create_each::<ConsumerGroup>(&case.client, &case.namespace, &names, |name| {
            spec(case, name, topic)
        })
        .await?;
    }
    reported(case).await
}

async fn make_topics(case: &Case, shape: Shape, numbers: Range<usize>) -> Result<()> {
    let (client, namespace) = (&case.client, &case.namespace);
    let names = bulk::numbered(shape.prefix, numbers);
    let mut watch = TopicWatch::start(client, namespace).await?;
    bulk::create_each::<Topic>(client, namespace, &names, |name| {
        let mut spec = bulk::smallest(namespace, name);
        spec["partitions"] = shape.partitions.into();
        spec
    })
    .await?;
    watch.all_ready(names.len(), PATIENCE, |_| {}).await?;
    Ok(())
}

fn spec(case: &Case, name: &str, topic: &str) -> Value {
    json!({
        "clusterRef": { "name": CLUSTER, "namespace": CLUSTER_NAMESPACE },
        "groupId": case.name(name),
        "topics": [{ "name": topic }],
        "serviceAccountName": "reader",
    })
}

/// As much of a list of ConsumerGroups as is looked at.
#[derive(Deserialize)]
struct Listed {
    items: Vec<Light>,
}

#[derive(Deserialize)]
struct Light {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    lag: Option<IgnoredAny>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    status: String,
}

impl Light {
    /// Whether its lag is shown and nothing about it is unknown: what comes later is no news of its own.
    fn is_reported(&self) -> bool {
        let conditions = &self.status.conditions;
        self.status.lag.is_some() && conditions.iter().all(|one| one.status != "Unknown")
    }
}

async fn reported(case: &Case) -> Result<()> {
    let path = ConsumerGroup::url_path(&(), Some(&case.namespace));
    wait::answer("every ConsumerGroup shows its lag", PATIENCE, || async {
        let request = Request::get(&path).body(Vec::new())?;
        let listed: Listed = case.client.request(request).await?;
        let left = listed.items.iter().filter(|group| !group.is_reported());
        Ok(match left.count() {
            0 => Ok(()),
            left => Err(format!("{left} of {} do not", listed.items.len())),
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Listed;

    #[test]
    fn a_group_without_lag_or_with_something_unknown_is_not_reported() {
        let listed = json!({ "items": [
            { "metadata": {} },
            { "status": { "lag": { "records": 0 }, "conditions": [{ "type": "Skewed", "status": "Unknown" }] } },
            { "status": { "conditions": [{ "type": "Skewed", "status": "False" }] } },
            { "status": { "lag": { "records": 0 }, "conditions": [{ "type": "Skewed", "status": "False" }] } },
        ] });
        let listed: Listed = serde_json::from_value(listed).unwrap();
        let reported: Vec<bool> = listed.items.iter().map(|one| one.is_reported()).collect();
        assert_eq!(reported, [false, false, false, true]);
    }
}
