use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, DefaultConsumerContext, base_consumer::PartitionQueue},
    error::KafkaError as ClientError,
};
use tokio::sync::oneshot;
use tracing::debug;

use super::consumer_settings;
use crate::kafka::{Credentials, KafkaError, Tail, TailContent, TailReader, TopicPartition};

/// Time for all tails that are asked at a time, connecting included.
const DEADLINE: Duration = Duration::from_secs(5);
/// Time between two looks at what the partitions have brought.
const PACE: Duration = Duration::from_millis(50);

/// Reads tails over rdkafka: with a consumer for all that are asked at a time, which is closed with the last answer.
#[derive(Debug)]
pub struct RdkafkaTailReader {
    credentials: Credentials,
}

impl RdkafkaTailReader {
    /// A reader that speaks mutual TLS with `credentials`. Nothing is connected until it is asked.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials }
    }
}

#[async_trait]
impl TailReader for RdkafkaTailReader {
    async fn read_tails(
        &self,
        tails: &BTreeMap<TopicPartition, Tail>,
    ) -> Result<BTreeMap<TopicPartition, TailContent>, KafkaError> {
        let settings = settings(consumer_settings(&self.credentials, "millrace-tails"));
        let tails = tails.clone();
        let (answer, answered) = oneshot::channel();
        // A thread of its own: the library waits on the thread that asks it, and one that is not waited for ends by itself.
        thread::Builder::new()
            .name("tails".to_owned())
            .spawn(move || drop(answer.send(read(&settings, &tails, DEADLINE))))
            .map_err(|error| unreadable(&error))?;
        let found = answered.await.map_err(|error| unreadable(&error))?;
        found.map_err(|error| unreadable(&error))
    }
}

fn unreadable(why: &dyn std::error::Error) -> KafkaError {
    KafkaError::Unreachable(format!("the ends of partitions could not be read: {why}"))
}

/// One record says enough: little is fetched at a time, and next to nothing ahead. An offset that is not there, as in a topic made
/// anew, is an error of its partition.
fn settings(mut settings: ClientConfig) -> ClientConfig {
    settings
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("fetch.message.max.bytes", "16384")
        .set("fetch.max.bytes", "1048576")
        .set("queued.min.messages", "10")
        .set("queued.max.messages.kbytes", "1024")
        .set("fetch.queue.backoff.ms", "50")
        .set("fetch.wait.max.ms", "100");
    settings
}

/// What comes of each partition comes by a queue of its own: the library's word for an end names no topic.
type Queue = PartitionQueue<DefaultConsumerContext>;

fn read(
    settings: &ClientConfig,
    tails: &BTreeMap<TopicPartition, Tail>,
    within: Duration,
) -> Result<BTreeMap<TopicPartition, TailContent>, ClientError> {
    let deadline = Instant::now() + within;
    let consumer: Arc<BaseConsumer> = Arc::new(settings.create()?);
    let mut assignment = TopicPartitionList::with_capacity(tails.len());
    for (at, tail) in tails {
        assignment.add_partition_offset(&at.topic, at.partition, Offset::Offset(tail.next))?;
    }
    consumer.assign(&assignment)?;
    let queue = |at: &TopicPartition| consumer.split_partition_queue(&at.topic, at.partition);
    let mut unread: Vec<(&TopicPartition, Tail, Queue)> = tails
        .iter()
        .filter_map(|(at, tail)| Some((at, *tail, queue(at)?)))
        .collect();
    let mut found = BTreeMap::new();
    while !unread.is_empty() && Instant::now() < deadline {
        if let Some(Err(error)) = consumer.poll(PACE) {
            debug!(%error, "reading the ends of partitions");
        }
        unread.retain(|(at, tail, queue)| match heard(queue, *tail) {
            None => true,
            Some(Ok(content)) => {
                found.insert((*at).clone(), content);
                false
            }
            Some(Err(error)) => {
                let (topic, partition) = (&*at.topic, at.partition);
                debug!(topic, partition, %error, "the end of a partition could not be read");
                false
            }
        });
    }
    Ok(found)
}

/// What a partition has said of its tail; None while it has said nothing.
fn heard(queue: &Queue, tail: Tail) -> Option<Result<TailContent, ClientError>> {
    Some(match queue.poll(Duration::ZERO)? {
        Ok(record) if record.offset() < tail.end => Ok(TailContent::Record),
        // A record behind the tail, or the end of all: what lies before it was left out.
        Ok(_) | Err(ClientError::PartitionEOF(_)) => Ok(TailContent::Nothing),
        Err(error) => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        mocking::MockCluster,
        producer::{BaseProducer, BaseRecord, Producer},
    };

    use super::*;

    /// Far more than it takes, for a machine that has much to do.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn at(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition {
            topic: topic.into(),
            partition,
        }
    }

    /// Without TLS, which the library's brokers do not speak.
    fn plain(bootstrap_servers: String) -> ClientConfig {
        let credentials = Credentials {
            bootstrap_servers,
            ca_pem: String::new(),
            certificate_pem: String::new(),
            key_pem: String::new(),
        };
        let mut settings = settings(consumer_settings(&credentials, "tails"));
        settings.set("security.protocol", "plaintext");
        settings
    }

    /// Brokers with three records in partition 0 of `orders`, and none elsewhere.
    fn cluster() -> MockCluster<'static, rdkafka::producer::DefaultProducerContext> {
        let cluster = MockCluster::new(2).unwrap();
        cluster.create_topic("orders", 2, 1).unwrap();
        cluster.create_topic("logs", 1, 1).unwrap();
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .create()
            .unwrap();
        for _ in 0..3 {
            let record = BaseRecord::<(), str>::to("orders")
                .partition(0)
                .payload("p");
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(10)).unwrap();
        cluster
    }

    #[test]
    fn each_partition_answers_for_itself_though_their_numbers_are_the_same() {
        let cluster = cluster();
        let tails = BTreeMap::from([
            (at("orders", 0), Tail { next: 2, end: 3 }),
            (at("orders", 1), Tail { next: 0, end: 4 }),
            (at("logs", 0), Tail { next: 0, end: 1 }),
        ]);
        let found = read(&plain(cluster.bootstrap_servers()), &tails, PATIENCE).unwrap();
        let expected = BTreeMap::from([
            (at("orders", 0), TailContent::Record),
            (at("orders", 1), TailContent::Nothing),
            (at("logs", 0), TailContent::Nothing),
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn an_offset_beyond_the_log_is_not_known_and_holds_up_nobody() {
        let cluster = cluster();
        let tails = BTreeMap::from([
            (at("orders", 0), Tail { next: 50, end: 51 }),
            (at("logs", 0), Tail { next: 0, end: 1 }),
        ]);
        let found = read(&plain(cluster.bootstrap_servers()), &tails, PATIENCE).unwrap();
        let expected = BTreeMap::from([(at("logs", 0), TailContent::Nothing)]);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_cluster_that_does_not_answer_is_given_up() {
        let tails = BTreeMap::from([(at("orders", 0), Tail { next: 0, end: 1 })]);
        let nobody = plain("localhost:1".to_owned());
        let found = read(&nobody, &tails, Duration::from_millis(200)).unwrap();
        assert_eq!(found, BTreeMap::new());
    }
}
