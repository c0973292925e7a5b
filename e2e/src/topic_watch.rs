//! The Topics of one namespace as a watch shows them: each write of one is one event, so writes can be counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use futures::StreamExt;
use http::Request;
use kube::{Client, core::WatchEvent};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

/// Times a watch that was cut off is begun anew before it is given up.
const ATTEMPTS: usize = 150;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);

/// What has been seen of one Topic since the watch began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether it is Ready for its present generation.
    pub ready: bool,
    /// The generation its status speaks of.
    pub observed: Option<i64>,
    /// Every Kafka id it has had: more than one means that the topic was made again.
    pub ids: BTreeSet<String>,
    /// Writes to it after its creation.
    pub writes: usize,
}

/// A watch of all Topics of a namespace, from now on.
pub struct TopicWatch {
    events: mpsc::UnboundedReceiver<Result<Event>>,
    task: JoinHandle<()>,
    topics: BTreeMap<String, Seen>,
    ready: usize,
}

struct Event {
    topic: Light,
    added: bool,
    at: Instant,
}

/// As much of a Topic as is looked at: reading all of ten thousand would take from what is measured.
#[derive(Clone, Debug, Deserialize)]
struct Light {
    metadata: Meta,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    name: String,
    #[serde(default)]
    generation: i64,
    resource_version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    observed_generation: Option<i64>,
    topic_id: Option<String>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

impl TopicWatch {
    /// Begins to watch. Topics that are there already are seen when they change.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn start(client: &Client, namespace: &str) -> Result<Self> {
        let path = format!("/apis/millrace.dev/v1alpha1/namespaces/{namespace}/topics");
        let list = Request::get(format!("{path}?limit=1")).body(Vec::new())?;
        let list: Value = client.request(list).await?;
        let version = list["metadata"]["resourceVersion"]
            .as_str()
            .context("a list without a resourceVersion")?
            .to_owned();
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(follow(client.clone(), path, version, sender));
        Ok(Self {
            events,
            task,
            topics: BTreeMap::new(),
            ready: 0,
        })
    }

    /// Waits until `count` Topics are Ready; the moment the last of them was. `progress` hears how many are, with each change.
    ///
    /// # Errors
    /// At the deadline, with how many are Ready; when the watch breaks.
    pub async fn all_ready(
        &mut self,
        count: usize,
        within: Duration,
        mut progress: impl FnMut(usize),
    ) -> Result<Instant> {
        let deadline = Instant::now() + within;
        let mut at = Instant::now();
        while self.ready < count {
            let before = self.ready;
            match self.next(deadline).await? {
                Some((_, moment)) => at = moment,
                None => bail!(
                    "{} of {count} Topics are Ready after {within:?}",
                    self.ready
                ),
            }
            if self.ready != before {
                progress(self.ready);
            }
        }
        Ok(at)
    }

    /// Waits until Topic `name` is Ready for `generation`; the moment it was.
    ///
    /// # Errors
    /// At the deadline, with what was seen of it last; when the watch breaks.
    pub async fn settled(
        &mut self,
        name: &str,
        generation: i64,
        within: Duration,
    ) -> Result<Instant> {
        let deadline = Instant::now() + within;
        loop {
            match self.next(deadline).await? {
                Some((changed, at)) => {
                    let seen = &self.topics[&changed];
                    if changed == name && seen.ready && seen.observed >= Some(generation) {
                        return Ok(at);
                    }
                }
                None => bail!(
                    "Topic {name} is not Ready for generation {generation} after {within:?}: {:?}",
                    self.topics.get(name)
                ),
            }
        }
    }

    /// Takes in what is there or comes until `until`.
    ///
    /// # Errors
    /// When the watch breaks.
    pub async fn listen(&mut self, until: Instant) -> Result<()> {
        while self.next(until).await?.is_some() {}
        Ok(())
    }

    /// What has been seen, by name.
    pub fn topics(&self) -> &BTreeMap<String, Seen> {
        &self.topics
    }

