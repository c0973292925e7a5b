use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use rdkafka::{ClientContext, Statistics, consumer::ConsumerContext};

/// Where the library last saw the end of each partition, by its statistics.
///
/// The event that tells of an end does not say at which offset. It is told wherever a fetch finds nothing behind it, and a broker
/// that has just become the leader may for a moment not know how far its followers have the records: what it says is the end lies
/// before letters that others have read already.
#[derive(Default)]
pub(super) struct Reached {
    ends: Mutex<BTreeMap<i32, i64>>,
}

impl Reached {
    /// The offset of the end that was last seen. None where none was.
    pub(super) fn end(&self, partition: i32) -> Option<i64> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(&partition).copied()
    }
}

impl ClientContext for Reached {
    fn stats(&self, statistics: Statistics) {
        let partitions = statistics
            .topics
            .values()
            .flat_map(|topic| topic.partitions.iter());
        let seen = partitions.map(|(partition, seen)| (*partition, seen.eof_offset));
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.extend(seen);
    }
}

impl ConsumerContext for Reached {}
