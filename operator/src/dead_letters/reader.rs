use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use millrace_redrive::{
    engine::headers,
    letter::{Origin, origin},
};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
};
use tracing::{debug, warn};

use super::{Letters, client, ledger::Ledger};
use crate::{
    kafka::Credentials,
    world::{ClusterKey, Wake, Waker},
};

/// Longest wait for records in one turn.
const POLL: Duration = Duration::from_millis(200);
/// Longest turn of reading before the other work is looked after.
const TURN: Duration = Duration::from_millis(500);
/// Time between two publications of what was counted: each makes a write to a status.
const PUBLISH: Duration = Duration::from_secs(2);
/// Time between two looks at where the partitions begin.
const LOOK: Duration = Duration::from_secs(30);
/// Time without a record after which a partition counts as read up to its end.
const QUIET: Duration = Duration::from_secs(3);
/// Time between two tries of something that failed, and longest wait for an answer.
const RETRY: Duration = Duration::from_secs(5);

/// A topic to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    /// Kafka's id: another one is another topic.
    pub(super) id: String,
    pub(super) partitions: i32,
}

#[derive(Default)]
struct Shared {
    wanted: BTreeMap<String, Topic>,
    letters: BTreeMap<String, Letters>,
    stop: bool,
}

/// The reader of one cluster: a thread that ends when this is dropped.
pub(super) struct Reader {
    credentials: Credentials,
    shared: Arc<Mutex<Shared>>,
}

impl Reader {
    pub(super) fn start(cluster: ClusterKey, credentials: Credentials, waker: Waker) -> Self {
        let settings = client::settings(&credentials);
        Self::with(settings, cluster, credentials, waker)
    }

    fn with(
        settings: ClientConfig,
        cluster: ClusterKey,
        credentials: Credentials,
        waker: Waker,
    ) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let work = Work {
            shared: shared.clone(),
            cluster,
            waker,
            topics: BTreeMap::new(),
            dirty: BTreeSet::new(),
        };
        let reader = Self {
            credentials,
            shared,
        };
        let started = thread::Builder::new()
            .name("dead-letters".to_owned())
            .spawn(move || work.run(&settings));
        if let Err(error) = started {
            warn!(%error, "no thread for the dead letters: they are not counted");
        }
        reader
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Says whether a topic is to be read. True where none is left.
    pub(super) fn want(&self, name: &str, topic: Option<Topic>) -> bool {
        let mut shared = lock(&self.shared);
        match topic {
            Some(topic) => {
                if shared
                    .wanted
                    .get(name)
                    .is_none_or(|before| before.id != topic.id)
                {
                    shared.letters.remove(name);
                }
                shared.wanted.insert(name.to_owned(), topic);
            }
            None => {
                shared.wanted.remove(name);
                shared.letters.remove(name);
            }
        }
        shared.wanted.is_empty()
    }

