use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use millrace_crds::{SchemaType, SubjectPart};
use tracing::debug;

use super::{Name, ids::Ids, peek};
use crate::{
    conformance::{Findings, Framing, Places, Shown, Trouble, Verdict, turned, verdict},
    kafka::{KafkaError, ObservedTopic, Sample, SampledRecord},
    registry::{RegistryError, SchemaRegistry},
    telemetry::Metrics,
    world::{ClusterHandle, ClusterKey, Clusters, ViewState, Wake, Waker},
};

/// Between two tries while the cluster is not known yet, or has no such topic. Neither asks Kafka.
const RETRY: Duration = Duration::from_secs(5);

/// What is audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The cluster.
    pub cluster: ClusterKey,
    /// Name of the topic in Kafka.
    pub topic: String,
    /// The part of its records.
    pub part: SubjectPart,
    /// The language of the schemas.
    pub language: SchemaType,
    /// The subject under which they are registered.
    pub subject: String,
    /// Base URL of the registry.
    pub registry_url: String,
    /// The most records of one sample, 1 or more.
    pub max_records: usize,
    /// Time between two samples.
    pub interval: Duration,
}

/// The audit of one Schema.
pub(super) struct Audit {
    name: Name,
    audited: Audited,
    clusters: Clusters,
    metrics: Metrics,
    ids: Ids,
    /// Of the topic as it was seen last: another id is another topic.
    topic_id: String,
    places: Places,
    findings: Findings,
}

impl Audit {
    pub(super) fn new(
        name: Name,
        audited: Audited,
        clusters: Clusters,
        registry: Arc<dyn SchemaRegistry>,
        metrics: Metrics,
    ) -> Self {
        Self {
            name,
            ids: Ids::new(registry, audited.subject.clone()),
            audited,
            clusters,
            metrics,
            topic_id: String::new(),
            places: Places::default(),
            findings: Findings::new(Timestamp::now()),
        }
    }

    /// Takes one sample after the other. A verdict that turns wakes the Schema; more of the same is told when it is looked at next.
    pub(super) async fn run(mut self, shown: Arc<Mutex<Option<Shown>>>, waker: Waker) {
        let (namespace, name) = self.name.clone();
        loop {
            let Some(handle) = self.clusters.get(&self.audited.cluster) else {
                tokio::time::sleep(RETRY).await;
                continue;
            };
            if matches!(handle.view(), ViewState::Pending) {
                tokio::time::sleep(RETRY).await;
                continue;
            }
            let trouble = self.look(&handle).await.err();
            let now = Shown {
                findings: self.findings.clone(),
                trouble,
            };
            let before = peek(&shown).replace(now.clone());
            if turned(before.as_ref(), &now) {
                waker.wake(Wake::Schema(namespace.clone(), name.clone()));
            }
            let pause = match trouble {
                Some(Trouble::NoTopic) => RETRY,
                _ => self.audited.interval,
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes a sample and counts what is found in it, or nothing where something of it cannot be told.
    async fn look(&mut self, handle: &ClusterHandle) -> Result<(), Trouble> {
        let topic = self.topic(handle)?;
        let partitions = topic.partitions.len();
        let most = self.audited.max_records;
        let samples = handle.samples();
        let samples = samples
            .newest(&self.audited.topic, partitions, &self.places, most)
            .await
            .map_err(|error| self.kafka_failed(&error))?;
        let framings = samples.values().flat_map(|sample| &sample.records);
        let language = self.audited.language;
        let ids = framings.filter_map(|record| self.framing(record).id(language));
        let ids: BTreeSet<_> = ids.collect();
        let registered = self
            .ids
            .find(ids)
            .await
            .map_err(|error| registry_failed(&error))?;
        self.count(&samples, |framing| verdict(framing, language, &registered));
        self.places.turn(partitions.min(most), partitions);
        Ok(())
    }

    fn topic(&mut self, handle: &ClusterHandle) -> Result<Arc<ObservedTopic>, Trouble> {
        let ViewState::Reachable(view) = handle.view() else {
            return Err(Trouble::KafkaUnreachable);
        };
        let topic = view
            .topics
            .get(&self.audited.topic)
            .ok_or(Trouble::NoTopic)?;
        if topic.id != self.topic_id {
            self.topic_id = topic.id.clone();
            self.places = Places::default();
            self.findings = Findings::new(Timestamp::now());
        }
        Ok(topic.clone())
    }

    fn framing(&self, record: &SampledRecord) -> Framing {
        match self.audited.part {
            SubjectPart::Key => record.key,
            SubjectPart::Value => record.value,
        }
    }

    fn count(&mut self, samples: &BTreeMap<i32, Sample>, judge: impl Fn(Framing) -> Verdict) {
        let now = Timestamp::now();
        let mut counts = BTreeMap::<Verdict, u64>::new();
        for (partition, sample) in samples {
            for record in &sample.records {
                let framing = self.framing(record);
                let verdict = judge(framing);
                *counts.entry(verdict).or_default() += 1;
                let id = framing.id(self.audited.language);
                let place = (*partition, record.offset);
                self.findings.count(place, record.time, verdict, id, now);
            }
            self.places.come_to(*partition, sample.next);
        }
        let (namespace, name) = &self.name;
        let (cluster, schema) = (
            self.audited.cluster.to_string(),
            format!("{namespace}/{name}"),
        );
        for (verdict, count) in counts {
            let metrics = &self.metrics.conformance;
            metrics.count(&cluster, &schema, verdict, count);
        }
    }

    fn kafka_failed(&self, error: &KafkaError) -> Trouble {
        let Audited { cluster, topic, .. } = &self.audited;
        debug!(%cluster, topic, %error, "no sample of a topic's records");
        match error {
            KafkaError::Unreachable(_) => Trouble::KafkaUnreachable,
            KafkaError::Refused { .. } => Trouble::KafkaRefused,
        }
    }
}

/// Without the registry's words, which may have the id in them.
fn registry_failed(error: &RegistryError) -> Trouble {
    match error {
        RegistryError::Unreachable(_) => Trouble::RegistryUnreachable,
        RegistryError::Refused { code, .. } => Trouble::RegistryRefused(*code),
    }
}
