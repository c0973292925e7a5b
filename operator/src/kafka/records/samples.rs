use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_redrive::engine::headers;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode,
};
use tokio::sync::oneshot;
use tracing::debug;

use super::consumer_settings;
use crate::{
    conformance::framing,
    kafka::{Credentials, KafkaError, RecordSampler, Sample, SampledRecord},
};

/// Longest wait for records at a time.
const POLL: Duration = Duration::from_millis(50);
/// What one sample may take.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(10),
    bytes: 16 << 20,
};
/// Time after which a consumer that nobody needs is closed.
const IDLE: Duration = Duration::from_secs(150);

const KEY_HEADER: &str = "__key_schema_id";
const VALUE_HEADER: &str = "__value_schema_id";

struct Limits {
    /// Connecting included.
    time: Duration,
    /// Of keys and values, after which no further record is read; shared out over the partitions.
    bytes: usize,
}

type Samples = BTreeMap<i32, Sample>;

/// What is asked of the thread.
struct Request {
    topic: String,
    ranges: BTreeMap<i32, Range<i64>>,
    answer: oneshot::Sender<Result<Samples, ClientError>>,
}

/// Reads samples over rdkafka: with one consumer, on a thread of its own, one sample after the other.
#[derive(Debug)]
pub struct RdkafkaSampler {
    credentials: Credentials,
    thread: Mutex<Option<Sender<Request>>>,
}

impl RdkafkaSampler {
    /// A sampler that speaks mutual TLS with `credentials`. Nothing is connected until it is asked.
    pub fn new(credentials: Credentials) -> Self {
        let thread = Mutex::new(None);
        Self {
            credentials,
            thread,
        }
    }

    /// The way to the thread, which is started if it does not run. It ends with the sampler.
    fn requests(&self) -> Result<Sender<Request>, KafkaError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(requests) = thread.as_ref() {
            return Ok(requests.clone());
        }
        let settings = settings(consumer_settings(&self.credentials, "millrace-samples"));
        let (requests, asked) = mpsc::channel();
        thread::Builder::new()
            .name("samples".to_owned())
            .spawn(move || serve(&settings, &asked))
            .map_err(|error| unreadable(&error))?;
        Ok(thread.insert(requests).clone())
    }
}

#[async_trait]
impl RecordSampler for RdkafkaSampler {
    async fn sample(
        &self,
        topic: &str,
        ranges: &BTreeMap<i32, Range<i64>>,
    ) -> Result<Samples, KafkaError> {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            topic: topic.to_owned(),
            ranges: ranges.clone(),
            answer,
        };
        let sent = self.requests()?.send(request);
        sent.map_err(|error| unreadable(&error))?;
        let samples = answered.await.map_err(|error| unreadable(&error))?;
        samples.map_err(|error| unreadable(&error))
    }
}

fn unreadable(why: &dyn std::error::Error) -> KafkaError {
    KafkaError::Unreachable(format!("no sample of records could be read: {why}"))
}

/// A few records of each partition are wanted, so little is fetched ahead. Where the range begins with records that are gone, those that
/// follow are read.
fn settings(mut settings: ClientConfig) -> ClientConfig {
    settings
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("fetch.message.max.bytes", "65536")
        .set("fetch.max.bytes", "1048576")
        .set("queued.min.messages", "100")
        .set("queued.max.messages.kbytes", "4096")
        .set("fetch.queue.backoff.ms", "50")
        .set("fetch.wait.max.ms", "100");
    settings
}

/// Answers one request after the other. The consumer is closed whenever nobody has asked for a while.
fn serve(settings: &ClientConfig, asked: &Receiver<Request>) {
    while let Ok(first) = asked.recv() {
        match settings.create() {
            Ok(consumer) => serve_with(&consumer, asked, first),
            Err(error) => drop(first.answer.send(Err(error))),
        }
    }
}

fn serve_with(consumer: &BaseConsumer, asked: &Receiver<Request>, first: Request) {
    let mut next = Ok(first);
    while let Ok(request) = next {
        let samples = read(consumer, &request.topic, &request.ranges, &LIMITS);
        drop(request.answer.send(samples));
        next = asked.recv_timeout(IDLE);
    }
}

/// What is left to read of a partition.
struct Left {
    until: i64,
    bytes: usize,
    sample: Sample,
}

