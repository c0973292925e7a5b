use std::collections::{BTreeMap, BTreeSet, HashMap};

use krafka::{KrafkaError, admin::DescribedStreamsGroup, error::ErrorCode};

use super::dead;
use crate::kafka::{
    GroupDescription, KafkaError, PerItem,
    client::{connection::Connection, failure},
};

/// Describes groups of Kafka Streams (KIP-1071, StreamsGroupDescribe) through krafka: kafka-protocol does not have the request.
pub(super) async fn describe(
    connection: &Connection,
    groups: Vec<String>,
) -> PerItem<String, GroupDescription> {
    if groups.is_empty() {
        return BTreeMap::new();
    }
    match described(connection, &groups).await {
        Ok(answers) => answers
            .into_iter()
            .map(|(group, answer)| (group, description(answer)))
            .collect(),
        Err(error) => groups
            .into_iter()
            .map(|group| (group, Err(error.clone())))
            .collect(),
    }
}

async fn described(
    connection: &Connection,
    groups: &[String],
) -> Result<HashMap<String, Result<DescribedStreamsGroup, KrafkaError>>, KafkaError> {
    let client = connection.client().await?;
    let described = client.describe_streams_groups(groups, Default::default());
    described.await.map_err(failure::of)
}

fn description(
    answer: Result<DescribedStreamsGroup, KrafkaError>,
) -> Result<GroupDescription, KafkaError> {
    match answer {
        Ok(group) => Ok(GroupDescription {
            state: group.group_state,
            members: group
                .members
                .into_iter()
                .map(|member| (member.member_id, BTreeSet::new()))
                .collect(),
        }),
        Err(KrafkaError::Broker {
            code: ErrorCode::GroupIdNotFound,
            ..
        }) => Ok(dead()),
        Err(error) => Err(failure::of(error)),
    }
}
