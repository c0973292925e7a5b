use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::Mutex;

use crate::{
    conformance::Places,
    kafka::{KafkaAdmin, KafkaError, OffsetsAt, RecordSampler, Sample, TopicPartition},
};

/// Samples of topics' records, one after the other.
#[derive(Clone)]
pub struct Samples(Arc<Mutex<Clients>>);

struct Clients {
    admin: Arc<dyn KafkaAdmin>,
    sampler: Arc<dyn RecordSampler>,
}

impl Samples {
    pub(super) fn new(admin: Arc<dyn KafkaAdmin>, sampler: Arc<dyn RecordSampler>) -> Self {
        Self(Arc::new(Mutex::new(Clients { admin, sampler })))
    }

    /// The newest records, at most `most`, of a topic with so many partitions that lie behind `places`, by partition. One that does
    /// not answer is absent, as is one without a new record.
    ///
    /// # Errors
    /// When no partition answers.
    pub async fn newest(
        &self,
        topic: &str,
        partitions: usize,
        places: &Places,
        most: usize,
    ) -> Result<BTreeMap<i32, Sample>, KafkaError> {
        let clients = self.0.lock().await;
        let asked = places.partitions(partitions, most).into_iter();
        let asked = asked.map(|partition| TopicPartition {
            topic: topic.into(),
            partition,
        });
        let asked = asked.collect();
        let answers = clients.admin.list_offsets(&asked, OffsetsAt::LastStable);
        let (mut ends, mut refusal) = (BTreeMap::new(), None);
        for (at, end) in answers.await? {
            match end {
                Ok(end) => drop(ends.insert(at.partition, end)),
                Err(error) => refusal = Some(error),
            }
        }
        if let Some(error) = refusal.filter(|_| ends.is_empty()) {
            return Err(error);
        }
        let ranges = places.ranges(&ends, most);
        if ranges.is_empty() {
            return Ok(BTreeMap::new());
        }
        clients.sampler.sample(topic, &ranges).await
    }
}
