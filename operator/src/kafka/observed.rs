use std::collections::BTreeMap;

/// Node id of a broker.
pub type BrokerId = i32;

/// The brokers as Kafka's metadata has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedCluster {
    /// Kafka's id of the cluster.
    pub cluster_id: String,
    /// The brokers that are up.
    pub brokers: BTreeMap<BrokerId, ObservedBroker>,
}

/// A broker that is up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedBroker {
    /// Its `broker.rack`, if it has one.
    pub rack: Option<String>,
}

/// A topic as Kafka has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedTopic {
    /// Kafka's id of the topic, in Kafka's own base64 notation.
    pub id: String,
    /// Whether the topic is Kafka's own.
    pub internal: bool,
    /// The partitions, in order, from 0.
    pub partitions: Vec<ObservedPartition>,
    /// Configuration set on the topic itself (not the defaults it inherits).
    pub config: BTreeMap<String, String>,
}

/// A partition as Kafka has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedPartition {
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// The replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
}

impl ObservedTopic {
    /// Partitions by their number of replicas; more than one entry where partitions differ.
    pub fn replica_counts(&self) -> BTreeMap<usize, Vec<i32>> {
        let mut counts: BTreeMap<usize, Vec<i32>> = BTreeMap::new();
        for (number, partition) in (0..).zip(&self.partitions) {
            counts
                .entry(partition.replicas.len())
                .or_default()
                .push(number);
        }
        counts
    }

    /// Replicas of the partition that has the fewest; 0 for a topic without partitions.
    pub fn replication_factor(&self) -> usize {
        self.partitions
            .iter()
            .map(|p| p.replicas.len())
            .min()
            .unwrap_or(0)
    }
}
