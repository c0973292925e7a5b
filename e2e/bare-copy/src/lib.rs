//! The least that a transactional copy can be: read, write, commit, with librdkafka alone. A redrive is measured against it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::BorrowedHeaders,
    producer::{BaseProducer, BaseRecord, Producer},
};

/// Longest wait for an answer or a record.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest wait between two looks at whether all copies have been acknowledged.
const LOOK: Duration = Duration::from_millis(1);

/// What to copy where. A record's key chooses its partition, as for a letter of which it is not known where it lay: so a transaction
/// has as many partitions for Kafka to mark as one of a redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareCopy {
    /// The topic that is read, from its beginning.
    pub topic: String,
    /// Its partitions.
    pub partitions: i32,
    /// The topic that is written to.
    pub to: String,
    /// Records that are copied; so many must be there.
    pub records: u64,
    /// Records in a transaction, at most 100,000.
    pub batch: u64,
    /// The transactional id, and the group whose offsets are committed.
    pub id: String,
}

impl BareCopy {
    /// Copies all, and says how long it took from before the clients were made until the last transaction was committed.
    /// `connection` has what a client needs to reach the brokers.
    ///
    /// # Errors
    /// Kafka's, and that of a timeout where no record comes for a minute.
    pub fn run(&self, connection: &ClientConfig) -> KafkaResult<Duration> {
        let began = Instant::now();
        let producer = self.producer(connection)?;
        let consumer = self.consumer(connection)?;
        let mut left = self.records;
        while left > 0 {
            let batch = left.min(self.batch);
            self.transact(&producer, &consumer, batch)?;
            left -= batch;
        }
        Ok(began.elapsed())
    }

    fn producer(&self, connection: &ClientConfig) -> KafkaResult<BaseProducer> {
        let producer: BaseProducer = connection
            .clone()
            .set("transactional.id", &self.id)
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "1")
            // By default it waits 100 ms where Kafka still writes the marks of the transaction before.
            .set("retry.backoff.ms", "10")
            .create()?;
        producer.init_transactions(ANSWER)?;
        Ok(producer)
    }

    fn consumer(&self, connection: &ClientConfig) -> KafkaResult<BaseConsumer> {
        let consumer: BaseConsumer = connection
            .clone()
            .set("group.id", &self.id)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            // By default a full queue is looked at again after a second only.
            .set("fetch.queue.backoff.ms", "20")
            .create()?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..self.partitions {
            assignment.add_partition_offset(&self.topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        Ok(consumer)
    }

    fn transact(
        &self,
        producer: &BaseProducer,
        consumer: &BaseConsumer,
        records: u64,
    ) -> KafkaResult<()> {
        producer.begin_transaction()?;
        let mut next = BTreeMap::new();
        for _ in 0..records {
            let record = consumer.poll(ANSWER).ok_or_else(nothing_came)??;
            let mut copy = BaseRecord::to(&self.to);
            copy.key = record.key();
            copy.payload = record.payload();
            copy.timestamp = record.timestamp().to_millis();
            copy.headers = record.headers().map(BorrowedHeaders::detach);
            producer.send(copy).map_err(|(error, _)| error)?;
            next.insert(record.partition(), record.offset() + 1);
        }
        let mut offsets = TopicPartitionList::with_capacity(next.len());
        for (partition, offset) in next {
            offsets.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
        }
        let group = consumer.group_metadata().ok_or_else(nothing_came)?;
        producer.send_offsets_to_transaction(&offsets, &group, ANSWER)?;
        // As fast as it can be: the library's own flush looks every 100 ms only.
        while producer.in_flight_count() > 0 {
            producer.poll(LOOK);
        }
        producer.commit_transaction(ANSWER)
    }
}

fn nothing_came() -> KafkaError {
    KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut)
}
