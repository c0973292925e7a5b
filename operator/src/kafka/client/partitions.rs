use std::collections::BTreeMap;

use krafka::error::ErrorCode;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewPartitions as Addition, TopicResult},
    client::DefaultClientContext,
    error::KafkaError as RdKafkaError,
    types::RDKafkaErrorCode,
};

use super::{
    connection::{CALL_TIMEOUT, CLIENT_ID},
    failure,
};
use crate::kafka::{Credentials, KafkaError, NewPartitions, PerItem};

/// Adds partitions where they are wanted. krafka leaves the placement of new partitions to the broker, librdkafka does
/// not. A client is made for the call alone: partitions are added rarely, and its threads would idle.
pub(super) async fn create(
    credentials: &Credentials,
    changes: &[NewPartitions],
) -> Result<PerItem<String, ()>, KafkaError> {
    let mut answers: PerItem<String, ()> = BTreeMap::new();
    let mut sent = Vec::new();
    for (topic, change) in failure::unique(changes, |change| &change.topic)? {
        match impossible(change) {
            Some(refusal) => drop(answers.insert(topic, Err(refusal))),
            None => sent.push(change),
        }
    }
    if sent.is_empty() {
        return Ok(answers);
    }
    let client = connect(credentials)?;
    let answered = send(&client, &sent).await;
    // Ending the client waits for its threads.
    drop(tokio::task::spawn_blocking(move || drop(client)).await);
    for result in answered? {
        let (topic, answer) = match result {
            Ok(topic) => (topic, Ok(())),
            Err((topic, code)) => (topic, Err(refusal(code))),
        };
        answers.insert(topic, answer);
    }
    failure::unless_all_unreachable(answers)
}

/// What librdkafka refuses together with everything else in the call, in the broker's terms.
fn impossible(change: &NewPartitions) -> Option<KafkaError> {
    if change.total == 0 {
        let message = format!("topic {} cannot have 0 partitions", change.topic);
        return Some(failure::refused(ErrorCode::InvalidPartitions, message));
    }
    if change.assignment.is_empty() || change.assignment.len() >= change.total {
        let message = format!(
            "replicas of {} new partitions are given, where topic {} shall have {} in all",
            change.assignment.len(),
            change.topic,
            change.total
        );
        return Some(failure::refused(
            ErrorCode::InvalidReplicaAssignment,
            message,
        ));
    }
    None
}

fn connect(credentials: &Credentials) -> Result<AdminClient<DefaultClientContext>, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", &credentials.bootstrap_servers)
        .set("client.id", CLIENT_ID)
        .set("security.protocol", "ssl")
        .set("ssl.ca.pem", &credentials.ca_pem)
        .set("ssl.certificate.pem", &credentials.certificate_pem)
        .set("ssl.key.pem", &credentials.key_pem)
        .create()
        .map_err(|error: RdKafkaError| KafkaError::Unreachable(error.to_string()))
}

async fn send(
    client: &AdminClient<DefaultClientContext>,
    changes: &[&NewPartitions],
) -> Result<Vec<TopicResult>, KafkaError> {
    let replicas: Vec<Vec<&[i32]>> = changes
        .iter()
        .map(|change| change.assignment.iter().map(Vec::as_slice).collect())
        .collect();
    let additions: Vec<Addition<'_>> = changes
        .iter()
        .zip(&replicas)
        .map(|(change, replicas)| Addition::new(&change.topic, change.total).assign(replicas))
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(CALL_TIMEOUT))
        .operation_timeout(Some(CALL_TIMEOUT));
    client
        .create_partitions(&additions, &options)
        .await
        .map_err(|error| match error {
            RdKafkaError::AdminOp(code) => refusal(code),
            other => KafkaError::Unreachable(other.to_string()),
        })
}

/// Codes above zero are the broker's, those below librdkafka's own.
fn refusal(code: RDKafkaErrorCode) -> KafkaError {
    match i16::try_from(code as i32) {
        Ok(number) if number > 0 => failure::refused(ErrorCode::from_i16(number), String::new()),
        _ => KafkaError::Unreachable(code.to_string()),
    }
}
