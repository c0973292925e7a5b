use super::{BrokerId, TopicPartition};

/// Where the replicas of a partition shall lie (KIP-455).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// The partition.
    pub partition: TopicPartition,
    /// Its replicas afterwards, the preferred leader first.
    pub replicas: Vec<BrokerId>,
}

/// A move of replicas that the brokers are carrying out, whoever began it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OngoingReassignment {
    /// The replicas now: those that stay, those that are added and those that go.
    pub replicas: Vec<BrokerId>,
    /// Replicas that are being added.
    pub adding: Vec<BrokerId>,
    /// Replicas that go once the added ones are in sync.
    pub removing: Vec<BrokerId>,
}

impl OngoingReassignment {
    /// The replicas when it is done, the preferred leader first.
    pub fn target(&self) -> Vec<BrokerId> {
        let stays = |broker: &&BrokerId| !self.removing.contains(broker);
        self.replicas.iter().filter(stays).copied().collect()
    }
}
