use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{KafkaError, TopicPartition};

/// The end of a partition as a group sees it: the offsets from `next` up to `end`, which is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tail {
    /// The offset the group reads next, at least 0.
    pub next: i64,
    /// The last stable offset, more than `next`.
    pub end: i64,
}

/// What a read_committed consumer gets from a tail. Markers of transactions (KIP-98), records of aborted transactions and offsets
/// that compaction has removed are nothing to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailContent {
    /// No record.
    Nothing,
    /// At least one record.
    Record,
}

/// Reads tails as a read_committed consumer does, without a group: nothing is committed.
#[async_trait]
pub trait TailReader: Send + Sync + 'static {
    /// What is in each of these tails. One of which that is not known within 5 s is absent.
    ///
    /// # Errors
    /// When nothing could be read at all.
    async fn read_tails(
        &self,
        tails: &BTreeMap<TopicPartition, Tail>,
    ) -> Result<BTreeMap<TopicPartition, TailContent>, KafkaError>;
}
