use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Name of the topic.
    pub topic: String,
    /// Number of the partition, from 0.
    pub partition: i32,
}

/// Where a group without a committed offset begins: its consumers' `auto.offset.reset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetReset {
    /// With the oldest record: all of the topic is lag.
    #[default]
    Earliest,
    /// With the next record: nothing of the topic is lag.
    Latest,
}

/// Offsets of one partition as one group sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// Offset the group has committed: the next record it will read. None where it never did.
    pub committed: Option<i64>,
    /// The first record still there.
    pub log_start: i64,
    /// Behind the last record a read_committed consumer may see.
    pub end: i64,
}

/// A consumer group as its coordinator describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDescription {
    /// `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Assigning`, `Reconciling` or `Dead`.
    pub state: String,
    /// Partitions assigned to each member, by member id.
    pub members: BTreeMap<String, BTreeSet<TopicPartition>>,
}

/// One look at one group. The committed offsets are read before the end offsets, so that lag is never negative by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// When the committed offsets were read.
    pub time: Timestamp,
    /// The group and its members.
    pub description: GroupDescription,
    /// All partitions of the topics the group declares. A partition whose offsets could not be read is absent.
    pub partitions: BTreeMap<TopicPartition, PartitionOffsets>,
    /// Whether every partition could be read. Nothing is scaled down on an incomplete look.
    pub complete: bool,
}
