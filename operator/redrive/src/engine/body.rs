use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Message},
};

use super::{
    Job, Trouble,
    positions::{self, Positions},
    reached::Reached,
};
use crate::gaps::{self, Gap};

/// Time without a letter after which the reader is made anew: there are letters left, so something is wrong.
const SILENCE: Duration = Duration::from_secs(60);

/// Reads the letters that were there when the Redrive began.
pub(super) struct Body<'a> {
    job: &'a Job,
    consumer: &'a BaseConsumer<Reached>,
    /// For each partition that is not yet read, the offset that is expected next.
    open: BTreeMap<i32, i64>,
    /// The open partitions that are said to be at their end, not yet known to be.
    said_to_end: BTreeSet<i32>,
    /// What was passed without a letter since [`Body::deleted`] was asked for.
    gaps: Vec<Gap>,
    heard: Instant,
}

/// What came of reading.
pub(super) enum Heard<'a> {
    /// A letter.
    Letter(BorrowedMessage<'a>),
    /// A partition has no letters any more before its end.
    Finished(i32),
    /// Nothing within the time given.
    Nothing,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        job: &'a Job,
        consumer: &'a BaseConsumer<Reached>,
        positions: &Positions,
    ) -> Result<Self, Trouble> {
        let mut open = BTreeMap::new();
        let mut assignment = TopicPartitionList::new();
        for (partition, position) in positions {
            let end = job.ends.get(partition).copied().unwrap_or(0);
            if position.next < end {
                open.insert(*partition, position.next);
                let from = Offset::Offset(position.next);
                let added = assignment.add_partition_offset(&job.topic, *partition, from);
                added.map_err(|error| unread(job, &error))?;
            }
        }
        consumer
            .incremental_assign(&assignment)
            .map_err(|error| unread(job, &error))?;
        Ok(Self {
            job,
            consumer,
            open,
            said_to_end: BTreeSet::new(),
            gaps: Vec::new(),
            heard: Instant::now(),
        })
    }

    /// Whether all letters have been read.
    pub(super) fn is_finished(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits at most so long for a letter.
    pub(super) fn read(&mut self, wait: Duration) -> Result<Heard<'a>, Trouble> {
        if let Some(partition) = self.ended() {
            return self.finish(partition);
        }
        match self.consumer.poll(wait) {
            Some(Ok(record)) => self.place(record),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.said_to_end.insert(partition);
                Ok(Heard::Nothing)
            }
            Some(Err(error)) => {
                let trouble = unread(self.job, &error);
                if matches!(trouble, Trouble::Passing(_)) && self.heard.elapsed() < SILENCE {
                    // The library connects again by itself.
                    return Ok(Heard::Nothing);
                }
                Err(trouble)
            }
            None if self.heard.elapsed() < SILENCE => Ok(Heard::Nothing),
            None => Err(Trouble::Passing(format!(
                "no letter of {} came for {} s, though there are some",
                self.job.topic,
                SILENCE.as_secs()
            ))),
        }
    }

    /// The time in which nobody asked for letters does not count as silence.
    pub(super) fn rested(&mut self) {
        self.heard = Instant::now();
    }

    /// How many offsets were passed since the last time because Kafka had deleted them, by partition.
    pub(super) fn deleted(&mut self) -> Result<BTreeMap<i32, u64>, Trouble> {
        if self.gaps.is_empty() {
            return Ok(BTreeMap::new());
        }
        let partitions = self.gaps.iter().map(|gap| gap.partition);
        let starts = positions::starts(self.consumer, self.job, partitions)?;
        let deleted = gaps::deleted(&self.gaps, &starts);
        self.gaps.clear();
        Ok(deleted)
    }

    /// A partition that is read up to its end, though no letter lies there: the last records are marks of transactions, or gone.
    fn ended(&self) -> Option<i32> {
        let is_at_end = |partition: &&i32| {
            let end = self.job.ends.get(partition).copied().unwrap_or(0);
            let seen = self.consumer.context().end(**partition);
            self.open.contains_key(partition) && seen.is_some_and(|seen| seen >= end)
        };
        self.said_to_end.iter().find(is_at_end).copied()
    }

    fn place(&mut self, record: BorrowedMessage<'a>) -> Result<Heard<'a>, Trouble> {
        self.heard = Instant::now();
        let (partition, offset) = (record.partition(), record.offset());
        self.said_to_end.remove(&partition);
        let end = self.job.ends.get(&partition).copied().unwrap_or(0);
        match self.open.get_mut(&partition) {
            Some(_) if offset >= end => self.finish(partition),
            Some(next) if offset >= *next => {
                let expected = std::mem::replace(next, offset + 1);
                self.pass(partition, expected, offset);
                if offset + 1 == end {
                    self.leave(partition)?;
                }
                Ok(Heard::Letter(record))
            }
            _ => Ok(Heard::Nothing),
        }
    }

    fn finish(&mut self, partition: i32) -> Result<Heard<'a>, Trouble> {
        self.heard = Instant::now();
        let Some(expected) = self.open.get(&partition).copied() else {
            return Ok(Heard::Nothing);
        };
        let end = self.job.ends.get(&partition).copied().unwrap_or(expected);
        self.pass(partition, expected, end);
        self.leave(partition)?;
        Ok(Heard::Finished(partition))
    }

    /// Notes the offsets from the one that was expected up to the one that came.
    fn pass(&mut self, partition: i32, from: i64, until: i64) {
        if from < until {
            self.gaps.push(Gap {
                partition,
                from,
                until,
            });
        }
    }

    fn leave(&mut self, partition: i32) -> Result<(), Trouble> {
        self.open.remove(&partition);
        let mut left = TopicPartitionList::with_capacity(1);
        left.add_partition(&self.job.topic, partition);
        self.consumer
            .incremental_unassign(&left)
            .map_err(|error| unread(self.job, &error))
    }
}

fn unread(job: &Job, error: &KafkaError) -> Trouble {
    Trouble::of(
        &format!("the letters of {} could not be read", job.topic),
        error,
    )
}
