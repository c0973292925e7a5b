use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::kafka::{GroupDescription, TopicPartition};

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

/// The latest look at every declared group of a cluster, by group id.
pub type GroupsView = BTreeMap<String, Arc<GroupSnapshot>>;
