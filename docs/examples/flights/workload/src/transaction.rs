//! One batch, exactly once: what it leads to and how far it was read become visible together, or not at all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const CALL: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

/// A record to write.
pub struct Outgoing<'a> {
    pub topic: &'a str,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: OwnedHeaders,
}

/// Whether the batch is done.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Committed,
    /// Nothing of it is visible, and what is still assigned will be read again.
    Aborted,
}

/// Writes `outgoing` and the offsets after `batch` in one transaction.
///
/// Aborts, and rewinds the consumer to the batch's first records, when another member has taken over, or the brokers
/// refuse. Fails only where the process cannot go on: a newer producer has the same transactional id, or rewinding failed.
pub fn write<C, P>(
    consumer: &BaseConsumer<C>,
    producer: &ThreadedProducer<P>,
    batch: &[OwnedMessage],
    outgoing: Vec<Outgoing<'_>>,
) -> Result<Outcome>
where
    C: ConsumerContext,
    P: ProducerContext<DeliveryOpaque = ()> + 'static,
{
    match attempt(consumer, producer, batch, outgoing) {
        Ok(()) => Ok(Outcome::Committed),
        Err(error) if is_fatal(&error) => {
            Err(error).context("the transactional producer cannot go on")
        }
        Err(error) => {
            eprintln!("transaction aborted: {error}");
            patiently(|| producer.abort_transaction(CALL))
                .context("cannot abort the transaction")?;
            rewind(consumer, batch)?;
            Ok(Outcome::Aborted)
        }
    }
}

fn attempt<C, P>(
    consumer: &BaseConsumer<C>,
    producer: &ThreadedProducer<P>,
    batch: &[OwnedMessage],
    outgoing: Vec<Outgoing<'_>>,
) -> KafkaResult<()>
where
    C: ConsumerContext,
    P: ProducerContext<DeliveryOpaque = ()> + 'static,
{
    producer.begin_transaction()?;
    for record in outgoing {
        let mut to_send = BaseRecord::<[u8], [u8]>::to(record.topic).headers(record.headers);
        to_send.key = record.key;
        to_send.payload = record.value;
        producer.send(to_send).map_err(|(error, _)| error)?;
    }
    let member = consumer.group_metadata().ok_or(KafkaError::Canceled)?;
    let offsets = offsets(batch, |first_and_last| first_and_last.1 + 1)?;
    patiently(|| producer.send_offsets_to_transaction(&offsets, &member, CALL))?;
    patiently(|| producer.commit_transaction(CALL))
}

fn rewind<C: ConsumerContext>(consumer: &BaseConsumer<C>, batch: &[OwnedMessage]) -> Result<()> {
    let assigned = consumer.assignment()?;
    let mut to_seek = TopicPartitionList::new();
    for element in offsets(batch, |first_and_last| first_and_last.0)?.elements() {
        if assigned
            .find_partition(element.topic(), element.partition())
            .is_some()
        {
            to_seek.add_partition_offset(element.topic(), element.partition(), element.offset())?;
        }
    }
    if to_seek.count() == 0 {
        return Ok(());
    }
    let sought = consumer
        .seek_partitions(to_seek, CALL)
        .context("cannot rewind after an aborted transaction")?;
    for element in sought.elements() {
        ensure!(
            element.error().is_ok(),
            "cannot rewind {}-{}: {:?}",
            element.topic(),
            element.partition(),
            element.error()
        );
    }
    Ok(())
}

/// One offset for each partition of the batch, from its first and last offsets in there.
fn offsets(
    batch: &[OwnedMessage],
    choose: impl Fn((i64, i64)) -> i64,
) -> KafkaResult<TopicPartitionList> {
    let mut ranges = BTreeMap::<(&str, i32), (i64, i64)>::new();
    for record in batch {
        ranges
            .entry((record.topic(), record.partition()))
            .and_modify(|range| range.1 = record.offset())
            .or_insert((record.offset(), record.offset()));
    }
    let mut list = TopicPartitionList::new();
    for ((topic, partition), range) in ranges {
        list.add_partition_offset(topic, partition, Offset::Offset(choose(range)))?;
    }
    Ok(list)
}

fn patiently(call: impl Fn() -> KafkaResult<()>) -> KafkaResult<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call() {
            Err(KafkaError::Transaction(error))
                if error.is_retriable() && Instant::now() < deadline => {}
            other => return other,
        }
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_fatal())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp;

    fn record(partition: i32, offset: i64) -> OwnedMessage {
        OwnedMessage::new(
            None,
            None,
            "flights".into(),
            Timestamp::NotAvailable,
            partition,
            offset,
            None,
        )
    }

    #[test]
    fn each_partition_is_committed_after_its_last_record_and_rewound_to_its_first() {
        let batch = [record(1, 7), record(0, 3), record(1, 8), record(1, 11)];
        let committed = offsets(&batch, |range| range.1 + 1).unwrap();
        let rewound = offsets(&batch, |range| range.0).unwrap();
        let at = |list: &TopicPartitionList, partition| {
            list.find_partition("flights", partition).unwrap().offset()
        };
        assert_eq!(
            (at(&committed, 0), at(&committed, 1)),
            (Offset::Offset(4), Offset::Offset(12))
        );
        assert_eq!(
            (at(&rewound, 0), at(&rewound, 1)),
            (Offset::Offset(3), Offset::Offset(7))
        );
    }
}
