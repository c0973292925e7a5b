use std::{collections::BTreeSet, time::Duration};

use krafka::admin::{AdminClient, ListOffsetsOptions, OffsetSpec};

use super::{failure, names};
use crate::kafka::{KafkaError, OffsetsAt, PerItem, TopicPartition};

/// Offsets are asked for every few seconds: a partition without a leader must not hold the others up.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One request to each leader, whatever the number of partitions.
pub(super) async fn list(
    client: &AdminClient,
    partitions: &BTreeSet<TopicPartition>,
    at: OffsetsAt,
) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
    let spec = match at {
        OffsetsAt::LogStart => OffsetSpec::Earliest,
        OffsetsAt::End | OffsetsAt::LastStable => OffsetSpec::Latest,
    };
    let options = ListOffsetsOptions::default()
        .timeout(TIMEOUT)
        .read_committed(at == OffsetsAt::LastStable);
    let asked = partitions.iter().map(|p| (names::theirs(p), spec));
    let answered = client
        .list_offsets(asked, options)
        .await
        .map_err(failure::of)?;
    failure::per_item(answered, names::ours, |listed| listed.offset)
}
