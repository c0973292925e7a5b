use std::{collections::BTreeMap, ops::Range};

use async_trait::async_trait;
use jiff::Timestamp;

use super::FakeKafka;
use crate::{
    conformance::framing,
    kafka::{KafkaError, RecordSampler, Sample, SampledRecord, TopicPartition},
};

#[async_trait]
impl RecordSampler for FakeKafka {
    async fn sample(
        &self,
        topic: &str,
        ranges: &BTreeMap<i32, Range<i64>>,
    ) -> Result<BTreeMap<i32, Sample>, KafkaError> {
        self.call("sample_records", ranges.len(), |state| {
            let sample = |(partition, range): (&i32, &Range<i64>)| {
                let at = TopicPartition {
                    topic: topic.into(),
                    partition: *partition,
                };
                let written = state.records.get(&at).map_or(&[][..], Vec::as_slice);
                let wanted = written.iter().filter(|r| range.contains(&r.offset));
                let sample = Sample {
                    records: wanted.copied().collect(),
                    next: range.end,
                };
                (*partition, sample)
            };
            ranges.iter().map(sample).collect()
        })
        .await
    }
}

impl FakeKafka {
    /// Appends a record to a partition at `time`, with this value and this header `__value_schema_id`, and without a key.
    pub fn write(
        &self,
        partition: &TopicPartition,
        time: Timestamp,
        value: Option<&[u8]>,
        header: Option<&[u8]>,
    ) {
        let state = &mut self.lock().state;
        let offsets = state.offsets.entry(partition.clone()).or_default();
        let record = SampledRecord {
            offset: offsets.end,
            time: Some(time),
            key: framing(None, None),
            value: framing(value, header),
        };
        offsets.produce(1, time.as_millisecond());
        let records = state.records.entry(partition.clone()).or_default();
        records.push(record);
    }
}
