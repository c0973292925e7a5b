use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use millrace_autoscaler::{
    OffsetReset,
    lag::{GroupLag, Lateness, Track},
    scale::{Contest, History},
};
use millrace_crds::ConsumerGroup;
use tokio::{sync::Mutex as Turn, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    apply::{Replicas, Workloads},
    context::Context,
    controllers::gone::{Name, perhaps_gone},
    error::Error,
    kafka::GroupType,
    lag::Verdicts,
    resolve::{self, Rejection, ResolvedGroup},
    telemetry::GroupLabels,
    world::{ClusterKey, GroupSnapshot, View, ViewState, Wake, steady},
};

/// The age at which a look is too old to say anything.
const STALE: Duration = Duration::from_secs(30);

/// What the controller remembers of one ConsumerGroup from look to look. What must survive a restart is in its status.
pub(super) struct Memory {
    uid: Option<String>,
    cluster: ClusterKey,
    group_id: String,
    kind: GroupType,
    declared: Declared,
    /// The topics it reads: those declared by name, those there are under its prefixes, and repartition topics of its own.
    topics: Arc<BTreeSet<String>>,
    track: Track,
    pub(super) verdicts: Verdicts,
    pub(super) history: History,
    pub(super) contest: Contest,
    pub(super) last_scale: Option<Timestamp>,
    /// Where Kafka begins the group while it is new, as far as this process has seen to it; for share groups only.
    pub(super) begins: Option<millrace_crds::OffsetReset>,
    /// What the workload asked for when it was last read.
    pub(super) target: Option<(Instant, Result<Replicas, Rejection>)>,
    /// The last look, and the lag it showed.
    pub(super) seen: Option<(Arc<GroupSnapshot>, GroupLag)>,
}

impl Memory {
    fn resume(group: &ConsumerGroup, desired: &ResolvedGroup) -> Self {
        let status = group.status.clone().unwrap_or_default();
        let scaling = status.scaling.unwrap_or_default();
        let last_scale = scaling.last_scale_time.map(|time| time.0);
        let capacity = scaling
            .records_per_second_per_replica
            .map(|rate| rate as f64);
        let declared = Declared::of(desired);
        Self {
            uid: group.uid(),
            cluster: desired.cluster.clone(),
            group_id: desired.group_id.as_str().to_owned(),
            kind: desired.kind,
            topics: declared.topics.clone(),
            declared,
            track: Track::default(),
            verdicts: Verdicts::resume(&status.conditions),
            history: History::resume(capacity, last_scale),
            contest: Contest::default(),
            last_scale,
            begins: None,
            target: None,
            seen: None,
        }
    }

    fn is_of(&self, group: &ConsumerGroup, desired: &ResolvedGroup) -> bool {
        (
            &self.uid,
            &self.cluster,
            self.group_id.as_str(),
            self.kind,
            &self.declared,
        ) == (
            &group.uid(),
            &desired.cluster,
            desired.group_id.as_str(),
            desired.kind,
            &Declared::of(desired),
        )
    }

    /// The labels of the group's metrics.
    pub(super) fn labels(&self) -> GroupLabels {
        GroupLabels {
            cluster: self.cluster.to_string(),
            group: self.group_id.clone(),
        }
    }

    /// Takes the latest look at the group, if there is a new one. False where there is none, or only an old one.
    pub(super) fn look(&mut self, context: &Context, group: &ConsumerGroup) -> bool {
        let Some(handle) = context.world.clusters.get(&self.cluster) else {
            return false;
        };
        self.follow(context, &handle.view());
        handle.declare_group(&self.group_id, self.kind, self.topics.clone());
        let latest = handle.groups().get(&self.group_id).cloned();
        let Some(snapshot) = latest.filter(|snapshot| is_fresh(snapshot)) else {
            return false;
        };
        if self.take(snapshot, group) {
            self.measure(context);
        }
        true
    }

