use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use krafka::{KrafkaError, admin::DescribedStreamsGroup, error::ErrorCode};

use super::{describe, memory::GroupMemory, of_types, rounds};
use crate::kafka::{
    GroupDescription, GroupType, KafkaError, PerItem, TopicPartition,
    client::{connection::Connection, failure, wire::Wire},
};

/// The topics that the tasks of each subtopology read, by its id.
type Reads<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// The members of the applications of Kafka Streams among `groups`, each a stream thread, with the partitions that their active tasks
/// read, those of repartition topics among them. An application whose members assign the tasks among themselves is a group of
/// consumers to the broker, and asked for as such where KIP-1071's StreamsGroupDescribe does not know it.
pub(in crate::kafka::client) async fn describe_streams(
    connection: &Connection,
    wire: &Wire,
    memory: &GroupMemory,
    groups: &BTreeMap<String, GroupType>,
) -> Result<PerItem<String, GroupDescription>, KafkaError> {
    let groups = of_types(groups, &[GroupType::Streams]);
    if groups.is_empty() {
        return Ok(BTreeMap::new());
    }
    let client = connection.client().await?;
    let told = client.describe_streams_groups(&groups, Default::default());
    let (mut answers, mut others) = (PerItem::new(), Vec::new());
    for (group, told) in told.await.map_err(failure::of)? {
        match told {
            Err(KrafkaError::Broker {
                code: ErrorCode::GroupIdNotFound,
                ..
            }) => others.push(group),
            told => {
                let told = told.map(|told| description(&told));
                answers.insert(group, told.map_err(failure::of));
            }
        }
    }
    answers.extend(rounds::ask(wire, memory, others, &describe::Members(memory)).await);
    failure::unless_all_unreachable(answers)
}

fn description(group: &DescribedStreamsGroup) -> GroupDescription {
    let topology = group.topology.as_ref();
    let subtopologies = topology.and_then(|topology| topology.subtopologies.as_ref());
    let reads: Reads<'_> = subtopologies
        .into_iter()
        .flatten()
        .map(|subtopology| {
            let internal = subtopology.repartition_source_topics.iter();
            let internal = internal.map(|topic| topic.name.as_str());
            let sources = subtopology.source_topics.iter().map(String::as_str);
            let topics = sources.chain(internal).collect();
            (subtopology.subtopology_id.as_str(), topics)
        })
        .collect();
    let members = group.members.iter().map(|member| {
        let tasks = member.assignment.active_tasks.iter();
        let tasks = tasks.map(|of| (of.subtopology_id.as_str(), of.partitions.as_slice()));
        (member.member_id.clone(), read_by(tasks, &reads))
    });
    GroupDescription {
        state: group.group_state.clone(),
        members: members.collect(),
    }
}

/// A task reads the partition of its number of each topic of its subtopology.
fn read_by<'a>(
    tasks: impl Iterator<Item = (&'a str, &'a [i32])>,
    reads: &Reads<'_>,
) -> BTreeSet<TopicPartition> {
    let mut partitions = BTreeSet::new();
    for (subtopology, numbers) in tasks {
        for topic in reads.get(subtopology).into_iter().flatten() {
            let topic: Arc<str> = (*topic).into();
            let named = numbers.iter().map(|partition| TopicPartition {
                topic: topic.clone(),
                partition: *partition,
            });
            partitions.extend(named);
        }
    }
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_its_partition_of_every_topic_of_its_subtopology() {
        let reads = Reads::from([
            ("0", vec!["orders", "customers"]),
            ("1", vec!["app-counts-repartition"]),
        ]);
        let tasks: [(&str, &[i32]); 3] = [("0", &[0, 2]), ("1", &[1]), ("unknown", &[3])];
        let read = read_by(tasks.into_iter(), &reads);
        let read: Vec<String> = read
            .into_iter()
            .map(|p| format!("{}-{}", p.topic, p.partition))
            .collect();
        let told = [
            "app-counts-repartition-1",
            "customers-0",
            "customers-2",
            "orders-0",
            "orders-2",
        ];
        assert_eq!(read, told);
    }
}
