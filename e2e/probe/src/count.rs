//! `probe count`

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;
use crate::numbers::Numbers;

const POLL: Duration = Duration::from_millis(200);
const METADATA: Duration = Duration::from_secs(10);

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    /// Also look for the records 0 to N - 1 that `probe produce` writes.
    #[arg(long)]
    numbered: Option<usize>,
}

/// Reads each partition from its beginning to its last stable offset.
/// Prints `{"count": N, "partitions": {PARTITION: N}, "first_ms": MS, "last_ms": MS, "numbers": {"missing": N, "repeated": N, "strange": N}}`,
/// MS the least and the greatest timestamp; `numbers` is null without `--numbered`. Offsets that hold no record, as those of commit markers, do not count.
pub fn run(access: &Access, limit: Duration, arguments: &Arguments) -> Result<Value, Failure> {
    let deadline = Instant::now() + limit;
    let (mut config, identity) = access.client_config()?;
    // librdkafka assigns nothing without a group id; nothing is ever asked of this group.
    let consumer: BaseConsumer<_> = config
        .set("group.id", "probe-count")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .create_with_context(identity.clone())?;
    // The first poll hands the token over, without which metadata would never come.
    consumer.poll(Duration::ZERO);

    let metadata = consumer.fetch_metadata(Some(&arguments.topic), METADATA.min(limit));
    identity.check()?;
    let metadata = metadata?;
    let topic = metadata
        .topics()
        .first()
        .ok_or_else(|| Failure::local("the brokers said nothing about the topic"))?;
    if let Some(error) = topic.error() {
        return Err(RDKafkaErrorCode::from(error).into());
    }
    let mut whole = TopicPartitionList::new();
    let mut partitions = BTreeMap::<i32, usize>::new();
    for partition in topic.partitions() {
        whole.add_partition_offset(&arguments.topic, partition.id(), Offset::Beginning)?;
        partitions.insert(partition.id(), 0);
    }
    let mut unread: BTreeSet<i32> = partitions.keys().copied().collect();
    consumer.assign(&whole)?;

    let mut numbers = arguments.numbered.map(Numbers::new);
    let mut times = None;
    while !unread.is_empty() {
        if Instant::now() > deadline {
            return Err(Failure::timed_out(limit));
        }
        identity.check()?;
        match consumer.poll(POLL) {
            Some(Ok(record)) => {
                *partitions.entry(record.partition()).or_default() += 1;
                if let Some(numbers) = &mut numbers {
                    numbers.see(record.key(), record.payload());
                }
                if let Some(time) = record.timestamp().to_millis() {
                    let (first, last) = times.unwrap_or((time, time));
                    times = Some((time.min(first), time.max(last)));
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unread.remove(&partition);
            }
            Some(Err(error))
                if error.rdkafka_error_code()
                    == Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {}
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
    }
    Ok(json!({
        "count": partitions.values().sum::<usize>(),
        "partitions": partitions,
        "first_ms": times.map(|(first, _)| first),
        "last_ms": times.map(|(_, last)| last),
        "numbers": numbers.map(|numbers| numbers.json()),
    }))
}
