use std::collections::{BTreeMap, BTreeSet};

use crate::kafka::{BrokerId, ObservedPartition, OngoingReassignment};

/// A partition as the KRaft controller keeps it (`PartitionRegistration` of Kafka 4.3).
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    replicas: Vec<BrokerId>,
    adding: Vec<BrokerId>,
    removing: Vec<BrokerId>,
    copies: BTreeMap<BrokerId, Copying>,
    leader: Option<BrokerId>,
}

/// How far an added replica has come.
#[derive(Clone, Copy, Debug, Default)]
struct Copying {
    looks: u32,
    bytes: u64,
}

impl Partition {
    pub(super) fn new(replicas: Vec<BrokerId>) -> Self {
        Self {
            replicas,
            ..Self::default()
        }
    }

    pub(super) fn replicas(&self) -> &[BrokerId] {
        &self.replicas
    }

    /// Bytes a broker has of a partition of `size` bytes; None, if it has no replica.
    pub(super) fn bytes(&self, broker: BrokerId, size: u64) -> Option<u64> {
        let copied = |copying: &Copying| copying.bytes.min(size);
        self.replicas
            .contains(&broker)
            .then(|| self.copies.get(&broker).map_or(size, copied))
    }

    pub(super) fn observed(&self, stopped: &BTreeSet<BrokerId>) -> ObservedPartition {
        ObservedPartition {
            leader: self.leader(stopped),
            replicas: self.replicas.clone(),
            isr: self.isr(stopped),
        }
    }

    /// Who leads goes on leading while it is in sync; else the first replica that is.
    pub(super) fn leader(&self, stopped: &BTreeSet<BrokerId>) -> Option<BrokerId> {
        let isr = self.isr(stopped);
        let keeps = self.leader.filter(|leader| isr.contains(leader));
        keeps.or_else(|| isr.first().copied())
    }

    fn isr(&self, stopped: &BTreeSet<BrokerId>) -> Vec<BrokerId> {
        let in_sync = |id: &BrokerId| !stopped.contains(id) && !self.copies.contains_key(id);
        self.replicas.iter().copied().filter(in_sync).collect()
    }

    /// Lets another in-sync replica lead. Whether it can.
    pub(super) fn lead_by(&mut self, broker: BrokerId, stopped: &BTreeSet<BrokerId>) -> bool {
        let can = self.isr(stopped).contains(&broker);
        if can {
            self.leader = Some(broker);
        }
        can
    }

    /// Lets the preferred replica lead. Whether it can.
    pub(super) fn elect_preferred(&mut self, stopped: &BTreeSet<BrokerId>) -> bool {
        let preferred = self.replicas.first().copied();
        preferred.is_some_and(|broker| self.lead_by(broker, stopped))
    }

    pub(super) fn ongoing(&self) -> Option<OngoingReassignment> {
        let is_moving = !self.adding.is_empty() || !self.removing.is_empty();
        is_moving.then(|| OngoingReassignment {
            replicas: self.replicas.clone(),
            adding: self.adding.clone(),
            removing: self.removing.clone(),
        })
    }

    /// Begins to move the replicas, or gives the move another target, as `changePartitionReassignment` and
    /// `PartitionReassignmentReplicas` do: a former target that is not in the new one is removed like any other replica.
    pub(super) fn reassign(&mut self, target: &[BrokerId], stopped: &BTreeSet<BrokerId>) {
        self.leader = self.leader(stopped);
        let without = |all: &[BrokerId], these: &[BrokerId]| -> BTreeSet<BrokerId> {
            let left = |id: &&BrokerId| !these.contains(id);
            all.iter().filter(left).copied().collect()
        };
        let adding = without(target, &self.replicas);
        let removing = without(&self.replicas, target);
        self.copies
            .extend(adding.iter().map(|id| (*id, Copying::default())));
        if !adding.is_empty() {
            self.adding = adding.into_iter().collect();
        }
        self.replicas = target.iter().chain(&removing).copied().collect();
        self.removing = removing.into_iter().collect();
        self.complete(stopped);
    }

    /// Gives the move up. Whether there was one.
    pub(super) fn cancel(&mut self, stopped: &BTreeSet<BrokerId>) -> bool {
        if self.ongoing().is_none() {
            return false;
        }
        self.leader = self.leader(stopped);
        self.replicas.retain(|id| !self.adding.contains(id));
        self.settle();
        true
    }

