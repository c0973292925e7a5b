use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, Message, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer, ProducerContext},
};

use super::{Job, Trouble, copies::Body, settings};

/// Longest wait for one step of a transaction.
const STEP: Duration = Duration::from_secs(60);
/// Time between two looks at whether all copies have been taken.
const PACE: Duration = Duration::from_millis(1);

/// Writes copies and offsets, both or neither.
pub(super) struct Writer {
    producer: BaseProducer<Deliveries>,
}

/// Keeps the first copy that could not be written.
#[derive(Default)]
struct Deliveries {
    failed: Mutex<Option<Trouble>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    /// Partition and offset of the letter.
    type DeliveryOpaque = Box<(i32, i64)>;

    fn delivery(&self, result: &DeliveryResult<'_>, letter: Self::DeliveryOpaque) {
        let Err((error, copy)) = result else { return };
        // What is purged is the consequence of an earlier failure.
        let purged = [
            RDKafkaErrorCode::PurgeQueue,
            RDKafkaErrorCode::PurgeInflight,
        ];
        let Some(code) = error
            .rdkafka_error_code()
            .filter(|code| !purged.contains(code))
        else {
            return;
        };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert_with(|| Trouble::undelivered(*letter, copy.topic(), code));
    }
}

impl Writer {
    /// Takes the transactional id of the Redrive: what another process had begun under it is ended, and that process fenced.
    pub(super) fn new(job: &Job) -> Result<Self, Trouble> {
        let producer: BaseProducer<Deliveries> = settings::writer(job)
            .create_with_context(Deliveries::default())
            .map_err(|error| Trouble::of("no producer could be made", &error))?;
        let writer = Self { producer };
        writer
            .producer
            .init_transactions(STEP)
            .map_err(|error| writer.trouble("transactions could not be begun", &error))?;
        Ok(writer)
    }

    pub(super) fn begin(&self) -> Result<(), Trouble> {
        self.producer
            .begin_transaction()
            .map_err(|error| self.trouble("a transaction could not be begun", &error))
    }

    /// Writes a copy of the letter at `letter`, partition and offset, to `topic`; without a partition, to the one its key gives.
    pub(super) fn copy(
        &self,
        letter: (i32, i64),
        topic: &str,
        partition: Option<i32>,
        body: Body<'_>,
        headers: OwnedHeaders,
    ) -> Result<(), Trouble> {
        let mut record =
            BaseRecord::<[u8], [u8], Box<(i32, i64)>>::with_opaque_to(topic, Box::new(letter))
                .headers(headers);
        record.partition = partition;
        record.key = body.key;
        record.payload = body.value;
        record.timestamp = body.timestamp;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(PACE);
                }
                Err((error, _)) => {
                    let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                    let failed = self.failure();
                    return Err(failed.unwrap_or_else(|| Trouble::undelivered(letter, topic, code)));
                }
            }
        }
    }

    /// Commits the copies written since [`Writer::begin`] and these offsets of the group.
    pub(super) fn commit(
        &self,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), Trouble> {
        self.producer
            .send_offsets_to_transaction(offsets, group, STEP)
            .map_err(|error| self.trouble("offsets could not be written", &error))?;
        // The library's own flush looks every 100 ms only, which is longer than the whole transaction takes.
        while self.producer.in_flight_count() > 0 && self.producer.client().fatal_error().is_none()
        {
            self.producer.poll(PACE);
        }
        self.producer
            .commit_transaction(STEP)
            .map_err(|error| self.trouble("a transaction could not be committed", &error))
    }

    /// What is behind an error: a copy that was not taken, or another process.
    fn trouble(&self, doing: &str, error: &KafkaError) -> Trouble {
        let fatal = self.producer.client().fatal_error();
        match (Trouble::of(doing, error), fatal) {
            (Trouble::Fenced, _) => Trouble::Fenced,
            (_, Some((code, _))) => Trouble::of(doing, &KafkaError::Global(code)),
            (trouble, None) => self.failure().unwrap_or(trouble),
        }
    }

    fn failure(&self) -> Option<Trouble> {
        let context = self.producer.context();
        let mut failed = context
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }
}
