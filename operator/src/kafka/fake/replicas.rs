use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    partition::Partition,
    state::{State, refused, unknown_topic},
};
use crate::kafka::{
    BrokerId, KafkaError, OngoingReassignment, PerItem, Reassignment, TopicPartition,
};

/// Moves of replicas, elections and log directories.
impl State {
    pub(super) fn alter_reassignments(
        &mut self,
        moves: &[Reassignment],
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        let named: BTreeSet<&TopicPartition> = moves.iter().map(|m| &m.partition).collect();
        if named.len() < moves.len() {
            return Err(refused(
                "INVALID_REQUEST",
                "a partition is named twice in one request",
            ));
        }
        let answers = moves
            .iter()
            .map(|wanted| (wanted.partition.clone(), self.reassign(wanted)));
        Ok(answers.collect())
    }

    fn reassign(&mut self, wanted: &Reassignment) -> Result<(), KafkaError> {
        self.partition(&wanted.partition)?;
        self.check_brokers(&wanted.replicas)?;
        let stopped = self.stopped.clone();
        let enough = self.copied_after;
        let partition = self.partition(&wanted.partition)?;
        partition.reassign(&wanted.replicas, &stopped);
        if enough == Some(0) {
            partition.look(0, &stopped);
        }
        Ok(())
    }

    pub(super) fn cancel_reassignment(&mut self, named: &TopicPartition) -> Result<(), KafkaError> {
        let stopped = self.stopped.clone();
        if self.partition(named)?.cancel(&stopped) {
            return Ok(());
        }
        Err(refused(
            "NO_REASSIGNMENT_IN_PROGRESS",
            "No partition reassignment is in progress.",
        ))
    }

    /// The moves as they are; those that complete by themselves have come further afterwards.
    pub(super) fn look_at_reassignments(
        &mut self,
    ) -> BTreeMap<TopicPartition, OngoingReassignment> {
        let ongoing = self.reassignments();
        if let Some(enough) = self.copied_after {
            self.each_moving(|partition, stopped| partition.look(enough, stopped));
        }
        ongoing
    }

    pub(super) fn reassignments(&self) -> BTreeMap<TopicPartition, OngoingReassignment> {
        self.partitions()
            .filter_map(|(named, partition)| Some((named, partition.ongoing()?)))
            .collect()
    }

    pub(super) fn advance_reassignments(&mut self) {
        self.each_moving(Partition::advance);
    }

    fn each_moving(&mut self, act: impl Fn(&mut Partition, &BTreeSet<BrokerId>)) {
        let moving = self.reassignments().into_keys();
        let stopped = self.stopped.clone();
        for named in moving {
            if let Ok(partition) = self.partition(&named) {
                act(partition, &stopped);
            }
        }
    }

    pub(super) fn elect_preferred(&mut self, named: &TopicPartition) -> Result<(), KafkaError> {
        let stopped = self.stopped.clone();
        if self.partition(named)?.elect_preferred(&stopped) {
            return Ok(());
        }
        Err(refused(
            "PREFERRED_LEADER_NOT_AVAILABLE",
            "The preferred leader was not available.",
        ))
    }

    pub(super) fn lead_by(
        &mut self,
        named: &TopicPartition,
        broker: BrokerId,
    ) -> Result<(), KafkaError> {
        let stopped = self.stopped.clone();
        if self.partition(named)?.lead_by(broker, &stopped) {
            return Ok(());
        }
        Err(refused(
            "ELIGIBLE_LEADERS_NOT_AVAILABLE",
            format!("broker {broker} has no replica that is in sync"),
        ))
    }

    /// What a broker holds. A deleted topic takes its size with it.
    pub(super) fn log_dirs(&self, broker: BrokerId) -> BTreeMap<TopicPartition, u64> {
        self.partitions()
            .filter_map(|(named, partition)| {
                let size = self.sizes.get(&named).copied().unwrap_or_default();
                Some((named, partition.bytes(broker, size)?))
            })
            .collect()
    }

    pub(super) fn partition(
        &mut self,
        named: &TopicPartition,
    ) -> Result<&mut Partition, KafkaError> {
        let topic = self.topics.get_mut(&*named.topic);
        let index = usize::try_from(named.partition).ok();
        topic
            .zip(index)
            .and_then(|(topic, index)| topic.partitions.get_mut(index))
            .ok_or_else(unknown_topic)
    }

    fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &Partition)> {
        self.topics.iter().flat_map(|(name, topic)| {
            let name: Arc<str> = name.as_str().into();
            (0..).zip(&topic.partitions).map(move |(partition, at)| {
                let topic = name.clone();
                (TopicPartition { topic, partition }, at)
            })
        })
    }
}