    /// Copies to added replicas for one look; those that were looked at `enough` times are in sync.
    pub(super) fn look(&mut self, enough: u32, stopped: &BTreeSet<BrokerId>) {
        for copying in self.copies.values_mut() {
            copying.looks += 1;
        }
        self.copies.retain(|_, copying| copying.looks < enough);
        self.complete(stopped);
    }

    /// Brings one added replica in sync.
    pub(super) fn advance(&mut self, stopped: &BTreeSet<BrokerId>) {
        self.copies.pop_first();
        self.complete(stopped);
    }

    /// Lets an added replica have this many bytes.
    pub(super) fn copy(&mut self, broker: BrokerId, bytes: u64) {
        if let Some(copying) = self.copies.get_mut(&broker) {
            copying.bytes = bytes;
        }
    }

    /// `maybeCompleteReassignment`: once all replicas that stay are in sync, the others go.
    fn complete(&mut self, stopped: &BTreeSet<BrokerId>) {
        let isr = self.isr(stopped);
        let stays = |id: &&BrokerId| !self.removing.contains(id);
        let target: Vec<BrokerId> = self.replicas.iter().filter(stays).copied().collect();
        if self.ongoing().is_some() && target.iter().all(|id| isr.contains(id)) {
            self.leader = self.leader(stopped);
            self.replicas = target;
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.adding.clear();
        self.removing.clear();
        let replicas = &self.replicas;
        self.copies.retain(|id, _| replicas.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving(
        replicas: &[BrokerId],
        adding: &[BrokerId],
        removing: &[BrokerId],
    ) -> OngoingReassignment {
        OngoingReassignment {
            replicas: replicas.to_vec(),
            adding: adding.to_vec(),
            removing: removing.to_vec(),
        }
    }

    #[test]
    fn a_move_ends_when_all_that_stay_are_in_sync() {
        let up = BTreeSet::new();
        let mut partition = Partition::new(vec![1, 2]);
        partition.reassign(&[3, 4], &up);
        assert_eq!(
            partition.ongoing(),
            Some(moving(&[3, 4, 1, 2], &[3, 4], &[1, 2]))
        );
        assert_eq!(partition.observed(&up).isr, [1, 2]);
        partition.advance(&up);
        assert_eq!(partition.observed(&up).isr, [3, 1, 2]);
        assert_eq!(partition.leader(&up), Some(1), "who leads goes on");
        partition.advance(&up);
        assert_eq!(partition.ongoing(), None);
        assert_eq!(partition.observed(&up).replicas, [3, 4]);
        assert_eq!(partition.leader(&up), Some(3));
    }

    #[test]
    fn a_move_waits_for_a_broker_that_is_down() {
        let mut partition = Partition::new(vec![1]);
        let down = BTreeSet::from([2]);
        partition.reassign(&[2], &down);
        partition.advance(&down);
        assert!(partition.ongoing().is_some());
        partition.advance(&BTreeSet::new());
        assert_eq!(partition.replicas(), [2]);
    }

    #[test]
    fn another_order_or_fewer_replicas_need_no_copying_and_leave_the_leader() {
        let up = BTreeSet::new();
        let mut partition = Partition::new(vec![1, 2, 3]);
        partition.reassign(&[2, 1], &up);
        assert_eq!(partition.ongoing(), None);
        assert_eq!(partition.observed(&up).replicas, [2, 1]);
        assert_eq!(partition.leader(&up), Some(1));
        assert!(partition.elect_preferred(&up));
        assert_eq!(partition.leader(&up), Some(2));
    }

    #[test]
    fn a_move_gets_another_target_or_is_given_up() {
        let up = BTreeSet::new();
        let mut partition = Partition::new(vec![1]);
        partition.reassign(&[2], &up);
        partition.reassign(&[3], &up);
        assert_eq!(partition.ongoing(), Some(moving(&[3, 1, 2], &[3], &[1, 2])));
        let mut given_up = partition.clone();
        partition.reassign(&[1], &up);
        assert_eq!(partition.ongoing(), None);
        assert_eq!(partition.observed(&up).replicas, [1]);
        assert!(given_up.cancel(&up));
        assert_eq!(
            given_up.replicas(),
            [1, 2],
            "what was given up before is not remembered"
        );
        assert!(!given_up.cancel(&up));
    }

    #[test]
    fn a_replica_that_is_being_copied_has_what_it_has() {
        let up = BTreeSet::new();
        let mut partition = Partition::new(vec![1]);
        partition.reassign(&[2], &up);
        partition.copy(2, 40);
        assert_eq!(partition.bytes(1, 100), Some(100));
        assert_eq!(partition.bytes(2, 100), Some(40));
        assert_eq!(partition.bytes(3, 100), None);
    }
}
