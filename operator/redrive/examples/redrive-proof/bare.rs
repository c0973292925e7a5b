//! The least that a transactional copy can be: read, write, commit, with the library alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedHeaders,
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::{broker, engine::resident};

/// Letters in a transaction, as many as the engine's.
const BATCH: usize = 1_000;

#[derive(clap::Args, Clone)]
pub(crate) struct Bare {
    #[arg(long)]
    pub(crate) bootstrap: String,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long)]
    pub(crate) to: String,
    /// Ends of the partitions from 0 on.
    #[arg(long, value_delimiter = ',')]
    pub(crate) ends: Vec<i64>,
}

impl Bare {
    /// The arguments that make another process run this.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let ends: Vec<String> = self.ends.iter().map(ToString::to_string).collect();
        [
            "bare",
            "--bootstrap",
            &self.bootstrap,
            "--topic",
            &self.topic,
            "--to",
            &self.to,
            "--ends",
            &ends.join(","),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    pub(crate) fn run(&self) -> Result<()> {
        let began = Instant::now();
        let id = broker::unique()?;
        let producer: BaseProducer = broker::client(&self.bootstrap)
            .set("transactional.id", &id)
            .set("linger.ms", "1")
            .set("partitioner", "murmur2_random")
            .create()?;
        producer.init_transactions(broker::ANSWER)?;
        let consumer = broker::reader(&self.bootstrap, &id)?;
        let mut assignment = TopicPartitionList::new();
        for (partition, _) in (0..).zip(&self.ends) {
            assignment.add_partition_offset(&self.topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        let mut left: i64 = self.ends.iter().sum();
        while left > 0 {
            left -= self.transact(&producer, &consumer, left)?;
        }
        println!("seconds={}", began.elapsed().as_secs_f64());
        println!("resident={}", resident()?);
        Ok(())
    }

    fn transact(&self, producer: &BaseProducer, consumer: &BaseConsumer, left: i64) -> Result<i64> {
        producer.begin_transaction()?;
        let mut offsets = vec![None; self.ends.len()];
        let mut copied = 0;
        while copied < left.min(i64::try_from(BATCH)?) {
            let record = match consumer.poll(broker::ANSWER).context("no letter came")? {
                Err(KafkaError::PartitionEOF(_)) => continue,
                record => record?,
            };
            let mut copy = BaseRecord::to(&self.to).partition(record.partition());
            copy.key = record.key();
            copy.payload = record.payload();
            copy.timestamp = record.timestamp().to_millis();
            copy.headers = record.headers().map(BorrowedHeaders::detach);
            producer.send(copy).map_err(|(error, _)| error)?;
            offsets[usize::try_from(record.partition())?] = Some(record.offset() + 1);
            copied += 1;
        }
        let mut commits = TopicPartitionList::new();
        for (partition, next) in (0..).zip(offsets) {
            if let Some(next) = next {
                commits.add_partition_offset(&self.topic, partition, Offset::Offset(next))?;
            }
        }
        let group = consumer.group_metadata().context("no group")?;
        producer.send_offsets_to_transaction(&commits, &group, broker::ANSWER)?;
        // As fast as it can be: the library's own flush looks every 100 ms only.
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(1));
        }
        producer.commit_transaction(broker::ANSWER)?;
        ensure!(copied > 0, "nothing was copied");
        Ok(copied)
    }
}
