use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use krafka::{
    KrafkaError,
    admin::{
        AdminClient, ConsumerGroupDescription, GroupOffset, TopicPartition as KrafkaPartition,
    },
    error::ErrorCode,
};

use super::failure;
use crate::kafka::{GroupDescription, KafkaError, PerItem, TopicPartition};

/// Groups asked for their committed offsets at a time: krafka sends one request a group.
const GROUPS_AT_ONCE: usize = 16;

/// State of a group that does not exist.
const DEAD: &str = "Dead";

pub(super) async fn describe(
    client: &AdminClient,
    groups: &BTreeSet<String>,
) -> Result<PerItem<String, GroupDescription>, KafkaError> {
    let answers = client
        .describe_consumer_groups(groups, Default::default())
        .await
        .map_err(failure::of)?
        .into_iter()
        .map(|(group, result)| (group, description(result)))
        .collect();
    failure::unless_all_unreachable(answers)
}

fn description(
    result: Result<ConsumerGroupDescription, KrafkaError>,
) -> Result<GroupDescription, KafkaError> {
    match result {
        Ok(group) => Ok(GroupDescription {
            state: group.state,
            members: group
                .members
                .into_iter()
                .map(|member| {
                    let assigned = member.assignment.unwrap_or_default().into_iter();
                    let partitions = assigned.flat_map(|of_topic| {
                        of_topic
                            .partitions
                            .into_iter()
                            .map(move |partition| TopicPartition {
                                topic: of_topic.topic_name.clone(),
                                partition,
                            })
                    });
                    (member.member_id, partitions.collect())
                })
                .collect(),
        }),
        // Since Kafka 4.0 a group that does not exist is an error, before that a description (KIP-1043).
        Err(KrafkaError::Broker {
            code: ErrorCode::GroupIdNotFound,
            ..
        }) => Ok(GroupDescription {
            state: DEAD.to_owned(),
            members: BTreeMap::new(),
        }),
        Err(error) => Err(failure::of(error)),
    }
}

pub(super) async fn committed(
    client: &AdminClient,
    groups: &BTreeSet<String>,
) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError> {
    let answers = stream::iter(groups.clone())
        .map(|group| committed_by(client, group))
        .buffer_unordered(GROUPS_AT_ONCE)
        .collect()
        .await;
    failure::unless_all_unreachable(answers)
}

async fn committed_by(
    client: &AdminClient,
    group: String,
) -> (String, Result<BTreeMap<TopicPartition, i64>, KafkaError>) {
    let answered = client
        .list_consumer_group_offsets(&group, Default::default())
        .await;
    (group, offsets(answered))
}

fn offsets(
    answered: Result<HashMap<KrafkaPartition, Result<GroupOffset, KrafkaError>>, KrafkaError>,
) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
    let answered = match answered {
        Err(KrafkaError::Broker {
            code: ErrorCode::GroupIdNotFound,
            ..
        }) => return Ok(BTreeMap::new()),
        other => other.map_err(failure::of)?,
    };
    let mut offsets = BTreeMap::new();
    for (partition, result) in answered {
        if let Some(offset) = result.map_err(failure::of)?.offset {
            let partition = TopicPartition {
                topic: partition.topic,
                partition: partition.partition,
            };
            offsets.insert(partition, offset);
        }
    }
    Ok(offsets)
}
