//! How many dead letters there are, why, and where they come from.
//!
//! One reader for each cluster reads the dead-letter topics that some DLQ holds, and counts by the records' headers. Keys and
//! values are dropped as they come; nothing of them is kept or logged. The counts live in memory, and are counted again from the
//! first record still there after a restart.
//!
//! Architecture invariant: rdkafka is named here and in `kafka/records/`, and nowhere else.

mod client;
mod growth;
mod health;
mod ledger;
mod reader;
mod told;

pub use growth::Growth;
pub use health::{health, next_look};
pub use ledger::Letters;
pub use millrace_redrive::letter::Origin;
pub use told::{reason_counts, whole};

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use self::reader::{Reader, Topic};
use crate::{
    kafka::Credentials,
    world::{ClusterKey, Waker},
};

/// The readers of all clusters.
pub struct DeadLetters {
    readers: Mutex<HashMap<ClusterKey, Reader>>,
    waker: Waker,
}

impl DeadLetters {
    /// No reader yet. Whenever the letters of a topic are counted anew, `waker` wakes that topic's resources.
    pub fn new(waker: Waker) -> Self {
        Self {
            readers: Mutex::default(),
            waker,
        }
    }

    /// The letters of a topic that has `partitions` partitions and Kafka's `id`; None until all of them are counted.
    /// From now on they are followed.
    pub fn of(
        &self,
        cluster: &ClusterKey,
        credentials: &Credentials,
        topic: &str,
        id: &str,
        partitions: usize,
    ) -> Option<Letters> {
        let mut readers = self.lock();
        if readers
            .get(cluster)
            .is_some_and(|reader| reader.credentials() != credentials)
        {
            readers.remove(cluster);
        }
        let reader = readers.entry(cluster.clone()).or_insert_with(|| {
            Reader::start(cluster.clone(), credentials.clone(), self.waker.clone())
        });
        let wanted = Topic {
            id: id.to_owned(),
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
        };
        reader.want(topic, Some(wanted));
        reader.letters(topic)
    }

    /// The letters of a topic are no longer wanted.
    pub fn forget(&self, cluster: &ClusterKey, topic: &str) {
        let mut readers = self.lock();
        if readers
            .get(cluster)
            .is_some_and(|reader| reader.want(topic, None))
        {
            readers.remove(cluster);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ClusterKey, Reader>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
