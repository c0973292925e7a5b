use std::time::{Duration, Instant};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{Message, OwnedMessage},
};

use super::{Job, Trouble, settings};

/// Longest wait for a record.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest wait in one poll.
const POLL: Duration = Duration::from_millis(100);
/// Records that are read over rather than sought past.
const NEAR: i64 = 1_000;

/// Reads single records, for letters without a body.
pub(super) struct Originals<'a> {
    job: &'a Job,
    reader: Option<Reader>,
}

/// A consumer, and the record it comes to next.
struct Reader {
    consumer: BaseConsumer,
    topic: String,
    partition: i32,
    next: i64,
}

impl<'a> Originals<'a> {
    /// Nothing is connected before the first record is asked for.
    pub(super) fn new(job: &'a Job) -> Self {
        Self { job, reader: None }
    }

    /// The record at an offset. None where it is no longer there.
    pub(super) fn read(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Option<OwnedMessage>, Trouble> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader {
                consumer: settings::originals(self.job)
                    .create()
                    .map_err(|error| unread(topic, partition, offset, &error))?,
                topic: String::new(),
                partition: 0,
                next: 0,
            },
        };
        let found = reader.read(topic, partition, offset);
        if matches!(found, Ok(Some(_))) {
            self.reader = Some(reader);
        }
        found
    }
}

impl Reader {
    fn read(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Option<OwnedMessage>, Trouble> {
        self.go_to(topic, partition, offset)
            .map_err(|error| unread(topic, partition, offset, &error))?;
        let began = Instant::now();
        while began.elapsed() < ANSWER {
            match self.consumer.poll(POLL) {
                Some(Ok(record)) if record.offset() < offset => {}
                Some(Ok(record)) => {
                    self.next = record.offset() + 1;
                    return Ok((record.offset() == offset).then(|| record.detach()));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                Some(Err(error)) if is_gone(&error) => return Ok(None),
                Some(Err(error)) => match unread(topic, partition, offset, &error) {
                    // The library connects again by itself.
                    Trouble::Passing(_) => {}
                    trouble => return Err(trouble),
                },
                None => {}
            }
        }
        let nothing = KafkaError::MessageConsumption(Code::OperationTimedOut);
        Err(unread(topic, partition, offset, &nothing))
    }

    fn go_to(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), KafkaError> {
        let here = self.topic == topic && self.partition == partition;
        if !here || offset < self.next || offset - self.next > NEAR {
            let mut assignment = TopicPartitionList::with_capacity(1);
            assignment.add_partition_offset(topic, partition, Offset::Offset(offset))?;
            self.consumer.assign(&assignment)?;
            (self.topic, self.partition) = (topic.to_owned(), partition);
        }
        self.next = offset;
        Ok(())
    }
}

/// Whether retention took the record, or the topic or the partition is no more.
fn is_gone(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::AutoOffsetReset
                | Code::OffsetOutOfRange
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
        )
    )
}

fn unread(topic: &str, partition: i32, offset: i64, error: &KafkaError) -> Trouble {
    let doing = format!(
        "the record at offset {offset} of partition {partition} of {topic}, which a letter without a body tells of, could not be read"
    );
    Trouble::of(&doing, error)
}
