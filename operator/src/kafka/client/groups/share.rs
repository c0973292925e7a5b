use std::{collections::BTreeMap, io};

use kafka_protocol::messages::{
    DescribeShareGroupOffsetsRequest, ShareGroupDescribeRequest,
    describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup,
    describe_share_group_offsets_response::DescribeShareGroupOffsetsResponseGroup,
    share_group_describe_response::DescribedGroup,
};

use super::{
    assigned, dead, ids,
    rounds::{Broker, Question},
};
use crate::kafka::{GroupDescription, KafkaError, PerItem, TopicPartition, client::failure};

/// ShareGroupDescribe since Kafka 4.1.
const DESCRIBE: i16 = 1;
/// DescribeShareGroupOffsets since Kafka 4.1.
const OFFSETS: i16 = 0;
const NOT_FOUND: &str = "GROUP_ID_NOT_FOUND";

/// The members of share groups (KIP-932).
pub(super) struct Members;

impl Question for Members {
    type Answer = GroupDescription;

    async fn ask(
        &self,
        broker: &Broker<'_>,
        groups: &[String],
    ) -> io::Result<PerItem<String, GroupDescription>> {
        let request = ShareGroupDescribeRequest::default().with_group_ids(ids(groups));
        let response = broker.ask(&request, DESCRIBE).await?;
        let described = response.groups.into_iter();
        Ok(described
            .map(|group| (group.group_id.to_string(), description(group)))
            .collect())
    }
}

fn description(group: DescribedGroup) -> Result<GroupDescription, KafkaError> {
    match failure::answer(group.error_code, group.error_message.as_deref()) {
        Ok(()) => Ok(GroupDescription {
            state: group.group_state.to_string(),
            members: group
                .members
                .into_iter()
                .map(|member| {
                    let topics = member.assignment.topic_partitions.into_iter();
                    let topics = topics.map(|topic| (topic.topic_name, topic.partitions));
                    (member.member_id.to_string(), assigned(topics))
                })
                .collect(),
        }),
        Err(error) if error.is(NOT_FOUND) => Ok(dead()),
        Err(error) => Err(error),
    }
}

/// Where share partitions start. One that nobody has read yet does not start anywhere.
pub(super) struct StartOffsets;

impl Question for StartOffsets {
    type Answer = BTreeMap<TopicPartition, i64>;

    async fn ask(
        &self,
        broker: &Broker<'_>,
        groups: &[String],
    ) -> io::Result<PerItem<String, BTreeMap<TopicPartition, i64>>> {
        let all_partitions = ids(groups).into_iter().map(|group| {
            DescribeShareGroupOffsetsRequestGroup::default()
                .with_group_id(group)
                .with_topics(None)
        });
        let request =
            DescribeShareGroupOffsetsRequest::default().with_groups(all_partitions.collect());
        let response = broker.ask(&request, OFFSETS).await?;
        let described = response.groups.into_iter();
        Ok(described
            .map(|group| (group.group_id.to_string(), start_offsets(group)))
            .collect())
    }
}

fn start_offsets(
    group: DescribeShareGroupOffsetsResponseGroup,
) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
    match failure::answer(group.error_code, group.error_message.as_deref()) {
        Err(error) if error.is(NOT_FOUND) => return Ok(BTreeMap::new()),
        other => other?,
    }
    let mut offsets = BTreeMap::new();
    for topic in group.topics {
        for partition in topic.partitions {
            failure::answer(partition.error_code, partition.error_message.as_deref())?;
            if partition.start_offset >= 0 {
                let named = TopicPartition {
                    topic: topic.topic_name.to_string(),
                    partition: partition.partition_index,
                };
                offsets.insert(named, partition.start_offset);
            }
        }
    }
    Ok(offsets)
}
