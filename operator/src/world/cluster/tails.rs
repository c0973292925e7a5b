use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use tracing::debug;

use super::handle::Declared;
use crate::{
    kafka::{KafkaError, Tail, TailContent, TailReader, TopicPartition},
    lag::Tails,
    world::{PartitionOffsets, View},
};

/// Reads the tails of lags that do not move. Beside the looks and not within one, so that a leader that does not answer holds up
/// none: what was read is taken up at the next look.
pub(super) struct TailWatch {
    reader: Arc<dyn TailReader>,
    tails: Tails,
    begun: Instant,
    asked: BTreeMap<TopicPartition, Tail>,
    /// The reading under way, if there is one.
    readings: JoinSet<Result<BTreeMap<TopicPartition, TailContent>, KafkaError>>,
}

impl TailWatch {
    pub(super) fn new(reader: Arc<dyn TailReader>) -> Self {
        Self {
            reader,
            tails: Tails::default(),
            begun: Instant::now(),
            asked: BTreeMap::new(),
            readings: JoinSet::new(),
        }
    }

    /// Before a look: takes up what was read since the one before, and lets go of what is not declared, or not there, any more.
    pub(super) fn begin(&mut self, declared: &Declared, view: &View) {
        while let Some(ended) = self.readings.try_join_next() {
            let found = match ended {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    debug!(%error, "the tails of lags could not be read");
                    BTreeMap::new()
                }
                Err(error) => {
                    debug!(%error, "the reading of the tails of lags was broken off");
                    BTreeMap::new()
                }
            };
            let asked = std::mem::take(&mut self.asked);
            self.tails.answer(&asked, &found, self.now());
        }
        self.tails.keep(|group, at| {
            view.topics.contains_key(&*at.topic)
                && declared
                    .get(group)
                    .is_some_and(|wanted| wanted.topics.contains(&*at.topic))
        });
    }

    /// Within a look: moves the committed offsets of a group behind what is known to hold no record.
    pub(super) fn settle(
        &mut self,
        group: &str,
        partitions: &mut BTreeMap<TopicPartition, PartitionOffsets>,
    ) {
        let now = self.now();
        for (at, offsets) in partitions {
            *offsets = self.tails.observe(group, at, *offsets, now);
        }
    }

    /// After a look: begins to read the tails that are due, unless some are still being read.
    pub(super) fn read_due(&mut self) {
        if !self.readings.is_empty() {
            return;
        }
        self.asked = self.tails.due(self.now());
        if self.asked.is_empty() {
            return;
        }
        let (reader, asked) = (self.reader.clone(), self.asked.clone());
        self.readings
            .spawn(async move { reader.read_tails(&asked).await });
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}
