use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Name of the topic, shared by those that are named together: a hundred thousand are remembered, in several places each.
    pub topic: Arc<str>,
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
    /// `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Assigning`, `Reconciling`, `NotReady` or `Dead`.
    pub state: String,
    /// Partitions assigned to each member, by member id.
    pub members: BTreeMap<String, BTreeSet<TopicPartition>>,
}

/// One look at one group. The committed offsets are read before the end offsets, so that lag is never negative by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// When the committed offsets were read.
    pub time: Timestamp,
    /// The same by a clock that nobody sets: since the operator began, or since any other moment that stays.
    pub steady: Duration,
    /// The group and its members.
    pub description: GroupDescription,
    /// All partitions of the topics the group declares. A partition whose offsets could not be read is absent.
    pub partitions: BTreeMap<TopicPartition, PartitionOffsets>,
    /// Whether every partition could be read. Nothing is scaled down on an incomplete look.
    pub complete: bool,
}

/// Seconds by which two clocks may differ between two looks before one of them was set. A clock that is slewed gains or loses no
/// more than half a millisecond a second (adjtime(3)).
const SET: f64 = 5.0;

impl GroupSnapshot {
    /// Whether the clock was set between the look `before` and this one: times measured before it mean nothing after it.
    pub fn clock_was_set_since(&self, before: &Self) -> bool {
        let steady = self.steady.as_secs_f64() - before.steady.as_secs_f64();
        let told = self.time.duration_since(before.time).as_secs_f64();
        (told - steady).abs() > SET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_was_set_and_one_that_runs_was_not() {
        let look = |time, steady| GroupSnapshot {
            time: Timestamp::from_second(time).unwrap(),
            steady: Duration::from_secs(steady),
            description: GroupDescription::default(),
            partitions: BTreeMap::new(),
            complete: true,
        };
        let before = look(10_000, 100);
        assert!(!look(10_002, 102).clock_was_set_since(&before));
        assert!(
            !look(13_600, 3_700).clock_was_set_since(&before),
            "a long time"
        );
        assert!(
            look(13_602, 102).clock_was_set_since(&before),
            "an hour ahead"
        );
        assert!(
            look(6_402, 102).clock_was_set_since(&before),
            "an hour back"
        );
        assert!(look(10_002, 3_702).clock_was_set_since(&before), "stopped");
    }
}
