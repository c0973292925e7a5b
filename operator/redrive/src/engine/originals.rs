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

struct Reader {
    consumer: BaseConsumer,
    /// The record it comes to next. None where it must be sent to one first.
    at: Option<(String, i32, i64)>,
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
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(Reader {
                consumer: settings::originals(self.job)
                    .create()
                    .map_err(|error| unread(topic, partition, offset, &error))?,
                at: None,
            }),
        };
        reader.read(topic, partition, offset)
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
                    let next = record.offset() + 1;
                    self.at = Some((topic.to_owned(), partition, next));
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
        let is_near = self
            .at
            .take()
            .is_some_and(|(in_topic, in_partition, next)| {
                in_topic == topic
                    && in_partition == partition
                    && (next..next + NEAR).contains(&offset)
            });
        if !is_near {
            let mut assignment = TopicPartitionList::with_capacity(1);
            assignment.add_partition_offset(topic, partition, Offset::Offset(offset))?;
            self.consumer.assign(&assignment)?;
        }
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