    /// Takes a look; false where it was taken already. Where the clock was set since the last one, all begins anew with what status
    /// has, as after a restart.
    fn take(&mut self, snapshot: Arc<GroupSnapshot>, group: &ConsumerGroup) -> bool {
        match &self.seen {
            Some((seen, _)) if seen.steady >= snapshot.steady => return false,
            Some((seen, _)) if snapshot.clock_was_set_since(seen) => {
                warn!(group = %group.name_any(), "the clock was set: the lag is measured anew");
                self.begin_anew();
                let status = group.status.as_ref();
                self.verdicts = Verdicts::resume(status.map_or(&[], |status| &status.conditions));
                self.contest = Contest::default();
            }
            _ => {}
        }
        let lag = self.track.observe(&snapshot, reset_of(group));
        let objective = f64::from(group.spec.objective.lag_seconds);
        let shared = self.kind == GroupType::Share;
        self.verdicts.observe(&lag, objective, shared);
        self.seen = Some((snapshot, lag));
        true
    }

    /// Takes up the topics that have come under a prefix, and lets go of those that went.
    fn follow(&mut self, context: &Context, view: &ViewState) {
        let ViewState::Reachable(view) = view else {
            return;
        };
        if self.declared.prefixes.is_empty() && self.declared.internal.is_none() {
            return;
        }
        let now = self.declared.topics_in(view);
        let gone: BTreeSet<String> = self.topics.difference(&now).cloned().collect();
        context.metrics.groups.forget_topics(&self.labels(), &gone);
        if *self.topics != now {
            self.topics = Arc::new(now);
        }
    }

    fn measure(&self, context: &Context) {
        let Some((_, lag)) = &self.seen else {
            return;
        };
        for topic in self.topics.iter().filter(|_| lag.complete) {
            let readings = lag
                .partitions
                .iter()
                .filter(|(partition, _)| *partition.topic == **topic);
            let (mut records, mut longest) = (0, Some(0.0_f64));
            for (_, reading) in readings {
                records += reading.records;
                let late = reading.lateness.map_or(Some(0.0), Lateness::exactly);
                longest = longest.zip(late).map(|(longest, late)| longest.max(late));
            }
            context
                .metrics
                .groups
                .set_lag(&self.labels(), topic, records, longest);
        }
    }

    /// The topics the group reads, by their names in Kafka, without an application's internal ones.
    pub(super) fn sources(&self) -> BTreeSet<String> {
        let internal = |topic: &str| {
            let prefix = self.declared.internal.as_ref();
            prefix.is_some_and(|prefix| resolve::is_repartition(topic, prefix))
        };
        let topics = self.topics.iter();
        topics.filter(|topic| !internal(topic)).cloned().collect()
    }

    /// The topics in which an application of Kafka Streams keeps its state.
    pub(super) fn changelogs(&self, view: &View) -> Vec<String> {
        let prefix = self.declared.internal.iter();
        let changelogs = prefix.flat_map(|prefix| {
            under(view, prefix).filter(|topic| resolve::is_changelog(topic, prefix))
        });
        changelogs.cloned().collect()
    }

    /// Consumers in the group; None where the last look is too old to say.
    pub(super) fn members(&self) -> Option<usize> {
        let (snapshot, lag) = self.seen.as_ref()?;
        is_fresh(snapshot).then_some(lag.members)
    }

    /// Whether the workload was asked for no replica when it was last read.
    pub(super) fn sleeps(&self) -> bool {
        matches!(&self.target, Some((_, Ok(replicas))) if replicas.wanted == 0)
    }

    /// Forgets what was seen of commits: the offsets were changed by hand, which is no work of the group's.
    pub(super) fn begin_anew(&mut self) {
        self.track = Track::default();
        self.history = History::resume(self.history.capacity(), self.last_scale);
        self.seen = None;
    }

    fn forget(&self, context: &Context) {
        if let Some(handle) = context.world.clusters.get(&self.cluster) {
            handle.declare_group(&self.group_id, self.kind, Arc::default());
        }
        context.metrics.groups.forget(&self.labels(), &self.topics);
    }
}

fn is_fresh(snapshot: &GroupSnapshot) -> bool {
    steady::now().saturating_sub(snapshot.steady) < STALE
}

/// Where the group begins without a committed offset.
pub(super) fn reset_of(group: &ConsumerGroup) -> OffsetReset {
    match group.spec.offset_reset {
        millrace_crds::OffsetReset::Earliest => OffsetReset::Earliest,
        millrace_crds::OffsetReset::Latest => OffsetReset::Latest,
    }
}

