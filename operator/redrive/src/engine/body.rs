use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Message},
};

use super::{Job, Trouble, positions::Positions};

/// Time without a letter after which the reader is made anew: there are letters left, so something is wrong.
const SILENCE: Duration = Duration::from_secs(60);

/// Reads the letters that were there when the Redrive began.
pub(super) struct Body<'a> {
    job: &'a Job,
    consumer: &'a BaseConsumer,
    /// For each partition that is not yet read, the offset that is expected next.
    open: BTreeMap<i32, i64>,
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
        consumer: &'a BaseConsumer,
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
            heard: Instant::now(),
        })
    }

    /// Whether all letters have been read.
    pub(super) fn is_finished(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits at most so long for a letter.
    pub(super) fn read(&mut self, wait: Duration) -> Result<Heard<'a>, Trouble> {
        match self.consumer.poll(wait) {
            Some(Ok(record)) => self.place(record),
            Some(Err(KafkaError::PartitionEOF(partition))) => self.finish(partition),
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

    fn place(&mut self, record: BorrowedMessage<'a>) -> Result<Heard<'a>, Trouble> {
        self.heard = Instant::now();
        let (partition, offset) = (record.partition(), record.offset());
        let end = self.job.ends.get(&partition).copied().unwrap_or(0);
        match self.open.get_mut(&partition) {
            Some(_) if offset >= end => self.finish(partition),
            Some(next) if offset >= *next => {
                *next = offset + 1;
                if *next == end {
                    self.leave(partition)?;
                }
                Ok(Heard::Letter(record))
            }
            _ => Ok(Heard::Nothing),
        }
    }

    fn finish(&mut self, partition: i32) -> Result<Heard<'a>, Trouble> {
        self.heard = Instant::now();
        if !self.open.contains_key(&partition) {
            return Ok(Heard::Nothing);
        }
        self.leave(partition)?;
        Ok(Heard::Finished(partition))
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
