use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::TopicStatus;

use super::{Draft, reasons};
use crate::{
    kafka::ObservedTopic,
    world::{GroupSnapshot, GroupsView},
};

/// Whether the committed offsets of a topic's readers lie within its log.
pub const GROUP_OFFSETS_VALID: &str = "GroupOffsetsValid";

/// Whether the committed offsets of `readers` (group ids) fit a topic that was deleted and made again, which its new id tells.
/// None as long as no such thing was seen. Unknown until every reader was looked at since.
///
/// A committed offset beyond the end of the new log makes a consumer skip records, or start where `auto.offset.reset` says.
pub fn group_offsets(
    topic: &str,
    before: Option<&TopicStatus>,
    observed: Option<&ObservedTopic>,
    groups: &GroupsView,
    readers: impl FnOnce() -> BTreeSet<String>,
) -> Option<Draft> {
    let (before, observed) = (before?, observed?);
    let known = before
        .conditions
        .iter()
        .find(|condition| condition.type_ == GROUP_OFFSETS_VALID);
    let made_again = before
        .topic_id
        .as_ref()
        .is_some_and(|id| *id != observed.id);
    let within = || {
        Draft::yes(
            GROUP_OFFSETS_VALID,
            reasons::OFFSETS_WITHIN_LOG,
            format!(
                "topic `{topic}` was made again, and no reader's committed offset lies beyond its end"
            ),
        )
    };
    if !made_again && known?.status == "True" {
        return Some(within());
    }
    let readers = readers();
    let beyond: BTreeMap<&String, Vec<String>> = readers
        .iter()
        .filter_map(|group| Some((group, beyond(topic, groups.get(group)?))))
        .filter(|(_, partitions)| !partitions.is_empty())
        .collect();
    let since = known
        .filter(|_| !made_again)
        .map(|condition| condition.last_transition_time.0.as_second());
    let looked_at = |group: &String| {
        groups.get(group).is_some_and(|look| {
            look.complete && since.is_some_and(|since| look.time.as_second() > since)
        })
    };
    Some(if !beyond.is_empty() {
        Draft::no(
            GROUP_OFFSETS_VALID,
            reasons::TOPIC_RECREATED,
            lost(topic, &beyond),
        )
    } else if readers.iter().all(looked_at) {
        within()
    } else {
        Draft::unknown(
            GROUP_OFFSETS_VALID,
            reasons::TOPIC_RECREATED,
            format!(
                "topic `{topic}` was deleted and made again: its readers' offsets are being looked at"
            ),
        )
    })
}

/// Partitions in which the group has committed an offset beyond the end.
fn beyond(topic: &str, look: &GroupSnapshot) -> Vec<String> {
    look.partitions
        .iter()
        .filter(|(partition, _)| &*partition.topic == topic)
        .filter(|(_, offsets)| {
            offsets
                .committed
                .is_some_and(|committed| committed > offsets.end)
        })
        .map(|(partition, _)| partition.partition.to_string())
        .collect()
}

fn lost(topic: &str, beyond: &BTreeMap<&String, Vec<String>>) -> String {
    let groups: Vec<String> = beyond
        .iter()
        .map(|(group, partitions)| format!("`{group}` (partition {})", partitions.join(", ")))
        .collect();
    format!(
        "topic `{topic}` was deleted and made again, and these groups have committed offsets beyond the end of its new log: {}; they skip records or start where auto.offset.reset says. Stop their consumers and set the offsets: kafka-consumer-groups.sh --group GROUP --topic {topic} --reset-offsets --to-earliest --execute",
        groups.join(", ")
    )
}

#[cfg(test)]
mod tests;