/// What a group reads, as declared.
#[derive(Debug, PartialEq, Eq)]
struct Declared {
    topics: Arc<BTreeSet<String>>,
    prefixes: BTreeSet<String>,
    /// What the internal topics of an application of Kafka Streams begin with.
    internal: Option<String>,
}

impl Declared {
    fn of(desired: &ResolvedGroup) -> Self {
        let topics = desired.topics.iter().map(|topic| topic.as_str().to_owned());
        let prefixes = desired.prefixes.iter().map(|p| p.as_str().to_owned());
        Self {
            topics: Arc::new(topics.collect()),
            prefixes: prefixes.collect(),
            internal: desired.internal.as_ref().map(|p| p.as_str().to_owned()),
        }
    }

    /// The topics declared by name, those that Kafka has under the prefixes, and the repartition topics among the internal ones.
    fn topics_in(&self, view: &View) -> BTreeSet<String> {
        let declared = self.prefixes.iter().flat_map(|prefix| under(view, prefix));
        let internal = self.internal.iter().flat_map(|prefix| {
            under(view, prefix).filter(|topic| resolve::is_repartition(topic, prefix))
        });
        let all = self.topics.iter().chain(declared).chain(internal);
        all.cloned().collect()
    }
}

fn under<'a>(view: &'a View, prefix: &'a str) -> impl Iterator<Item = &'a String> {
    let from = view.topics.range(prefix.to_owned()..);
    from.map(|(topic, _)| topic)
        .take_while(move |topic| topic.starts_with(prefix))
}

/// The memories of all ConsumerGroups, by namespace and name.
#[derive(Default)]
pub(super) struct Memories {
    groups: Mutex<HashMap<Name, Arc<Turn<Memory>>>>,
    pub(super) workloads: Workloads,
}

impl Memories {
    /// The memory of a group; a new one where the group, or what it reads, is another than before.
    pub(super) async fn of(
        &self,
        context: &Context,
        group: &ConsumerGroup,
        desired: &ResolvedGroup,
    ) -> Arc<Turn<Memory>> {
        let known = self.lock().get(&name(group)).cloned();
        if let Some(known) = known {
            let memory = known.lock().await;
            if memory.is_of(group, desired) {
                drop(memory);
                return known;
            }
            memory.forget(context);
        }
        let memory = Arc::new(Turn::new(Memory::resume(group, desired)));
        self.lock().insert(name(group), memory.clone());
        memory
    }

    /// Replicas that the group's workload asks for; None where there is none, or it cannot be scaled.
    pub(super) async fn replicas(
        &self,
        context: &Context,
        group: &ConsumerGroup,
    ) -> Result<Option<i32>, Error> {
        let Some(target) = &group.spec.scale_target_ref else {
            return Ok(None);
        };
        let namespace = group.namespace().unwrap_or_default();
        let found = self.workloads.read(context, &namespace, target).await?;
        Ok(found.ok().map(|replicas| replicas.wanted))
    }

    /// Has the group's workload ask for so many replicas; false where it cannot be scaled, or somebody changed it meanwhile.
    pub(super) async fn scale(
        &self,
        context: &Context,
        group: &ConsumerGroup,
        replicas: i32,
    ) -> Result<bool, Error> {
        let Some(target) = &group.spec.scale_target_ref else {
            return Ok(false);
        };
        let namespace = group.namespace().unwrap_or_default();
        match self.workloads.read(context, &namespace, target).await? {
            Ok(seen) => {
                self.workloads
                    .set(context, &namespace, target, &seen, replicas)
                    .await
            }
            Err(_) => Ok(false),
        }
    }

    /// Forgets a group: its offsets are no longer looked at, its metrics go.
    pub(super) async fn forget(&self, context: &Context, namespace: &str, name: &str) {
        let known = self.lock().remove(&(namespace.to_owned(), name.to_owned()));
        if let Some(known) = known {
            known.lock().await.forget(context);
        }
    }