    pub(super) fn letters(&self, topic: &str) -> Option<Letters> {
        lock(&self.shared).letters.get(topic).cloned()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        lock(&self.shared).stop = true;
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread knows of one topic.
struct Reading {
    topic: Topic,
    ledger: Ledger,
    assigned: BTreeMap<i32, Instant>,
    looked: Option<Instant>,
    failed: Option<Instant>,
}

struct Work {
    shared: Arc<Mutex<Shared>>,
    cluster: ClusterKey,
    waker: Waker,
    topics: BTreeMap<String, Reading>,
    dirty: BTreeSet<String>,
}

impl Work {
    fn run(mut self, settings: &ClientConfig) {
        let consumer: BaseConsumer = match settings.create() {
            Ok(consumer) => consumer,
            Err(error) => {
                warn!(cluster = %self.cluster, %error, "the dead letters cannot be read");
                return;
            }
        };
        let mut published = Instant::now();
        while let Some(wanted) = self.wanted() {
            self.follow(&consumer, wanted);
            let turn = Instant::now();
            while let Some(polled) = consumer.poll(POLL) {
                match polled {
                    Ok(record) => self.count(&record),
                    Err(error) => debug!(cluster = %self.cluster, %error, "reading dead letters"),
                }
                if turn.elapsed() >= TURN {
                    break;
                }
            }
            self.rest();
            if published.elapsed() >= PUBLISH {
                self.publish();
                published = Instant::now();
            }
        }
    }

    fn wanted(&self) -> Option<BTreeMap<String, Topic>> {
        let shared = lock(&self.shared);
        (!shared.stop).then(|| shared.wanted.clone())
    }

    /// Reads the topics wanted, from where each begins, and no others.
    fn follow(&mut self, consumer: &BaseConsumer, wanted: BTreeMap<String, Topic>) {
        self.topics.retain(|name, reading| {
            let keep = wanted
                .get(name)
                .is_some_and(|topic| topic.id == reading.topic.id);
            if !keep {
                reading
                    .assigned
                    .keys()
                    .for_each(|partition| leave(consumer, name, *partition));
            }
            keep
        });
        for (name, topic) in wanted {
            let reading = self.topics.entry(name.clone()).or_insert_with(|| Reading {
                topic: topic.clone(),
                ledger: Ledger::default(),
                assigned: BTreeMap::new(),
                looked: None,
                failed: None,
            });
            if topic.partitions != reading.topic.partitions {
                (reading.topic, reading.looked) = (topic, None);
            }
            if reading.due() {
                match reading.look(consumer, &name) {
                    Ok(()) => (reading.looked, reading.failed) = (Some(Instant::now()), None),
                    Err(error) => {
                        warn!(cluster = %self.cluster, topic = name, %error, "dead letters cannot be read now: trying again");
                        reading.failed = Some(Instant::now());
                    }
                }
                self.dirty.insert(name);
            }
        }
    }

    fn count(&mut self, record: &BorrowedMessage<'_>) {
        let Some(reading) = self.topics.get_mut(record.topic()) else {
            return;
        };
        let Some(last) = reading.assigned.get_mut(&record.partition()) else {
            return;
        };
        *last = Instant::now();
        let written = record
            .timestamp()
            .to_millis()
            .and_then(|millis| Timestamp::from_second(millis.div_euclid(1_000)).ok());
        if reading.ledger.count(
            record.partition(),
            record.offset(),
            written,
            origin_of(record),
        ) {
            self.dirty.insert(record.topic().to_owned());
        }
    }

    fn rest(&mut self) {
        for (name, reading) in &mut self.topics {
            for partition in reading.ledger.unfinished() {
                let quiet = reading
                    .assigned
                    .get(&partition)
                    .is_some_and(|last| last.elapsed() >= QUIET);
                if quiet && reading.ledger.rest(partition) {
                    self.dirty.insert(name.clone());
                }
            }
        }
    }

    /// Publishes the topics whose letters have changed, and wakes their resources.
    fn publish(&mut self) {
        for name in std::mem::take(&mut self.dirty) {
            let Some(reading) = self.topics.get(&name) else {
                continue;
            };
            let Some(letters) = reading.ledger.letters(reading.topic.partitions) else {
                continue;
            };
            let mut shared = lock(&self.shared);
            let wanted = shared
                .wanted
                .get(&name)
                .is_some_and(|topic| topic.id == reading.topic.id);
            if wanted && shared.letters.get(&name) != Some(&letters) {
                shared.letters.insert(name.clone(), letters);
                drop(shared);
                self.waker
                    .wake(Wake::KafkaTopic(self.cluster.clone(), name));
            }
        }
    }
}

impl Reading {
    fn due(&self) -> bool {
        match self.failed {
            Some(failed) => failed.elapsed() >= RETRY,
            None => self.looked.is_none_or(|looked| looked.elapsed() >= LOOK),
        }
    }

    /// Looks where each partition begins and ends; reads it from its beginning where it is new, or counted letters are gone.
    fn look(&mut self, consumer: &BaseConsumer, name: &str) -> Result<(), KafkaError> {
        for partition in 0..self.topic.partitions {
            let (start, end) = consumer.fetch_watermarks(name, partition, RETRY)?;
            let known = self.assigned.contains_key(&partition);
            if known && !self.ledger.outdated(partition, start, end) {
                continue;
            }
            if known {
                leave(consumer, name, partition);
            }
            let mut list = TopicPartitionList::with_capacity(1);
            list.add_partition_offset(name, partition, Offset::Offset(start))?;
            consumer.incremental_assign(&list)?;
            self.ledger.begin(partition, start, end);
            self.assigned.insert(partition, Instant::now());
        }
        Ok(())
    }
}

fn leave(consumer: &BaseConsumer, topic: &str, partition: i32) {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, partition);
    if let Err(error) = consumer.incremental_unassign(&list) {
        warn!(topic, partition, %error, "a dead-letter partition could not be left");
    }
}

/// Of a record the names of whose headers are not text nothing is known.
fn origin_of(record: &BorrowedMessage<'_>) -> Origin {
    origin(&headers(record).unwrap_or_default())
}

#[cfg(test)]
mod tests;
