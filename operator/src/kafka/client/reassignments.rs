use std::{collections::BTreeMap, time::Duration};

use krafka::admin::{AdminClient, ListPartitionReassignmentsOptions};

use super::{failure, names};
use crate::kafka::{KafkaError, OngoingReassignment, PerItem, Reassignment, TopicPartition};

/// Without a controller there is no answer. The look at everything else must not wait for one as long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Begins to move replicas, or gives moves another target (AlterPartitionReassignments, KIP-455).
pub(super) async fn alter(
    client: &AdminClient,
    moves: &[Reassignment],
) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
    let mut targets = BTreeMap::new();
    for wanted in moves {
        let TopicPartition { topic, partition } = &wanted.partition;
        if targets
            .insert(wanted.partition.clone(), wanted.replicas.clone())
            .is_some()
        {
            return Err(failure::named_twice(&format!(
                "partition {topic}-{partition}"
            )));
        }
    }
    let (legal, mut answers) = names::split(targets);
    if legal.is_empty() {
        return Ok(answers);
    }
    let targets = legal
        .into_iter()
        .map(|(partition, replicas)| (names::theirs(&partition), Some(replicas)));
    let answered = client
        .alter_partition_reassignments(targets, Default::default())
        .await
        .map_err(failure::of)?;
    answers.extend(failure::per_item(answered, names::ours, |()| ())?);
    Ok(answers)
}

/// All moves that are under way (ListPartitionReassignments, KIP-455).
pub(super) async fn list(
    client: &AdminClient,
) -> Result<BTreeMap<TopicPartition, OngoingReassignment>, KafkaError> {
    let options = ListPartitionReassignmentsOptions::default().timeout(TIMEOUT);
    let listed = client
        .list_partition_reassignments(options)
        .await
        .map_err(failure::of)?;
    let ongoing = listed.into_iter().map(|(partition, ongoing)| {
        let ongoing = OngoingReassignment {
            replicas: ongoing.replicas,
            adding: ongoing.adding_replicas,
            removing: ongoing.removing_replicas,
        };
        (names::ours(partition), ongoing)
    });
    Ok(ongoing.collect())
}
