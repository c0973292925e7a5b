use std::ops::Range;

use super::state::{State, refused};
use crate::kafka::{KafkaError, OffsetsAt, TopicPartition};

/// Where the records of a partition begin and end.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    pub(super) log_start: i64,
    pub(super) last_stable: i64,
    pub(super) end: i64,
    /// In the order of their offsets. Records of no batch have no timestamp.
    batches: Vec<Batch>,
}

/// Records written at the same time, in milliseconds since the epoch.
#[derive(Clone, Debug)]
struct Batch {
    offsets: Range<i64>,
    time: i64,
}

impl Offsets {
    pub(super) fn new(log_start: i64, last_stable: i64, end: i64) -> Self {
        Self {
            log_start,
            last_stable,
            end,
            batches: Vec::new(),
        }
    }

    /// Appends records, outside of transactions.
    pub(super) fn produce(&mut self, records: i64, time: i64) {
        let offsets = self.end..self.end + records;
        self.end = offsets.end;
        self.last_stable = offsets.end;
        self.batches.push(Batch { offsets, time });
    }

    fn at(&self, at: OffsetsAt) -> i64 {
        match at {
            OffsetsAt::LogStart => self.log_start,
            OffsetsAt::LastStable => self.last_stable,
            OffsetsAt::End => self.end,
            OffsetsAt::Since(time) => self.since(time),
        }
    }

    fn since(&self, time: i64) -> i64 {
        let mut left = self
            .batches
            .iter()
            .filter(|batch| batch.offsets.end > self.log_start);
        left.find(|batch| batch.time >= time)
            .map_or(self.end, |batch| batch.offsets.start.max(self.log_start))
    }
}

impl State {
    pub(super) fn offset(
        &mut self,
        partition: &TopicPartition,
        at: OffsetsAt,
    ) -> Result<i64, KafkaError> {
        let stopped = self.stopped.clone();
        if self.partition(partition)?.leader(&stopped).is_none() {
            return Err(refused(
                "LEADER_NOT_AVAILABLE",
                "the partition has no leader",
            ));
        }
        let offsets = self.offsets.get(partition);
        Ok(offsets.map_or(0, |offsets| offsets.at(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_of_a_time_is_found_where_it_is_still_there() {
        let mut offsets = Offsets::new(0, 10, 10);
        offsets.produce(5, 1_000);
        offsets.produce(5, 3_000);
        offsets.produce(5, 2_000);
        let since = |offsets: &Offsets| {
            [0, 1_000, 1_001, 2_500, 3_000, 3_001].map(|time| offsets.at(OffsetsAt::Since(time)))
        };
        assert_eq!(since(&offsets), [10, 10, 15, 15, 15, 25]);
        offsets.log_start = 17;
        assert_eq!(since(&offsets), [17, 17, 17, 17, 17, 25]);
        offsets.log_start = 20;
        assert_eq!(since(&offsets), [20, 20, 20, 25, 25, 25]);
    }
}
