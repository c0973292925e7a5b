use std::collections::BTreeSet;

use krafka::admin::{AdminClient, ElectionType};

use super::{failure, names};
use crate::kafka::{KafkaError, PerItem, TopicPartition};

/// Makes preferred replicas leaders (ElectLeaders, KIP-183). krafka takes `ELECTION_NOT_NEEDED` for success, which it is.
pub(super) async fn elect_preferred(
    client: &AdminClient,
    partitions: &BTreeSet<TopicPartition>,
) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
    let (legal, mut answers) = names::split(partitions.iter().cloned().map(|named| (named, ())));
    // To name none would elect the leaders of all.
    if legal.is_empty() {
        return Ok(answers);
    }
    let named = legal.iter().map(|(named, ())| names::theirs(named));
    let answered = client
        .elect_leaders(
            ElectionType::Preferred,
            Some(named.collect()),
            Default::default(),
        )
        .await
        .map_err(failure::of)?;
    answers.extend(failure::per_item(answered, names::ours, |()| ())?);
    Ok(answers)
}