fn read(
    consumer: &BaseConsumer,
    topic: &str,
    ranges: &BTreeMap<i32, Range<i64>>,
    limits: &Limits,
) -> Result<Samples, ClientError> {
    let deadline = Instant::now() + limits.time;
    let mut left = begin(consumer, topic, ranges, limits.bytes)?;
    let mut samples = Samples::new();
    let mut failure = ClientError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
    while !left.is_empty() && Instant::now() < deadline {
        let done = match consumer.poll(POLL) {
            Some(Ok(record)) if record.topic() == topic => {
                let partition = record.partition();
                let reading = left.get_mut(&partition);
                reading.and_then(|left| left.take(&record).then_some(partition))
            }
            Some(Err(ClientError::PartitionEOF(partition))) => {
                left.get_mut(&partition).map(Left::end).map(|()| partition)
            }
            Some(Err(error)) => {
                debug!(topic, %error, "reading a sample of records");
                failure = error;
                None
            }
            None | Some(Ok(_)) => None,
        };
        if let Some((partition, done)) = done.and_then(|done| left.remove_entry(&done)) {
            leave(consumer, topic, [partition]);
            samples.insert(partition, done.sample);
        }
    }
    leave(consumer, topic, left.keys().copied());
    let read = left.into_iter().map(|(at, left)| (at, left.sample));
    samples.extend(read.filter(|(_, sample)| !sample.records.is_empty()));
    match samples.is_empty() && !ranges.is_empty() {
        true => Err(failure),
        false => Ok(samples),
    }
}

fn begin(
    consumer: &BaseConsumer,
    topic: &str,
    ranges: &BTreeMap<i32, Range<i64>>,
    bytes: usize,
) -> Result<BTreeMap<i32, Left>, ClientError> {
    let mut assignment = TopicPartitionList::with_capacity(ranges.len());
    for (partition, range) in ranges {
        assignment.add_partition_offset(topic, *partition, Offset::Offset(range.start))?;
    }
    consumer.incremental_assign(&assignment)?;
    let left = |range: &Range<i64>| Left {
        until: range.end,
        bytes: bytes / ranges.len(),
        sample: Sample {
            records: Vec::new(),
            next: range.start,
        },
    };
    Ok(ranges
        .iter()
        .map(|(at, range)| (*at, left(range)))
        .collect())
}

impl Left {
    /// Takes a record in. True where the partition is read as far as it is wanted.
    fn take(&mut self, record: &BorrowedMessage<'_>) -> bool {
        if record.offset() < self.until {
            self.sample.records.push(sampled(record));
        }
        self.sample.next = (record.offset() + 1).min(self.until);
        let size = [record.key(), record.payload()];
        let size: usize = size.into_iter().flatten().map(<[u8]>::len).sum();
        let full = size >= self.bytes;
        self.bytes = self.bytes.saturating_sub(size);
        full || self.sample.next >= self.until
    }

    /// There is no further record: what is left of the range are markers, and records of transactions that were aborted.
    fn end(&mut self) {
        self.sample.next = self.until;
    }
}

/// Headers whose names are not text are no schema ids, and hide those beside them from the client library.
fn sampled(record: &BorrowedMessage<'_>) -> SampledRecord {
    let time = record.timestamp().to_millis();
    let headers = headers(record).unwrap_or_default();
    let framed = |body, name| {
        let last = headers.iter().rfind(|header| header.name == name);
        framing(body, last.and_then(|header| header.value))
    };
    SampledRecord {
        offset: record.offset(),
        time: time.and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        key: framed(record.key(), KEY_HEADER),
        value: framed(record.payload(), VALUE_HEADER),
    }
}

