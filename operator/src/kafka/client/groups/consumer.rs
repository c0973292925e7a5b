use std::io;

use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, consumer_group_describe_response::DescribedGroup,
};

use super::{assigned, describe::Described, ids, rounds::Broker};
use crate::kafka::{GroupDescription, client::failure};

/// ConsumerGroupDescribe (KIP-848) since Kafka 3.7.
const VERSION: i16 = 0;
/// How a group of the classic protocol is refused: by the second in Kafka 3.9, and where brokers have the new protocol switched off.
const NOT_ITS_PROTOCOL: [&str; 2] = ["GROUP_ID_NOT_FOUND", "UNSUPPORTED_VERSION"];

/// Asks for groups of the protocol of KIP-848. Nothing is asked for no groups.
pub(super) async fn describe(
    broker: &Broker<'_>,
    groups: Vec<String>,
) -> io::Result<Vec<(String, Described)>> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(ids(&groups));
    let response = broker.ask(&request, VERSION).await?;
    let described = response.groups.into_iter();
    Ok(described
        .map(|group| (group.group_id.to_string(), description(group)))
        .collect())
}

fn description(group: DescribedGroup) -> Described {
    match failure::answer(group.error_code, group.error_message.as_deref()) {
        Ok(()) => Ok(Some(GroupDescription {
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
        })),
        Err(error) if NOT_ITS_PROTOCOL.iter().any(|code| error.is(code)) => Ok(None),
        Err(error) => Err(error),
    }
}
