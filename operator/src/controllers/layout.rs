use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use kube::{Resource, ResourceExt};
use millrace_crds::{Dlq, LayoutPolicy, ManagementPolicy};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::layout_progress::Track;
use crate::{
    context::Context,
    desire::layout,
    kafka::{ObservedTopic, OngoingReassignment, TopicPartition},
    plan::{self, KafkaStep, Limits, Memory, WantedLayout},
    resolve::{self, Facts, Rejection, ResolvedTopic},
    world::{ClusterHandle, ClusterKey, LayoutReport, TopicMoves, View, ViewState, Wake},
};

/// How long a pass waits for others that want one too.
const LINGER: Duration = Duration::from_millis(200);
/// Passes are this many times as far apart as the last one took, so that a burst of changes does not cost a pass for each.
const SHARE: u32 = 10;
/// The least between two passes: nothing that a pass does is waited for.
const LEAST_REST: Duration = Duration::from_secs(1);
/// Between passes while replicas are moved.
const MOVING: Duration = Duration::from_secs(2);
/// Between passes while a preferred replica does not lead: a broker that has just come back gets that long.
const STRAYED: Duration = Duration::from_secs(30);
/// Between what is shown of moves, which costs a status write for each topic concerned.
const SHOWN: Duration = Duration::from_secs(5);

/// What is kept of a cluster between passes.
#[derive(Default)]
struct Upkeep {
    memory: Memory,
    /// When the next pass is; None until something changes.
    due: Option<Instant>,
    /// When a pass may be at the earliest.
    rested: Option<Instant>,
    shown: Option<Instant>,
    /// When the leaders that had strayed were noted.
    noted: Option<Instant>,
    track: Track,
}

impl Upkeep {
    /// What a pass may go by: strayed leaders only when they were noted long enough ago.
    fn known(&self, now: Instant) -> Memory {
        let mut memory = self.memory.clone();
        if !self.is_ripe(now) {
            memory.strayed.clear();
        }
        memory
    }

    fn is_ripe(&self, now: Instant) -> bool {
        self.noted
            .is_some_and(|noted| now.duration_since(noted) >= STRAYED)
    }

    /// Keeps what a pass remembers. Leaders that stray only since then are noted with the next note.
    fn keep(&mut self, mut memory: Memory, now: Instant) {
        if memory.strayed.is_empty() {
            self.noted = None;
        } else if self.noted.is_none() || self.is_ripe(now) {
            self.noted = Some(now);
        } else {
            memory.strayed.retain(|at| self.memory.strayed.contains(at));
        }
        self.memory = memory;
    }
}

