use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    kafka::{BrokerId, TopicPartition},
    skew::Skew,
};

/// How much lies where, as of one look at the log directories of all brokers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SizesView {
    /// When the log directories were read; None before the first time.
    pub time: Option<Timestamp>,
    pub(super) topics: BTreeMap<String, TopicSizes>,
    pub(super) skews: BTreeMap<String, Skew>,
}

/// Bytes by partition and broker of one topic.
pub(super) type TopicSizes = BTreeMap<(i32, BrokerId), u64>;

impl SizesView {
    /// Bytes of a broker's replica of a partition, what has been copied so far of one that is being added. None where there is no
    /// replica, and where it is not known.
    pub fn bytes(&self, partition: &TopicPartition, broker: BrokerId) -> Option<u64> {
        let sizes = self.topics.get(&*partition.topic)?;
        sizes.get(&(partition.partition, broker)).copied()
    }

    /// How evenly a topic lies. None where it cannot be judged, or its sizes are not known.
    pub fn skew(&self, topic: &str) -> Option<&Skew> {
        self.skews.get(topic)
    }
}

#[cfg(test)]
impl SizesView {
    /// Sizes of replicas, as of a second since the epoch.
    pub(crate) fn for_test(second: i64, replicas: &[(&TopicPartition, BrokerId, u64)]) -> Self {
        let mut topics: BTreeMap<String, TopicSizes> = BTreeMap::new();
        for (partition, broker, bytes) in replicas {
            let sizes = topics.entry(partition.topic.to_string()).or_default();
            sizes.insert((partition.partition, *broker), *bytes);
        }
        Self {
            time: Timestamp::from_second(second).ok(),
            topics,
            skews: BTreeMap::new(),
        }
    }
}
