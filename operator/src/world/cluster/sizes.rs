use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::try_join;
use jiff::Timestamp;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tracing::debug;

use crate::{
    kafka::{KafkaAdmin, ObservedTopic, OffsetsAt, TopicPartition},
    skew::{PartitionLoad, Skew, judge},
    telemetry::Metrics,
    world::{ClusterKey, SizesView, View, ViewState, Wake, Waker, sizes::TopicSizes},
};

/// Between two looks at the sizes.
const PERIOD: Duration = Duration::from_secs(60);
/// Between two looks while replicas are being moved.
const WHILE_MOVING: Duration = Duration::from_secs(5);

/// Looks at how much lies where: one request to each broker, and the offsets of topics of several partitions in bulk.
pub(super) struct SizeWatch {
    key: ClusterKey,
    admin: Arc<dyn KafkaAdmin>,
    view: watch::Receiver<ViewState>,
    sizes: watch::Sender<Arc<SizesView>>,
    waker: Waker,
    metrics: Metrics,
    records: BTreeMap<TopicPartition, u64>,
    records_read: Option<Instant>,
}

impl SizeWatch {
    pub(super) fn new(
        key: ClusterKey,
        admin: Arc<dyn KafkaAdmin>,
        view: watch::Receiver<ViewState>,
        sizes: watch::Sender<Arc<SizesView>>,
        waker: Waker,
        metrics: Metrics,
    ) -> Self {
        Self {
            key,
            admin,
            view,
            sizes,
            waker,
            metrics,
            records: BTreeMap::new(),
            records_read: None,
        }
    }

    /// Looks until nobody can see it any more.
    pub(super) async fn run(mut self) {
        let shown = self.sizes.clone();
        tokio::select! {
            () = shown.closed() => {}
            () = self.keep_looking() => {}
        }
        self.metrics
            .topics
            .show(&self.key.to_string(), BTreeMap::new());
    }

    async fn keep_looking(&mut self) {
        while let Some(view) = reachable(&mut self.view).await {
            let start = Instant::now();
            self.look(&view).await;
            if view.reassignments.is_empty() {
                // A move that begins is not waited for.
                let begun = self.view.wait_for(is_moving);
                drop(timeout(PERIOD, begun).await);
            }
            sleep_until(start + WHILE_MOVING).await;
        }
    }

    async fn look(&mut self, view: &View) {
        let brokers = view.cluster.brokers.keys().copied().collect();
        let time = Timestamp::now();
        let held = match self.admin.describe_log_dirs(&brokers).await {
            Ok(held) => held,
            Err(error) => {
                debug!(cluster = %self.key, %error, "the log directories could not be read");
                return;
            }
        };
        let mut topics: BTreeMap<String, TopicSizes> = BTreeMap::new();
        for (broker, held) in held {
            for (partition, bytes) in held.unwrap_or_default() {
                let of_topic = topics.entry(partition.topic.to_string()).or_default();
                of_topic.insert((partition.partition, broker), bytes);
            }
        }
        self.read_records(view, &topics).await;
        let before = self.sizes.borrow().clone();
        let (mut skews, mut weights) = (BTreeMap::new(), BTreeMap::new());
        for (name, topic, sizes) in several_partitions(view, &topics) {
            let loads = self.loads(name, topic, sizes);
            if let Some(skew) = judge(&loads, before.skew(name)) {
                let bytes = loads.iter().filter_map(|load| load.bytes).sum();
                weights.insert(name.clone(), (bytes, skew.ratio));
                skews.insert(name.clone(), skew);
            }
        }
        let changed = changed(&before.skews, &skews);
        let sizes = SizesView {
            time: Some(time),
            topics,
            skews,
        };
        self.sizes.send_replace(Arc::new(sizes));
        self.metrics.topics.show(&self.key.to_string(), weights);
        for topic in changed {
            self.waker.wake(Wake::KafkaTopic(self.key.clone(), topic));
        }
    }

