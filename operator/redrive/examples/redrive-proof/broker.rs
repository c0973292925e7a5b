//! What the proofs ask of Kafka themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Result, ensure};
use futures::executor::block_on;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
    producer::{BaseProducer, Producer},
};

pub(crate) const ANSWER: Duration = Duration::from_secs(60);
/// Time without a record after which all have been read.
const QUIET: Duration = Duration::from_secs(3);

/// Settings that reach the brokers.
pub(crate) fn connection(bootstrap: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("bootstrap.servers".to_owned(), bootstrap.to_owned())])
}

/// A word that no earlier run of a proof has used.
pub(crate) fn unique() -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(format!("{:x}", now.as_nanos()))
}

/// Makes a topic of one replica that keeps its records: those of the proofs are years old by their timestamps, and Kafka would delete
/// them while a proof is under way.
pub(crate) fn make(bootstrap: &str, topic: &str, partitions: i32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create()?;
    let wanted =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    let made = block_on(admin.create_topics([&wanted], &AdminOptions::new()))?;
    for outcome in made {
        if let Err((name, code)) = outcome {
            ensure!(
                code == RDKafkaErrorCode::TopicAlreadyExists,
                "{name}: {code}"
            );
        }
    }
    Ok(())
}

/// Deletes all records of partition 0 of a topic before `offset`.
pub(crate) fn delete_before(bootstrap: &str, topic: &str, offset: i64) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create()?;
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(topic, 0, Offset::Offset(offset))?;
    block_on(admin.delete_records(&before, &AdminOptions::new()))?;
    Ok(())
}

pub(crate) fn producer(bootstrap: &str) -> Result<BaseProducer> {
    Ok(client(bootstrap)
        .set("queue.buffering.max.messages", "200000")
        .set("linger.ms", "5")
        .create()?)
}

pub(crate) fn flush(producer: &BaseProducer) -> Result<()> {
    Ok(producer.flush(ANSWER)?)
}

pub(crate) fn client(bootstrap: &str) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", bootstrap);
    settings
}

/// A consumer of committed records that says where each partition ends.
pub(crate) fn reader(bootstrap: &str, group: &str) -> Result<BaseConsumer> {
    Ok(client(bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "20000")
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.max.bytes", "8388608")
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.wait.max.ms", "100")
        .create()?)
}

/// Reads all committed records of a topic.
pub(crate) fn read_all(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
    mut take: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<()> {
    let consumer = reader(bootstrap, "redrive-proof-reader")?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    // Kafka says that a transaction is committed before readers see it: an end is believed once nothing has come for a while.
    let (mut ended, mut last) = (BTreeSet::new(), Instant::now());
    while ended.len() < partitions as usize || last.elapsed() < QUIET {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => {
                last = Instant::now();
                take(&record)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
            }
            Some(Err(error)) => return Err(error.into()),
            None => ensure!(last.elapsed() < ANSWER, "no record came"),
        }
    }
    Ok(())
}

/// The committed offsets of a group.
pub(crate) fn committed(
    bootstrap: &str,
    group: &str,
    topic: &str,
    partitions: i32,
) -> Result<BTreeMap<i32, i64>> {
    let consumer = reader(bootstrap, group)?;
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_range(topic, 0, partitions - 1);
    let found = consumer.committed_offsets(wanted, ANSWER)?;
    Ok(found
        .elements()
        .iter()
        .filter_map(|element| Some((element.partition(), element.offset().to_raw()?)))
        .collect())
}
