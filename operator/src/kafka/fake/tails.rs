use std::{collections::BTreeMap, ops::Range};

use async_trait::async_trait;

use super::{FakeKafka, state::State};
use crate::kafka::{KafkaError, OffsetsAt, Tail, TailContent, TailReader, TopicPartition};

#[async_trait]
impl TailReader for FakeKafka {
    async fn read_tails(
        &self,
        tails: &BTreeMap<TopicPartition, Tail>,
    ) -> Result<BTreeMap<TopicPartition, TailContent>, KafkaError> {
        self.call("read_tails", tails.len(), |state| {
            let known = tails
                .iter()
                .filter_map(|(at, tail)| Some((at.clone(), state.content(at, *tail)?)));
            known.collect()
        })
        .await
    }
}

impl State {
    /// None where there is no leader to ask, or no such offset.
    fn content(&mut self, at: &TopicPartition, tail: Tail) -> Option<TailContent> {
        let start = self.offset(at, OffsetsAt::LogStart).ok()?;
        let end = self.offset(at, OffsetsAt::LastStable).ok()?;
        if !(start..=end).contains(&tail.next) {
            return None;
        }
        let without = self.without_record.get(at);
        let is_record = |offset| without.is_none_or(|without| !without.contains(&offset));
        Some(match (tail.next..tail.end.min(end)).any(is_record) {
            true => TailContent::Record,
            false => TailContent::Nothing,
        })
    }
}

impl FakeKafka {
    /// Lets these offsets hold no record, as those of transactions' markers do.
    pub fn set_without_record(&self, partition: TopicPartition, offsets: Range<i64>) {
        let mut inner = self.lock();
        let without = inner.state.without_record.entry(partition).or_default();
        without.extend(offsets);
    }
}
