use std::io;

use kafka_protocol::messages::{DescribeGroupsRequest, describe_groups_response::DescribedGroup};

use super::{DEAD, assignment, describe::Described, ids, rounds::Broker};
use crate::kafka::{GroupDescription, client::failure};

/// DescribeGroups since Kafka 2.4. A group that does not exist, or has another protocol, is `Dead`; since version 6 that would be a refusal.
const VERSION: i16 = 5;
/// The embedded protocol of consumers; Kafka Connect and others have assignments of their own.
const CONSUMERS: &str = "consumer";

/// Asks for groups of the classic protocol. Nothing is asked for no groups.
pub(super) async fn describe(
    broker: &Broker<'_>,
    groups: Vec<String>,
) -> io::Result<Vec<(String, Described)>> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let request = DescribeGroupsRequest::default().with_groups(ids(&groups));
    let response = broker.ask(&request, VERSION).await?;
    let described = response.groups.into_iter();
    Ok(described
        .map(|group| (group.group_id.to_string(), description(group)))
        .collect())
}

fn description(group: DescribedGroup) -> Described {
    failure::answer(group.error_code, group.error_message.as_deref())?;
    if group.group_state.as_str() == DEAD {
        return Ok(None);
    }
    let consumers = group.protocol_type.as_str() == CONSUMERS;
    let members = group.members.into_iter().map(|member| {
        let known = consumers.then(|| assignment::partitions(member.member_assignment));
        let assigned = known.flatten().unwrap_or_default();
        (member.member_id.to_string(), assigned)
    });
    Ok(Some(GroupDescription {
        state: group.group_state.to_string(),
        members: members.collect(),
    }))
}
