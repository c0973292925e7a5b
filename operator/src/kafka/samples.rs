use std::{collections::BTreeMap, ops::Range};

use async_trait::async_trait;
use jiff::Timestamp;

use super::KafkaError;
use crate::conformance::Framing;

/// How a record names its schemas, and nothing else of what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledRecord {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp.
    pub time: Option<Timestamp>,
    /// Of its key.
    pub key: Framing,
    /// Of its value.
    pub value: Framing,
}

/// What was read of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Its committed records, in the order of their offsets.
    pub records: Vec<SampledRecord>,
    /// The first offset that was not read.
    pub next: i64,
}

/// Reads samples of records as a read_committed consumer does, without a group: nothing is committed.
#[async_trait]
pub trait RecordSampler: Send + Sync + 'static {
    /// The records of a topic in these ranges of offsets, by partition. What is not read within 10 s, or is beyond some megabytes, is left
    /// out, newest first; a partition of which nothing was read is absent.
    ///
    /// # Errors
    /// When nothing could be read at all.
    async fn sample(
        &self,
        topic: &str,
        ranges: &BTreeMap<i32, Range<i64>>,
    ) -> Result<BTreeMap<i32, Sample>, KafkaError>;
}
