use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::try_join;
use jiff::Timestamp;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::debug;

use super::{handle::Declared, tails::TailWatch};
use crate::{
    kafka::{
        GroupDescription, GroupType, KafkaAdmin, KafkaError, OffsetsAt, PerItem, TopicPartition,
    },
    world::{
        ClusterKey, GroupSnapshot, GroupsView, PartitionOffsets, View, ViewState, Wake, Waker,
        steady,
    },
};

/// How long a log start is believed. It moves when old records are removed; lag needs it only where nothing is committed.
const LOG_START_AGE: Duration = Duration::from_secs(30);

/// Looks at the declared groups, all of them in the same few calls.
pub(super) struct GroupWatch {
    key: ClusterKey,
    admin: Arc<dyn KafkaAdmin>,
    view: watch::Receiver<ViewState>,
    looks: watch::Sender<Arc<GroupsView>>,
    waker: Waker,
    tails: TailWatch,
    log_starts: BTreeMap<TopicPartition, i64>,
    log_starts_read: Option<Instant>,
}

/// What one look brought, before it is told group by group.
struct Reading {
    time: Timestamp,
    steady: Duration,
    descriptions: PerItem<String, GroupDescription>,
    committed: PerItem<String, BTreeMap<TopicPartition, i64>>,
    ends: PerItem<TopicPartition, i64>,
}

impl GroupWatch {
    pub(super) fn new(
        key: ClusterKey,
        admin: Arc<dyn KafkaAdmin>,
        view: watch::Receiver<ViewState>,
        looks: watch::Sender<Arc<GroupsView>>,
        waker: Waker,
        tails: TailWatch,
    ) -> Self {
        Self {
            key,
            admin,
            view,
            looks,
            waker,
            tails,
            log_starts: BTreeMap::new(),
            log_starts_read: None,
        }
    }

    /// Looks once a period until nobody can declare a group any more.
    pub(super) async fn run(mut self, mut declared: watch::Receiver<Declared>, period: Duration) {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let wanted = declared.clone();
        let ended = async { while declared.changed().await.is_ok() {} };
        let looking = async {
            loop {
                ticks.tick().await;
                let declared = wanted.borrow().clone();
                self.look(&declared).await;
            }
        };
        tokio::select! {
            () = ended => {}
            () = looking => {}
        }
    }

    async fn look(&mut self, declared: &Declared) {
        let ViewState::Reachable(view) = self.view.borrow().clone() else {
            return;
        };
        let before = self.looks.borrow().clone();
        if declared.is_empty() && before.is_empty() {
            return;
        }
        self.tails.begin(declared, &view);
        let looks = match self.read(declared, &view).await {
            Ok(reading) => {
                let looks = self.snapshots(declared, &view, &reading, &before);
                self.tails.read_due();
                looks
            }
            Err(error) => {
                debug!(%error, "the offsets of groups could not be read");
                declared
                    .keys()
                    .filter_map(|group| outdated(group, &before))
                    .collect()
            }
        };
        self.looks.send_replace(Arc::new(looks));
        self.waker.wake(Wake::KafkaGroups(self.key.clone()));
    }

    /// Committed offsets come first, so that no end offset is older than them.
    async fn read(&mut self, declared: &Declared, view: &View) -> Result<Reading, KafkaError> {
        let groups = declared.iter();
        let groups: BTreeMap<String, GroupType> = groups
            .map(|(group, declared)| (group.clone(), declared.kind))
            .collect();
        let descriptions = self.admin.describe_groups(&groups).await?;
        let committed = self.admin.committed_offsets(&groups).await?;
        let (time, steady) = (Timestamp::now(), steady::now());
        let partitions = led_partitions(declared.values().flat_map(|group| &*group.topics), view);
        let due = self.due_log_starts(declared, view, &committed, &partitions);
        let (ends, log_starts) = try_join!(
            self.offsets(&partitions, OffsetsAt::LastStable),
            self.offsets(&due, OffsetsAt::LogStart),
        )?;
        if due == partitions {
            self.log_starts.clear();
            self.log_starts_read = Some(Instant::now());
        }
        for (partition, answer) in log_starts {
            match answer {
                Ok(offset) => self.log_starts.insert(partition, offset),
                Err(_) => self.log_starts.remove(&partition),
            };
        }
        // A log that ends before its start is another log: the topic was made anew.
        self.log_starts.retain(
            |partition, start| !matches!(ends.get(partition), Some(Ok(end)) if end < start),
        );
        Ok(Reading {
            time,
            steady,
            descriptions,
            committed,
            ends,
        })
    }