    /// The records of topics that have any, once a period; what cannot be read is not known.
    async fn read_records(&mut self, view: &View, topics: &BTreeMap<String, TopicSizes>) {
        let fresh = |read: Instant| read.elapsed() < PERIOD;
        if self.records_read.is_some_and(fresh) {
            return;
        }
        self.records_read = Some(Instant::now());
        self.records.clear();
        let partitions = several_partitions(view, topics)
            .filter(|(_, _, sizes)| sizes.values().any(|bytes| *bytes > 0))
            .flat_map(|(name, topic, _)| led(name, topic))
            .collect::<BTreeSet<_>>();
        if partitions.is_empty() {
            return;
        }
        let read = try_join!(
            self.admin.list_offsets(&partitions, OffsetsAt::LogStart),
            self.admin.list_offsets(&partitions, OffsetsAt::End),
        );
        let (starts, ends) = match read {
            Ok(read) => read,
            Err(error) => {
                debug!(cluster = %self.key, %error, "the records could not be counted");
                return;
            }
        };
        let count = |(partition, end): (TopicPartition, Result<i64, _>)| {
            let start = starts.get(&partition)?.as_ref().ok()?;
            let records = u64::try_from(end.ok()? - start).ok()?;
            Some((partition, records))
        };
        self.records = ends.into_iter().filter_map(count).collect();
    }

    fn loads(&self, name: &str, topic: &ObservedTopic, sizes: &TopicSizes) -> Vec<PartitionLoad> {
        let load = |(partition, leader): (i32, Option<i32>)| PartitionLoad {
            bytes: leader.and_then(|leader| sizes.get(&(partition, leader)).copied()),
            records: self
                .records
                .get(&TopicPartition {
                    topic: name.into(),
                    partition,
                })
                .copied(),
        };
        let leaders = topic.partitions.iter().map(|partition| partition.leader);
        (0..).zip(leaders).map(load).collect()
    }
}

/// The view, once there is one; None when there will be none any more.
async fn reachable(view: &mut watch::Receiver<ViewState>) -> Option<Arc<View>> {
    let state = view
        .wait_for(|state| matches!(state, ViewState::Reachable(_)))
        .await;
    match &*state.ok()? {
        ViewState::Reachable(view) => Some(view.clone()),
        ViewState::Pending | ViewState::Unreachable { .. } => None,
    }
}

fn is_moving(state: &ViewState) -> bool {
    matches!(state, ViewState::Reachable(view) if !view.reassignments.is_empty())
}

/// Those that can lie unevenly, Kafka's own left out.
fn several_partitions<'a>(
    view: &'a View,
    sizes: &'a BTreeMap<String, TopicSizes>,
) -> impl Iterator<Item = (&'a String, &'a ObservedTopic, &'a TopicSizes)> {
    let several = |topic: &ObservedTopic| topic.partitions.len() > 1 && !topic.internal;
    let topics = view.topics.iter().filter(move |(_, topic)| several(topic));
    topics.filter_map(|(name, topic)| Some((name, topic.as_ref(), sizes.get(name)?)))
}

fn led(name: &str, topic: &ObservedTopic) -> Vec<TopicPartition> {
    let partitions = (0..).zip(&topic.partitions);
    partitions
        .filter(|(_, at)| at.leader.is_some())
        .map(|(partition, _)| TopicPartition {
            topic: name.into(),
            partition,
        })
        .collect()
}

/// The topics of which something else is to be told than before.
fn changed(before: &BTreeMap<String, Skew>, now: &BTreeMap<String, Skew>) -> BTreeSet<String> {
    let told = |skew: &Skew| {
        let hot = (skew.partition, skew.share, skew.partitions, skew.measure);
        skew.skewed.then_some(hot)
    };
    let names = before.keys().chain(now.keys());
    names
        .filter(|name| before.get(*name).map(told) != now.get(*name).map(told))
        .cloned()
        .collect()
}
