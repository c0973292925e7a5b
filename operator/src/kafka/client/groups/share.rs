use std::io;

use kafka_protocol::messages::{
    ShareGroupDescribeRequest, share_group_describe_response::DescribedGroup,
};

use super::{
    assigned, dead, ids,
    rounds::{Broker, Question},
};
use crate::kafka::{GroupDescription, KafkaError, PerItem, client::failure};

/// ShareGroupDescribe since Kafka 4.1.
const DESCRIBE: i16 = 1;
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
