//! Groups of all types: who is in them, what they have committed. Many are read in one request, at the coordinator of each.

mod assignment;
mod classic;
mod committed;
mod consumer;
mod coordinator;
mod describe;
mod memory;
mod rounds;
mod share;
mod share_progress;
mod streams;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::join;
use kafka_protocol::{
    messages::{GroupId, TopicName},
    protocol::StrBytes,
};
use krafka::admin::AdminClient;

pub(super) use self::{
    memory::GroupMemory, share_progress::share_progress, streams::describe_streams,
};
use super::{failure, names, wire::Wire};
use crate::kafka::{GroupDescription, GroupType, KafkaError, PerItem, TopicPartition};

/// State of a group that does not exist.
const DEAD: &str = "Dead";

/// Describes groups of consumers and share groups: one request to each coordinator, or two where groups of both protocols of
/// consumers are among them. What is known of groups that are not among `groups` is forgotten.
pub(super) async fn describe(
    wire: &Wire,
    memory: &GroupMemory,
    groups: &BTreeMap<String, GroupType>,
) -> Result<PerItem<String, GroupDescription>, KafkaError> {
    memory.keep_only(groups);
    let consumers = of_types(groups, &[GroupType::Classic, GroupType::Consumer]);
    let shares = of_types(groups, &[GroupType::Share]);
    let of_either_protocol = describe::Members(memory);
    let (consumers, shares) = join!(
        rounds::ask(wire, memory, consumers, &of_either_protocol),
        rounds::ask(wire, memory, shares, &share::Members),
    );
    let answers = consumers.into_iter().chain(shares);
    failure::unless_all_unreachable(answers.collect())
}

/// Committed offsets of groups of consumers and applications of Kafka Streams: one request to each coordinator.
pub(super) async fn committed(
    wire: &Wire,
    memory: &GroupMemory,
    groups: &BTreeMap<String, GroupType>,
) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError> {
    let types = [GroupType::Classic, GroupType::Consumer, GroupType::Streams];
    let committing = of_types(groups, &types);
    let answers = rounds::ask(wire, memory, committing, &committed::Offsets).await;
    failure::unless_all_unreachable(answers)
}

/// Sets committed offsets of one group (OffsetCommit without a member).
pub(super) async fn commit(
    client: &AdminClient,
    group: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
    let offsets = offsets
        .iter()
        .map(|(named, offset)| (named.clone(), *offset));
    let (legal, mut answers) = names::split(offsets);
    if legal.is_empty() {
        return Ok(answers);
    }
    let offsets = legal
        .iter()
        .map(|(named, offset)| (names::theirs(named), *offset));
    let committed = client
        .alter_consumer_group_offsets(group, offsets, Default::default())
        .await
        .map_err(failure::of)?;
    answers.extend(failure::per_item(committed, names::ours, |()| ())?);
    Ok(answers)
}

/// Deletes groups of any type (DeleteGroups).
pub(super) async fn delete(
    client: &AdminClient,
    groups: &BTreeSet<String>,
) -> Result<PerItem<String, ()>, KafkaError> {
    let deleted = client
        .delete_consumer_groups(groups, Default::default())
        .await
        .map_err(failure::of)?;
    failure::per_item(deleted, |group| group, |()| ())
}

fn of_types(groups: &BTreeMap<String, GroupType>, types: &[GroupType]) -> Vec<String> {
    let wanted = groups.iter().filter(|(_, kind)| types.contains(kind));
    wanted.map(|(group, _)| group.clone()).collect()
}

fn ids(groups: &[String]) -> Vec<GroupId> {
    let ids = groups.iter().cloned().map(StrBytes::from_string);
    ids.map(GroupId).collect()
}

fn assigned(topics: impl IntoIterator<Item = (TopicName, Vec<i32>)>) -> BTreeSet<TopicPartition> {
    let mut assigned = BTreeSet::new();
    for (topic, partitions) in topics {
        let topic: Arc<str> = topic.as_str().into();
        let named = partitions.into_iter().map(|partition| TopicPartition {
            topic: topic.clone(),
            partition,
        });
        assigned.extend(named);
    }
    assigned
}

fn dead() -> GroupDescription {
    GroupDescription {
        state: DEAD.to_owned(),
        members: BTreeMap::new(),
    }
}
