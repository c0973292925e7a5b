use kube::{Api, Client, ResourceExt, api::ListParams};
use millrace_crds::{ConsumerGroup, Topic};
use serde::de::DeserializeOwned;

use super::declared::Declared;
use crate::cli::manifests::Manifests;

/// The Topics and ConsumerGroups that are known.
#[derive(Debug, Default)]
pub(super) struct Readers {
    topics: Vec<Topic>,
    groups: Vec<ConsumerGroup>,
    /// Why those of the cluster are not known.
    pub(super) unknown: Option<String>,
}

impl Readers {
    /// Those of the manifests; `fallback` is the namespace of what names none.
    pub(super) fn of(manifests: &Manifests, fallback: &str) -> Self {
        Self {
            topics: parsed(manifests, "Topic", fallback),
            groups: parsed(manifests, "ConsumerGroup", fallback),
            unknown: None,
        }
    }

    /// Adds those of the cluster that the manifests lack. Without the right to list them those of the manifests have to do.
    pub(super) async fn add_those_of(&mut self, client: &Client) {
        let all = ListParams::default();
        let topics = Api::<Topic>::all(client.clone());
        let groups = Api::<ConsumerGroup>::all(client.clone());
        match tokio::try_join!(topics.list(&all), groups.list(&all)) {
            Ok((topics, groups)) => {
                add(&mut self.topics, topics.items);
                add(&mut self.groups, groups.items);
            }
            Err(error) => {
                self.unknown = Some(format!(
                    "the Topics and ConsumerGroups of the cluster cannot be listed ({error}): readers are those of these files"
                ));
            }
        }
    }

    /// The ConsumerGroups that read the topic a Schema describes, such as `ConsumerGroup shop/billing`.
    pub(super) fn of_schema(&self, declared: &Declared) -> Vec<String> {
        let topics = self.topics_of(declared);
        let reads = |group: &&ConsumerGroup| {
            let home = group.namespace().unwrap_or_default();
            group.spec.topics.iter().any(|read| {
                let theirs = read.namespace.as_deref().unwrap_or(&home);
                topics.iter().any(|topic| {
                    let by_name = read.name.as_ref() == Some(&topic.resource);
                    let by_prefix = read.prefix.as_deref();
                    let by_prefix = by_prefix.is_some_and(|p| topic.name.starts_with(p));
                    theirs == topic.namespace && (by_name || by_prefix)
                })
            })
        };
        let readers = self.groups.iter().filter(reads);
        readers
            .map(|group| {
                let namespace = group.namespace().unwrap_or_default();
                format!("ConsumerGroup {namespace}/{}", group.name_any())
            })
            .collect()
    }

    /// The topics a Schema describes: that of its `topicRef`, or those that its subject is called after.
    fn topics_of(&self, declared: &Declared) -> Vec<Described> {
        let Ok(schema) = &declared.schema else {
            return Vec::new();
        };
        let known = self.topics.iter().map(Described::of);
        if let Some(reference) = &schema.spec.topic_ref {
            let mut found: Vec<Described> = known
                .filter(|topic| {
                    topic.namespace == declared.namespace && topic.resource == reference.name
                })
                .collect();
            if found.is_empty() {
                found.push(Described {
                    namespace: declared.namespace.clone(),
                    resource: reference.name.clone(),
                    name: reference.name.clone(),
                });
            }
            return found;
        }
        let subject = schema.spec.subject.as_deref().unwrap_or_default();
        let name = ["-key", "-value"]
            .into_iter()
            .find_map(|part| subject.strip_suffix(part));
        known
            .filter(|topic| Some(topic.name.as_str()) == name)
            .collect()
    }
}

/// A topic that a Schema describes.
struct Described {
    namespace: String,
    /// Name of the Topic resource.
    resource: String,
    /// Name in Kafka.
    name: String,
}

impl Described {
    fn of(topic: &Topic) -> Self {
        let resource = topic.name_any();
        Self {
            namespace: topic.namespace().unwrap_or_default(),
            name: topic
                .spec
                .topic_name
                .clone()
                .unwrap_or_else(|| resource.clone()),
            resource,
        }
    }
}

/// The resources of a kind that parse; what is wrong with the others is for `lint` to say.
fn parsed<K: DeserializeOwned + ResourceExt>(
    manifests: &Manifests,
    kind: &str,
    fallback: &str,
) -> Vec<K> {
    let documents = manifests.documents.iter();
    let resources = documents
        .filter(|document| document.kind() == kind)
        .filter_map(|document| serde_json::from_value(document.value.clone()).ok());
    resources
        .map(|mut resource: K| {
            let namespace = resource.namespace().unwrap_or_else(|| fallback.to_owned());
            resource.meta_mut().namespace = Some(namespace);
            resource
        })
        .collect()
}

fn add<K: ResourceExt>(known: &mut Vec<K>, others: Vec<K>) {
    let is_known = |other: &K, known: &[K]| {
        let mut known = known.iter();
        known.any(|one| one.namespace() == other.namespace() && one.name_any() == other.name_any())
    };
    for other in others {
        if !is_known(&other, known) {
            known.push(other);
        }
    }
}