/// Keeps the replicas of all clusters where the resources want them. Everything a pass goes by is in Kafka: an operator
/// that takes over goes on where the one before stopped.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let mut wakes = context.world.waker.subscribe();
    let mut clusters: BTreeMap<ClusterKey, Upkeep> = BTreeMap::new();
    for cluster in context.world.clusters.keys() {
        ask(&mut clusters, &cluster);
    }
    loop {
        let next = clusters.values().filter_map(|upkeep| upkeep.due).min();
        tokio::select! {
            () = shutdown.cancelled() => return,
            wake = wakes.recv() => match wake {
                Err(RecvError::Closed) => return,
                Ok(wake) => match concerned(&wake) {
                    Concerned::Nobody => {}
                    Concerned::One(cluster) => ask(&mut clusters, &cluster),
                    Concerned::All => ask_all(&context, &mut clusters),
                },
                Err(RecvError::Lagged(_)) => ask_all(&context, &mut clusters),
            },
            () = until(next) => {
                let now = Instant::now();
                let due = clusters.iter_mut().filter(|(_, upkeep)| upkeep.due.is_some_and(|due| due <= now));
                futures::future::join_all(due.map(|(cluster, upkeep)| pass(&context, cluster, upkeep))).await;
                clusters.retain(|cluster, _| context.world.clusters.get(cluster).is_some());
            }
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

enum Concerned {
    Nobody,
    One(ClusterKey),
    All,
}

fn concerned(wake: &Wake) -> Concerned {
    match wake {
        Wake::Cluster(cluster) | Wake::KafkaTopic(cluster, _) | Wake::KafkaLayout(cluster) => {
            Concerned::One(cluster.clone())
        }
        Wake::Topic(..) | Wake::Dlq(..) | Wake::Namespace(_) => Concerned::All,
        _ => Concerned::Nobody,
    }
}

fn ask(clusters: &mut BTreeMap<ClusterKey, Upkeep>, cluster: &ClusterKey) {
    let upkeep = clusters.entry(cluster.clone()).or_default();
    let soon = Instant::now() + LINGER;
    let soon = upkeep.rested.map_or(soon, |rested| rested.max(soon));
    upkeep.due = Some(upkeep.due.map_or(soon, |due| due.min(soon)));
}

fn ask_all(context: &Context, clusters: &mut BTreeMap<ClusterKey, Upkeep>) {
    for cluster in context.world.clusters.keys() {
        ask(clusters, &cluster);
    }
}

async fn pass(context: &Context, cluster: &ClusterKey, upkeep: &mut Upkeep) {
    let began = Instant::now();
    upkeep.due = None;
    let Some(handle) = context.world.clusters.get(cluster) else {
        return;
    };
    let ViewState::Reachable(view) = handle.view() else {
        return;
    };
    let Some(limits) = limits(context, cluster) else {
        return;
    };
    let ongoing = plan::ongoing(&view, &upkeep.memory);
    let wanted = wanted(context, cluster, &view, &ongoing);
    let decided = plan::moves(&wanted, &view, limits, &upkeep.known(began));
    let took = began.elapsed();
    carry_out(cluster, &handle, decided.steps).await;
    upkeep.track.take(&ongoing, &handle.sizes());
    let report = report(
        &decided.left,
        &decided.waiting,
        ongoing.len(),
        &upkeep.track,
    );
    show(context, cluster, report, &mut upkeep.shown);
    let now = Instant::now();
    upkeep.rested = Some(now + (took * SHARE).max(LEAST_REST));
    let moving = !decided.left.is_empty() || !ongoing.is_empty();
    let strayed = !decided.memory.strayed.is_empty();
    upkeep.due = match (moving, !strayed) {
        (true, _) => Some(now + MOVING),
        (false, false) => Some(now + STRAYED),
        (false, true) => None,
    };
    upkeep.keep(decided.memory, now);
}

fn limits(context: &Context, cluster: &ClusterKey) -> Option<Limits> {
    let spec = context.world.cluster(cluster)?.spec.reassignment;
    Some(Limits {
        bytes_per_second: spec.throttle_bytes_per_second,
        partitions_at_once: usize::try_from(spec.partitions_at_once).unwrap_or(1).max(1),
    })
}

/// The topics that a pass has something to do with, and how they shall lie.
fn wanted(
    context: &Context,
    cluster: &ClusterKey,
    view: &View,
    ongoing: &BTreeMap<TopicPartition, OngoingReassignment>,
) -> BTreeMap<String, WantedLayout> {
    let world = &context.world;
    let moving: BTreeSet<&str> = ongoing.keys().map(|at| &*at.topic).collect();
    let topics = world.stores.topics.state();
    let topics = topics
        .iter()
        .filter(|topic| on(cluster, topic.as_ref(), &topic.spec.cluster_ref));
    let topics = topics.filter_map(|topic| {
        let own = topic.status.as_ref()?.topic_name.as_deref()?;
        let observed = view.topics.get(own)?;
        let idle = topic.spec.management_policy == ManagementPolicy::Observe
            || !(moving.contains(own)
                || topic.spec.layout_policy == LayoutPolicy::Balance
                || stirs(observed, topic.spec.replicas));
        (!idle).then(|| resolved(own, topic.as_ref(), resolve::topic(topic, world)))?
    });
    let dlqs = world.stores.dlqs.state();
    let dlqs = dlqs
        .iter()
        .filter(|dlq| on(cluster, dlq.as_ref(), &dlq.spec.cluster_ref));
    let dlqs = dlqs.filter_map(|dlq: &Arc<Dlq>| {
        let own = dlq.status.as_ref()?.topic_name.as_deref()?;
        let observed = view.topics.get(own)?;
        let idle = !(moving.contains(own) || stirs(observed, dlq.spec.replicas));
        (!idle).then(|| resolved(own, dlq.as_ref(), resolve::dlq(dlq, world)))?
    });
    let both: Vec<ResolvedTopic> = topics.chain(dlqs).collect();
    let each = both.into_iter().filter_map(|desired| {
        let name = desired.name.as_str().to_owned();
        let observed = view.topics.get(&name)?;
        let replicas = layout::wanted(&desired, observed, ongoing, &view.cluster);
        let wanted = WantedLayout {
            replicas: replicas.unwrap_or_default(),
            configured: desired.config.into_keys().collect(),
        };
        Some((name, wanted))
    });
    each.collect()
}

fn on<K: Resource>(
    cluster: &ClusterKey,
    object: &K,
    reference: &millrace_crds::ClusterRef,
) -> bool {
    ClusterKey::of(reference, &object.namespace().unwrap_or_default()) == *cluster
}

/// The topic of a resource that has it, and is neither paused nor going.
fn resolved<K: Resource>(
    own: &str,
    object: &K,
    resolved: Result<ResolvedTopic, Rejection>,
) -> Option<ResolvedTopic> {
    let paused = resolve::paused(object);
    let going = object.meta().deletion_timestamp.is_some();
    resolved
        .ok()
        .filter(|desired| !paused && !going && desired.name.as_str() == own)
}

/// Whether a topic that only keeps its layout needs a closer look: a wrong or uneven number of replicas, a throttle, or a
/// leader that is not the preferred one.
fn stirs(observed: &ObservedTopic, replicas: Option<i32>) -> bool {
    let count = observed.replication_factor();
    let wanted = replicas.and_then(|replicas| usize::try_from(replicas).ok());
    let stirs = |p: &crate::kafka::ObservedPartition| {
        p.replicas.len() != wanted.unwrap_or(count) || p.leader != p.replicas.first().copied()
    };
    observed.partitions.iter().any(stirs)
        || observed
            .config
            .keys()
            .any(|key| plan::THROTTLED.contains(&key.as_str()))
}

async fn carry_out(cluster: &ClusterKey, handle: &ClusterHandle, steps: Vec<KafkaStep>) {
    if steps.is_empty() {
        return;
    }
    for step in &steps {
        match step {
            KafkaStep::Reassign(moves) => {
                info!(%cluster, partitions = moves.len(), "moving replicas")
            }
            KafkaStep::ElectPreferred(partitions) => {
                info!(%cluster, partitions = partitions.len(), "electing preferred leaders");
            }
            _ => {}
        }
    }
    for error in handle
        .apply(steps)
        .await
        .into_iter()
        .filter_map(Result::err)
    {
        warn!(%cluster, %error, "replicas could not be moved as the resources want them");
    }
}

fn report(
    left: &BTreeMap<String, usize>,
    waiting: &BTreeMap<String, String>,
    ongoing: usize,
    track: &Track,
) -> LayoutReport {
    let all: usize = left.values().sum::<usize>().max(ongoing);
    LayoutReport {
        cluster: (all > 0).then(|| plan::progress(all, track.total())),
        topics: left
            .iter()
            .map(|(topic, left)| {
                let moves = TopicMoves {
                    progress: plan::progress(*left, track.topic(topic)),
                    waiting: waiting.get(topic).cloned(),
                };
                (topic.clone(), moves)
            })
            .collect(),
    }
}

/// Shows what is moved to those who write status: at once when moves begin or end, else every few seconds.
fn show(
    context: &Context,
    cluster: &ClusterKey,
    report: LayoutReport,
    shown: &mut Option<Instant>,
) {
    let before = context.world.layouts.of(cluster);
    let same_topics = before.topics.keys().eq(report.topics.keys());
    let early = shown.is_some_and(|shown| shown.elapsed() < SHOWN);
    if before == report || (same_topics && early) {
        return;
    }
    let changed = |topic: &&String| before.topics.get(*topic) != report.topics.get(*topic);
    let named: BTreeSet<&String> = before.topics.keys().chain(report.topics.keys()).collect();
    let wakes: Vec<Wake> = named
        .into_iter()
        .filter(changed)
        .map(|topic| Wake::KafkaTopic(cluster.clone(), topic.clone()))
        .collect();
    context.world.layouts.show(cluster, report);
    *shown = Some(Instant::now());
    for wake in wakes {
        context.world.waker.wake(wake);
    }
    context
        .world
        .waker
        .wake(Wake::ClusterChild(cluster.clone()));
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use tokio::time::Instant;

    use super::{STRAYED, Upkeep};
    use crate::{kafka::TopicPartition, plan::Memory};

    fn strayed(partitions: &[i32]) -> Memory {
        let at = |partition: &i32| TopicPartition {
            topic: "orders".into(),
            partition: *partition,
        };
        Memory {
            strayed: partitions.iter().map(at).collect(),
            ..Memory::default()
        }
    }

    #[test]
    fn a_leader_has_strayed_when_it_was_noted_long_enough_ago() {
        let mut upkeep = Upkeep::default();
        let start = Instant::now();
        upkeep.keep(strayed(&[0, 1]), start);
        let soon = start + Duration::from_secs(1);
        assert_eq!(upkeep.known(soon).strayed, BTreeSet::new());
        upkeep.keep(strayed(&[1, 2]), soon);
        let late = start + STRAYED;
        assert_eq!(
            upkeep.known(late),
            strayed(&[1]),
            "0 came back, 2 strayed only later"
        );
        upkeep.keep(strayed(&[1, 2]), late);
        assert_eq!(upkeep.known(late + STRAYED), strayed(&[1, 2]));
        upkeep.keep(strayed(&[]), late);
        upkeep.keep(strayed(&[1]), late + STRAYED);
        assert_eq!(
            upkeep.known(late + STRAYED),
            strayed(&[]),
            "a new note begins anew"
        );
    }
}
