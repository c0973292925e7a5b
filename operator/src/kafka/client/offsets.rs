use std::{collections::BTreeSet, time::Duration};

use krafka::admin::{ListOffsetsOptions, OffsetSpec};

use super::{connection::Connection, failure, names, since, wire::Wire};
use crate::kafka::{KafkaError, OffsetsAt, PerItem, TopicPartition};

/// Offsets are asked for every few seconds: a partition without a leader must not hold the others up.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One request to each leader, whatever the number of partitions.
pub(super) async fn list(
    connection: &Connection,
    wire: &Wire,
    partitions: &BTreeSet<TopicPartition>,
    at: OffsetsAt,
) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
    let spec = match at {
        OffsetsAt::LogStart => OffsetSpec::Earliest,
        OffsetsAt::End | OffsetsAt::LastStable => OffsetSpec::Latest,
        OffsetsAt::Since(time) => return since::list(wire, partitions, time).await,
    };
    let options = ListOffsetsOptions::default()
        .timeout(TIMEOUT)
        .read_committed(at == OffsetsAt::LastStable);
    let asked = partitions.iter().map(|p| (names::theirs(p), spec));
    let client = connection.client().await?;
    let answered = client
        .list_offsets(asked, options)
        .await
        .map_err(failure::of)?;
    failure::per_item(answered, names::ours, |listed| listed.offset)
}