fn leave(consumer: &BaseConsumer, topic: &str, partitions: impl IntoIterator<Item = i32>) {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(topic, partition);
    }
    if list.count() > 0
        && let Err(error) = consumer.incremental_unassign(&list)
    {
        debug!(topic, %error, "partitions of a sample could not be left");
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        message::{Header, OwnedHeaders},
        mocking::MockCluster,
        producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer},
    };

    use super::*;
    use crate::conformance::{Framing, SchemaId};

    /// Far more than it takes, for a machine that has much to do.
    const PATIENCE: Duration = Duration::from_secs(60);
    const PATIENT: Limits = Limits {
        time: PATIENCE,
        ..LIMITS
    };
    const A_NUMBER: &[u8] = &[0, 0, 0, 0, 7, b'x'];
    const A_GUID: [u8; 17] = [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2];

    fn cluster() -> MockCluster<'static, DefaultProducerContext> {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("orders", 2, 1).unwrap();
        cluster.create_topic("logs", 1, 1).unwrap();
        cluster
    }

    fn send(
        producer: &BaseProducer,
        topic: &str,
        partition: i32,
        value: Option<&[u8]>,
        header: Option<&[u8]>,
    ) {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(partition)
            .key(b"a key");
        record.payload = value;
        let headers = OwnedHeaders::new().insert(Header {
            key: VALUE_HEADER,
            value: header,
        });
        let record = record.headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }

    fn producer(cluster: &MockCluster<'_, DefaultProducerContext>) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        config.create().unwrap()
    }

    /// Without TLS, which the library's brokers do not speak.
    fn consumer(cluster: &MockCluster<'_, DefaultProducerContext>) -> BaseConsumer {
        let credentials = Credentials {
            bootstrap_servers: cluster.bootstrap_servers(),
            ca_pem: String::new(),
            certificate_pem: String::new(),
            key_pem: String::new(),
        };
        let mut config = settings(consumer_settings(&credentials, "samples"));
        config.set("security.protocol", "plaintext");
        config.create().unwrap()
    }

    fn sample(consumer: &BaseConsumer, topic: &str, ranges: &[(i32, Range<i64>)]) -> Vec<Read> {
        let ranges = ranges.iter().cloned().collect();
        let samples = read(consumer, topic, &ranges, &PATIENT).unwrap();
        let samples = samples.into_iter().map(|(partition, sample)| {
            let records = sample.records.iter().map(|r| (r.offset, r.value));
            (partition, sample.next, records.collect())
        });
        samples.collect()
    }

    /// The partition, up to where it was read, and what of its records.
    type Read = (i32, i64, Vec<(i64, Framing)>);

    fn framed(id: SchemaId) -> Framing {
        let indexed = false;
        Framing::Framed { id, indexed }
    }

    #[test]
    fn one_consumer_reads_the_ranges_of_one_topic_after_the_other() {
        let cluster = cluster();
        let (producer, consumer) = (producer(&cluster), consumer(&cluster));
        let number = framed(SchemaId::Number(7));
        for _ in 0..5 {
            send(&producer, "orders", 0, Some(A_NUMBER), None);
        }
        send(&producer, "orders", 1, Some(b"bare"), None);
        send(&producer, "orders", 1, Some(b"bare"), Some(&A_GUID));
        send(&producer, "orders", 1, None, None);
        send(&producer, "logs", 0, Some(b"bare"), None);
        producer.flush(PATIENCE).unwrap();

        assert_eq!(
            sample(&consumer, "orders", &[(0, 2..4), (1, 0..3)]),
            [
                (0, 4, vec![(2, number), (3, number)]),
                (
                    1,
                    3,
                    vec![
                        (0, Framing::Bare),
                        (1, framed(SchemaId::Guid([2; 16]))),
                        (2, Framing::Null)
                    ]
                ),
            ]
        );
        let logs = sample(&consumer, "logs", &[(0, 0..1)]);
        assert_eq!(logs, [(0, 1, vec![(0, Framing::Bare)])]);
        // A range that goes on behind the records, as over a marker of a transaction.
        let again = sample(&consumer, "orders", &[(0, 4..9)]);
        assert_eq!(again, [(0, 9, vec![(4, number)])]);
    }

    #[test]
    fn large_records_end_a_sample_early() {
        let cluster = cluster();
        let (producer, consumer) = (producer(&cluster), consumer(&cluster));
        for partition in [0, 1] {
            for _ in 0..9 {
                send(&producer, "orders", partition, Some(&[0; 1_000]), None);
            }
        }
        producer.flush(PATIENCE).unwrap();
        let few = Limits {
            bytes: 8_000,
            ..PATIENT
        };
        let ranges = BTreeMap::from([(0, 0..9), (1, 7..9)]);
        let samples = read(&consumer, "orders", &ranges, &few).unwrap();
        assert_eq!(samples[&0].next, 4, "half of the bytes");
        assert_eq!(samples[&0].records.len(), 4);
        assert_eq!(samples[&1].next, 9, "it has fewer");
    }

    #[test]
    fn a_cluster_that_does_not_answer_is_given_up() {
        let cluster = cluster();
        let consumer = consumer(&cluster);
        drop(cluster);
        let ranges = BTreeMap::from([(0, 0..1)]);
        let hasty = Limits {
            time: Duration::from_secs(2),
            ..LIMITS
        };
        let nothing = read(&consumer, "orders", &ranges, &hasty);
        assert!(nothing.is_err(), "{nothing:?}");
    }
}