    /// Forgets the groups whose resource goes, until `shutdown`.
    pub(super) async fn forget_the_gone(&self, context: &Context, shutdown: CancellationToken) {
        let named = |wake| match wake {
            Wake::ConsumerGroup(namespace, name) => Some((namespace, name)),
            _ => None,
        };
        let known = || self.lock().keys().cloned().collect();
        let mut names = pin!(perhaps_gone(&context.world.waker, shutdown, named, known));
        while let Some((namespace, name)) = names.next().await {
            let reference = ObjectRef::new(&name).within(&namespace);
            if context.world.stores.groups.get(&reference).is_none() {
                self.forget(context, &namespace, &name).await;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Arc<Turn<Memory>>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(group: &ConsumerGroup) -> Name {
    (
        group.meta().namespace.clone().unwrap_or_default(),
        group.name_any(),
    )
}

#[cfg(test)]
mod tests {
    use millrace_autoscaler::{GroupDescription, PartitionOffsets, TopicPartition};
    use serde_json::json;

    use super::*;
    use crate::status::State;

    fn group() -> ConsumerGroup {
        serde_json::from_value(json!({
            "metadata": { "namespace": "shop", "name": "readers" },
            "spec": {
                "clusterRef": { "name": "events" }, "topics": [{ "name": "orders" }],
                "serviceAccountName": "reader", "objective": { "lagSeconds": 30 },
            },
        }))
        .unwrap()
    }

    fn memory() -> Memory {
        Memory {
            uid: None,
            cluster: ClusterKey {
                namespace: "shop".to_owned(),
                name: "events".to_owned(),
            },
            group_id: "readers".to_owned(),
            kind: GroupType::Classic,
            declared: Declared {
                topics: Arc::default(),
                prefixes: BTreeSet::new(),
                internal: None,
            },
            topics: Arc::default(),
            track: Track::default(),
            verdicts: Verdicts::resume(&[]),
            history: History::resume(None, None),
            contest: Contest::default(),
            last_scale: None,
            begins: None,
            target: None,
            seen: None,
        }
    }

    /// A hundred records come in a second; the group has committed all up to `committed` seconds.
    fn look(clock: i64, second: u64, committed: u64) -> Arc<GroupSnapshot> {
        let partition = TopicPartition {
            topic: "orders".into(),
            partition: 0,
        };
        let offsets = PartitionOffsets {
            committed: i64::try_from(committed * 100).ok(),
            log_start: 0,
            end: i64::try_from(second * 100).unwrap(),
        };
        Arc::new(GroupSnapshot {
            time: Timestamp::from_second(clock + i64::try_from(second).unwrap()).unwrap(),
            steady: Duration::from_secs(second),
            description: GroupDescription {
                state: "Stable".to_owned(),
                members: [("a".to_owned(), [partition.clone()].into())].into(),
            },
            partitions: [(partition, offsets)].into(),
            complete: true,
        })
    }

    fn within(memory: &Memory) -> State {
        let (_, lag) = memory.seen.as_ref().unwrap();
        let drafts = memory.verdicts.drafts(lag, 30.0);
        let mut found = drafts
            .iter()
            .filter(|draft| draft.kind == "WithinObjective");
        found.next().unwrap().state
    }

    #[test]
    fn a_clock_that_is_set_makes_no_record_late_and_nobody_blind() {
        let (mut memory, group) = (memory(), group());
        let mut clock = 1_000_000;
        for second in (2..180).step_by(2) {
            clock += match second {
                60 => 3_600,
                120 => -7_200,
                _ => 0,
            };
            memory.take(look(clock, second, second - 2), &group);
            let (_, lag) = memory.seen.as_ref().unwrap();
            let late = lag.lateness().exactly();
            assert!(late.is_none_or(|late| late < 10.0), "{second}: {late:?}");
            assert_ne!(within(&memory), State::False, "{second}");
        }
        for second in (180..260).step_by(2) {
            memory.take(look(clock, second, 178), &group);
        }
        assert_eq!(within(&memory), State::False, "what is late is seen");
    }

    #[test]
    fn a_look_is_taken_once() {
        let (mut memory, group) = (memory(), group());
        assert!(memory.take(look(0, 2, 2), &group));
        assert!(!memory.take(look(0, 2, 2), &group));
    }
}
