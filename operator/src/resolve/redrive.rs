use std::sync::Arc;

use kube::ResourceExt;
use millrace_crds::{Redrive, Topic};

use super::{
    Claimant, Facts, Name, Rejection, TopicName, allows,
    consumer_group::{missing, not_allowed},
    dlq::dlq_topic,
    grant::may_claim,
    topic::topic_name,
};
use crate::{status::reasons, world::ClusterKey};

/// Topics that letters may go back to which a status has room for.
const MOST_DESTINATIONS: usize = 1_000;

/// A Redrive whose letters there are, and whose named topics it may write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRedrive {
    /// The cluster its letters lie on.
    pub cluster: ClusterKey,
    /// The dead-letter topic.
    pub letters: TopicName,
}

/// What a Redrive asks for, if it may. Which topics the letters came from is not known before they are read: see
/// [`redrive_destinations`].
///
/// # Errors
/// A [`Rejection`] when there is no such DLQ, it may not have its topic, or a topic that is named does not let the namespace in.
pub fn redrive(redrive: &Redrive, facts: &dyn Facts) -> Result<ResolvedRedrive, Rejection> {
    let namespace = redrive.namespace().unwrap_or_default();
    let spec = &redrive.spec;
    let dlq = facts
        .dlq(&namespace, &spec.dlq_ref.name)
        .ok_or_else(|| missing(&format!("DLQ {namespace}/{}", spec.dlq_ref.name)))?;
    let cluster = ClusterKey::of(&dlq.spec.cluster_ref, &namespace);
    let letters = dlq_topic(&dlq, facts)?;
    let named = [
        ("topicName", &spec.topic_name),
        ("quarantineTopicName", &spec.quarantine_topic_name),
    ];
    for (field, topic) in named {
        if let Some(topic) = topic {
            if topic == letters.as_str() {
                return Err(Rejection::no(
                    reasons::INVALID_SPEC,
                    format!(
                        "{field}: `{topic}` is the dead-letter topic itself: write another topic"
                    ),
                ));
            }
            writable(field, topic, &namespace, &cluster, facts)?;
        }
    }
    Ok(ResolvedRedrive { cluster, letters })
}

/// The topics on `cluster` that letters of a Redrive may go to, in order: of those that its filter and its fields mean, the ones that
/// belong to a Topic among `topics`, which is of its namespace or lets it in.
///
/// # Errors
/// A [`Rejection`] where there are more than a status has room for.
pub fn redrive_destinations(
    redrive: &Redrive,
    cluster: &ClusterKey,
    topics: &[Arc<Topic>],
    facts: &dyn Facts,
) -> Result<Vec<String>, Rejection> {
    let namespace = redrive.namespace().unwrap_or_default();
    let spec = &redrive.spec;
    let sources = spec
        .filter
        .as_ref()
        .map_or(&[][..], |filter| &filter.sources);
    let named = [&spec.topic_name, &spec.quarantine_topic_name];
    let is_meant = |topic: &String| {
        named.into_iter().flatten().any(|name| name == topic)
            || spec.topic_name.is_none() && (sources.is_empty() || sources.contains(topic))
    };
    let mut open: Vec<String> = topics
        .iter()
        .filter_map(|topic| redrive_destination(topic, cluster, &namespace, facts))
        .filter(is_meant)
        .collect();
    open.sort();
    if open.len() > MOST_DESTINATIONS {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "letters could go back to {} topics, and {MOST_DESTINATIONS} is the most: name those that are meant in filter.sources of a new Redrive",
                open.len()
            ),
        ));
    }
    Ok(open)
}

/// The topic of a Topic that Redrives of the namespace `visitor` may write to: the resource holds the topic's name on `cluster`,
/// and is of that namespace or lets it in.
fn redrive_destination(
    topic: &Topic,
    cluster: &ClusterKey,
    visitor: &str,
    facts: &dyn Facts,
) -> Option<String> {
    let home = topic.namespace().unwrap_or_default();
    let labels = facts.namespace_labels(visitor).unwrap_or_default();
    let here = ClusterKey::of(&topic.spec.cluster_ref, &home) == *cluster;
    let allowed = topic.spec.allowed_redrives.as_ref();
    if !here || !allows(allowed, &home, visitor, &labels) {
        return None;
    }
    let text = topic.spec.topic_name.clone();
    let text = text.unwrap_or_else(|| topic.name_any());
    let held = topic_name(&Claimant::of(topic), cluster, &text, facts);
    held.ok().map(|name| name.as_str().to_owned())
}

fn writable(
    field: &str,
    text: &str,
    visitor: &str,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<(), Rejection> {
    let claimants = facts.claimants(cluster, &Name::Topic(text.to_owned()));
    let holder = claimants
        .into_iter()
        .find(|claimant| may_claim(cluster, &claimant.namespace, text, facts));
    let topic = holder
        .filter(|holder| holder.kind == "Topic")
        .and_then(|holder| facts.topic(&holder.namespace, &holder.name))
        .ok_or_else(|| {
            Rejection::unknown(
                reasons::REFERENCE_NOT_FOUND,
                format!(
                    "{field}: no Topic resource says whose topic `{text}` on KafkaCluster {cluster} is: create one, or write another topic"
                ),
            )
        })?;
    match redrive_destination(&topic, cluster, visitor, facts) {
        Some(_) => Ok(()),
        None => {
            let home = topic.namespace().unwrap_or_default();
            let path = format!("Topic {home}/{}", topic.name_any());
            Err(not_allowed(&path, visitor, "allowedRedrives"))
        }
    }
}