    /// The name of the Topic that changed next, and when; none at the deadline.
    async fn next(&mut self, deadline: Instant) -> Result<Option<(String, Instant)>> {
        let Ok(event) = timeout_at(deadline, self.events.recv()).await else {
            return Ok(None);
        };
        let Event { topic, added, at } = event.context("the watch of Topics has ended")??;
        let seen = self.topics.entry(topic.metadata.name.clone()).or_default();
        let before = seen.ready;
        note(seen, &topic, added);
        match (before, seen.ready) {
            (false, true) => self.ready += 1,
            (true, false) => self.ready -= 1,
            _ => {}
        }
        Ok(Some((topic.metadata.name, at)))
    }
}

impl Drop for TopicWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(seen: &mut Seen, topic: &Light, added: bool) {
    let status = &topic.status;
    let ready = status
        .conditions
        .iter()
        .any(|condition| condition.r#type == "Ready" && condition.status == "True");
    seen.ready = ready && status.observed_generation == Some(topic.metadata.generation);
    seen.observed = status.observed_generation;
    seen.ids.extend(status.topic_id.clone());
    seen.writes += usize::from(!added);
}

/// Sends what happens to Topics from `version` on; a connection that breaks is made anew from the last version seen.
async fn follow(
    client: Client,
    path: String,
    mut version: String,
    events: mpsc::UnboundedSender<Result<Event>>,
) {
    for _ in 0..ATTEMPTS {
        match watch(&client, &path, &mut version, &events).await {
            Ok(()) => {}
            Err(error) if error.downcast_ref::<kube::Error>().is_some() => {}
            Err(error) => {
                // Nobody listens any more where this fails.
                drop(events.send(Err(error)));
                return;
            }
        }
        sleep(BETWEEN_ATTEMPTS).await;
    }
    drop(events.send(Err(anyhow!("the watch of {path} breaks again and again"))));
}

async fn watch(
    client: &Client,
    path: &str,
    version: &mut String,
    events: &mpsc::UnboundedSender<Result<Event>>,
) -> Result<()> {
    let uri = format!("{path}?watch=true&resourceVersion={version}");
    let request = Request::get(uri).body(Vec::new())?;
    let stream = client.request_events::<Light>(request).await?;
    let mut stream = pin!(stream);
    while let Some(event) = stream.next().await {
        let (topic, added) = match event? {
            WatchEvent::Added(topic) => (topic, true),
            WatchEvent::Modified(topic) => (topic, false),
            WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => bail!("the watch of {path}: {}", status.message),
        };
        version.clone_from(&topic.metadata.resource_version);
        let at = Instant::now();
        if events.send(Ok(Event { topic, added, at })).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Light, Seen, note};

    fn topic(generation: i64, observed: i64, id: &str, ready: &str) -> Light {
        serde_json::from_value(json!({
            "metadata": { "name": "orders", "generation": generation, "resourceVersion": "7" },
            "spec": { "partitions": 1 },
            "status": {
                "observedGeneration": observed,
                "topicId": id,
                "conditions": [
                    { "type": "Synced", "status": "True", "reason": "Applied" },
                    { "type": "Ready", "status": ready, "reason": "Applied" },
                ],
            },
        }))
        .unwrap()
    }

    #[test]
    fn ready_speaks_of_the_present_generation_alone() {
        let mut seen = Seen::default();
        note(&mut seen, &topic(2, 1, "a", "True"), false);
        assert!(!seen.ready);
        note(&mut seen, &topic(2, 2, "a", "False"), false);
        assert!(!seen.ready);
        note(&mut seen, &topic(2, 2, "a", "True"), false);
        assert!(seen.ready);
    }

    #[test]
    fn every_id_is_kept_and_a_creation_is_no_write() {
        let mut seen = Seen::default();
        let new =
            json!({ "metadata": { "name": "orders", "generation": 1, "resourceVersion": "6" } });
        note(&mut seen, &serde_json::from_value(new).unwrap(), true);
        assert_eq!(seen, Seen::default());
        note(&mut seen, &topic(1, 1, "a", "True"), false);
        note(&mut seen, &topic(1, 1, "b", "True"), false);
        assert_eq!(seen.ids, ["a".to_owned(), "b".to_owned()].into());
        assert_eq!(seen.writes, 2);
    }
}
