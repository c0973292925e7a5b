use std::collections::BTreeMap;

use kafka_protocol::{
    messages::{
        BrokerId, CreatePartitionsRequest, TopicName,
        create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic},
    },
    protocol::StrBytes,
};

use super::{connection::CALL_TIMEOUT, failure, wire::Wire};
use crate::kafka::{KafkaError, NewPartitions, PerItem};

/// CreatePartitions since Kafka 2.8.
const VERSION: i16 = 3;

/// Adds partitions where they are wanted.
pub(super) async fn create(
    wire: &Wire,
    changes: &[NewPartitions],
) -> Result<PerItem<String, ()>, KafkaError> {
    let changes = failure::unique(changes, |change| &change.topic)?;
    if changes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let request = CreatePartitionsRequest::default()
        .with_topics(changes.into_values().map(topic).collect())
        .with_timeout_ms(i32::try_from(CALL_TIMEOUT.as_millis()).unwrap_or(i32::MAX));
    let response = wire.call(&request, VERSION).await?;
    let answers = response.results.into_iter().map(|result| {
        let answer = failure::answer(result.error_code, result.error_message.as_deref());
        (result.name.0.to_string(), answer)
    });
    Ok(answers.collect())
}

fn topic(change: &NewPartitions) -> CreatePartitionsTopic {
    let assignments = change.assignment.iter().map(|replicas| {
        let ids = replicas.iter().copied().map(BrokerId).collect();
        CreatePartitionsAssignment::default().with_broker_ids(ids)
    });
    CreatePartitionsTopic::default()
        .with_name(TopicName(StrBytes::from_string(change.topic.clone())))
        .with_count(i32::try_from(change.total).unwrap_or(i32::MAX))
        .with_assignments(Some(assignments.collect()))
}
