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

use super::{Job, Trouble, positions::Positions, read};
use crate::letter::REDRIVE;

/// Most letters that are looked at in one turn.
const TURN: usize = 2_000;
/// Longest wait for the last of them when all else is done.
const LAST: Duration = Duration::from_secs(3);
/// Longest wait for one letter then.
const POLL: Duration = Duration::from_millis(50);

/// Looks for letters that this Redrive brought home and that came back.
pub(super) struct Tail<'a> {
    job: &'a Job,
    consumer: &'a BaseConsumer,
    /// The partitions that are read up to their end.
    at_end: BTreeSet<i32>,
    /// What was seen and not yet taken.
    news: BTreeMap<i32, News>,
}

/// What was seen of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    /// The next offset to look at.
    pub(super) next: i64,
    /// Letters that came back.
    pub(super) returned: u64,
}

impl<'a> Tail<'a> {
    pub(super) fn new(
        job: &'a Job,
        consumer: &'a BaseConsumer,
        positions: &Positions,
    ) -> Result<Self, Trouble> {
        let mut assignment = TopicPartitionList::with_capacity(positions.len());
        for (partition, position) in positions {
            let from = Offset::Offset(position.tail);
            let added = assignment.add_partition_offset(&job.topic, *partition, from);
            added.map_err(|error| unread(job, &error))?;
        }
        consumer
            .assign(&assignment)
            .map_err(|error| unread(job, &error))?;
        Ok(Self {
            job,
            consumer,
            at_end: BTreeSet::new(),
            news: BTreeMap::new(),
        })
    }

    /// Looks at what has come, without waiting.
    pub(super) fn glance(&mut self) -> Result<(), Trouble> {
        for _ in 0..TURN {
            match self.consumer.poll(Duration::ZERO) {
                Some(polled) => self.hear(polled)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Looks at all there is, for some seconds at most.
    pub(super) fn finish(&mut self) -> Result<(), Trouble> {
        let began = Instant::now();
        while self.at_end.len() < self.job.ends.len() && began.elapsed() < LAST {
            if let Some(polled) = self.consumer.poll(POLL) {
                self.hear(polled)?;
            }
        }
        self.glance()
    }

    /// What was seen since this was last asked.
    pub(super) fn take(&mut self) -> BTreeMap<i32, News> {
        std::mem::take(&mut self.news)
    }

    fn hear(&mut self, polled: Result<BorrowedMessage<'_>, KafkaError>) -> Result<(), Trouble> {
        match polled {
            Ok(letter) => {
                self.at_end.remove(&letter.partition());
                let news = self.news.entry(letter.partition()).or_insert(News {
                    next: 0,
                    returned: 0,
                });
                news.next = letter.offset() + 1;
                news.returned += u64::from(is_of(&letter, &self.job.redrive));
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                self.at_end.insert(partition);
            }
            Err(error) => match unread(self.job, &error) {
                // The library connects again by itself.
                Trouble::Passing(_) => {}
                trouble => return Err(trouble),
            },
        }
        Ok(())
    }
}

fn is_of(letter: &BorrowedMessage<'_>, redrive: &str) -> bool {
    read::headers(letter).is_some_and(|headers| {
        headers
            .iter()
            .any(|header| header.name == REDRIVE && header.value == Some(redrive.as_bytes()))
    })
}

fn unread(job: &Job, error: &KafkaError) -> Trouble {
    Trouble::of(
        &format!(
            "the letters that come back to {} could not be read",
            job.topic
        ),
        error,
    )
}