    async fn offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        at: OffsetsAt,
    ) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.admin.list_offsets(partitions, at).await
    }

    fn due_log_starts(
        &self,
        declared: &Declared,
        view: &View,
        committed: &PerItem<String, BTreeMap<TopicPartition, i64>>,
        partitions: &BTreeSet<TopicPartition>,
    ) -> BTreeSet<TopicPartition> {
        if self
            .log_starts_read
            .is_none_or(|read| read.elapsed() >= LOG_START_AGE)
        {
            return partitions.clone();
        }
        let mut due: BTreeSet<TopicPartition> = partitions
            .iter()
            .filter(|p| !self.log_starts.contains_key(p))
            .cloned()
            .collect();
        for (group, wanted) in declared {
            if let Some(Ok(offsets)) = committed.get(group) {
                let uncommitted = led_partitions(wanted.topics.iter(), view);
                due.extend(uncommitted.into_iter().filter(|p| !offsets.contains_key(p)));
            }
        }
        due
    }

    fn snapshots(
        &mut self,
        declared: &Declared,
        view: &View,
        reading: &Reading,
        before: &GroupsView,
    ) -> GroupsView {
        declared
            .iter()
            .filter_map(|(group, wanted)| {
                let (Some(Ok(description)), Some(Ok(committed))) = (
                    reading.descriptions.get(group),
                    reading.committed.get(group),
                ) else {
                    return outdated(group, before);
                };
                let (mut partitions, complete) =
                    self.offsets_of(&wanted.topics, view, committed, &reading.ends);
                self.tails.settle(group, &mut partitions);
                let snapshot = GroupSnapshot {
                    time: reading.time,
                    steady: reading.steady,
                    description: description.clone(),
                    partitions,
                    complete,
                };
                Some((group.clone(), Arc::new(snapshot)))
            })
            .collect()
    }

    fn offsets_of(
        &self,
        topics: &BTreeSet<String>,
        view: &View,
        committed: &BTreeMap<TopicPartition, i64>,
        ends: &PerItem<TopicPartition, i64>,
    ) -> (BTreeMap<TopicPartition, PartitionOffsets>, bool) {
        let mut offsets = Vec::new();
        let mut complete = true;
        for topic in topics {
            let count = view
                .topics
                .get(topic)
                .map_or(0, |topic| topic.partitions.len());
            complete &= count > 0;
            for partition in numbered(topic, count) {
                match (ends.get(&partition), self.log_starts.get(&partition)) {
                    (Some(Ok(end)), Some(log_start)) => {
                        let seen = PartitionOffsets {
                            committed: committed.get(&partition).copied(),
                            log_start: *log_start,
                            end: *end,
                        };
                        offsets.push((partition, seen));
                    }
                    _ => complete = false,
                }
            }
        }
        // At once: a tree that grows in its order is left half empty.
        (offsets.into_iter().collect(), complete)
    }
}

fn numbered(topic: &str, count: usize) -> impl Iterator<Item = TopicPartition> {
    let topic: Arc<str> = topic.into();
    (0..).take(count).map(move |partition| TopicPartition {
        topic: topic.clone(),
        partition,
    })
}

/// The partitions of topics that have a leader: nobody else could tell their offsets.
fn led_partitions<'a>(
    topics: impl Iterator<Item = &'a String>,
    view: &View,
) -> BTreeSet<TopicPartition> {
    let known = topics.filter_map(|name| Some((name, view.topics.get(name)?)));
    known
        .flat_map(|(name, topic)| {
            numbered(name, topic.partitions.len())
                .zip(&topic.partitions)
                .filter(|(_, partition)| partition.leader.is_some())
                .map(|(named, _)| named)
        })
        .collect()
}

/// The look before, marked as incomplete; nothing, if there was none.
fn outdated(group: &str, before: &GroupsView) -> Option<(String, Arc<GroupSnapshot>)> {
    let snapshot = before.get(group)?;
    let snapshot = match snapshot.complete {
        true => Arc::new(GroupSnapshot {
            complete: false,
            ..GroupSnapshot::clone(snapshot)
        }),
        false => snapshot.clone(),
    };
    Some((group.to_owned(), snapshot))
}
