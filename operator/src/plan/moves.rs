use std::collections::{BTreeMap, BTreeSet};

use super::KafkaStep;
use crate::{
    kafka::{
        BrokerConfigChange, BrokerId, ConfigChange, ObservedPartition, OngoingReassignment,
        Reassignment, TopicPartition,
    },
    world::View,
};

/// Keys of a topic that say which replicas the throttle holds for (KIP-73): senders, then receivers.
pub const THROTTLED: [&str; 2] = [
    "leader.replication.throttled.replicas",
    "follower.replication.throttled.replicas",
];
/// Keys of a broker that say how many bytes a second they send, and receive.
const RATES: [&str; 2] = [
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
];
/// Most preferred leaders elected in one pass.
const ELECTED_AT_ONCE: usize = 100;

/// What moves may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes a second that one broker may send, and may receive.
    pub bytes_per_second: i64,
    /// Partitions moved at the same time, at least 1; those that somebody else moves count.
    pub partitions_at_once: usize,
}

/// What one topic is to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedLayout {
    /// Replicas of each partition, the preferred leader first; empty to leave them where they are.
    pub replicas: Vec<Vec<BrokerId>>,
    /// Keys of the topic's configuration that its spec names: they are not touched.
    pub configured: BTreeSet<String>,
}

/// What a pass remembers for the next. All that is needed to go on is in Kafka; an operator that begins without a memory only
/// takes a throttle whose rate is no longer the spec's for somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Limits so far: a broker that was away when its throttle was to go may still have an older one.
    pub rates: BTreeSet<i64>,
    /// Partitions not led by their preferred replica although that is in sync.
    pub strayed: BTreeSet<TopicPartition>,
    /// Moves that were under way, each with the passes since Kafka last named it.
    pub ongoing: BTreeMap<TopicPartition, (OngoingReassignment, usize)>,
}

/// What a pass decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// To be done, in this order.
    pub steps: Vec<KafkaStep>,
    /// Partitions of each wanted topic that are not where they shall be.
    pub left: BTreeMap<String, usize>,
    /// Why partitions of a topic are not moved now.
    pub waiting: BTreeMap<String, String>,
    /// For the next pass.
    pub memory: Memory,
}

/// Passes after which a move that Kafka no longer names has ended, whatever the topics show: a later one may have brought the
/// partition to just the replicas it had on the way.
const FORGOTTEN: usize = 5;

/// The moves under way: those that Kafka names, and those it named shortly before whose end the topics do not show yet.
pub fn ongoing(view: &View, memory: &Memory) -> BTreeMap<TopicPartition, OngoingReassignment> {
    let shows = |at: &TopicPartition, moving: &OngoingReassignment| {
        let set = |ids: &[BrokerId]| ids.iter().copied().collect::<BTreeSet<_>>();
        partition(view, at).is_some_and(|now| {
            set(&now.replicas) == set(&moving.replicas)
                && set(&now.replicas) != set(&moving.target())
        })
    };
    let before = memory.ongoing.iter();
    let mut ongoing: BTreeMap<_, _> = before
        .filter(|(at, (moving, since))| *since < FORGOTTEN && shows(at, moving))
        .map(|(at, (moving, _))| (at.clone(), moving.clone()))
        .collect();
    ongoing.extend(
        view.reassignments
            .iter()
            .map(|(at, moving)| (at.clone(), moving.clone())),
    );
    ongoing
}

/// The moves under way, with the passes since Kafka last named each.
fn remembered(
    ongoing: &BTreeMap<TopicPartition, OngoingReassignment>,
    view: &View,
    memory: &Memory,
) -> BTreeMap<TopicPartition, (OngoingReassignment, usize)> {
    let since = |at: &TopicPartition| match view.reassignments.contains_key(at) {
        true => 0,
        false => memory.ongoing.get(at).map_or(0, |(_, since)| since + 1),
    };
    ongoing
        .iter()
        .map(|(at, moving)| (at.clone(), (moving.clone(), since(at))))
        .collect()
}

/// What has to be done so that topics lie as wanted, at most [`Limits::partitions_at_once`] partitions at a time.
///
/// A move begins when its throttle shows in Kafka, and only if every replica that stays is in sync, those it adds are on
/// brokers that are up, and the partition has a leader: Kafka ends a move when the added replicas are in sync, so
/// afterwards all of them are, and there are never fewer than before or than wanted. Moves that somebody else began are waited for,
/// never given another target. A throttle goes when nothing is moved and nothing can be begun: the rate if it is ours (the
/// limit, or one set before), the topic's list if the spec does not name it.
///
/// Preferred replicas that are in sync and do not lead in two passes are elected.
pub fn moves(
    wanted: &BTreeMap<String, WantedLayout>,
    view: &View,
    limits: Limits,
    memory: &Memory,
) -> Moves {
    let ongoing = ongoing(view, memory);
    let mut pass = Pass {
        wanted,
        view,
        limits,
        ours: memory
            .rates
            .iter()
            .copied()
            .chain([limits.bytes_per_second])
            .collect(),
        moves: Moves::default(),
        ongoing: &ongoing,
    };
    let ready = pass.ready();
    let free = limits.partitions_at_once.saturating_sub(ongoing.len());
    pass.begin(&ready[..free.min(ready.len())]);
    pass.slacken(&ready);
    pass.elect(&memory.strayed);
    pass.moves.memory.rates = pass.ours;
    pass.moves.memory.ongoing = remembered(&ongoing, view, memory);
    pass.moves
}

struct Pass<'a> {
    wanted: &'a BTreeMap<String, WantedLayout>,
    view: &'a View,
    limits: Limits,
    ours: BTreeSet<i64>,
    moves: Moves,
    ongoing: &'a BTreeMap<TopicPartition, OngoingReassignment>,
}

/// A partition to be moved.
struct Move<'a> {
    at: TopicPartition,
    present: &'a ObservedPartition,
    target: &'a [BrokerId],
}

impl Move<'_> {
    fn adding(&self) -> impl Iterator<Item = BrokerId> {
        let new = |id: &&BrokerId| !self.present.replicas.contains(id);
        self.target.iter().filter(new).copied()
    }

    fn is_copying(&self) -> bool {
        self.adding().next().is_some()
    }
}

impl<'a> Pass<'a> {
    /// The partitions that may be moved now.
    fn ready(&mut self) -> Vec<Move<'a>> {
        let mut ready = Vec::new();
        for (topic, wanted) in self.wanted {
            let Some(observed) = self.view.topics.get(topic) else {
                continue;
            };
            let mut left = 0;
            let both = (0..).zip(&observed.partitions).zip(&wanted.replicas);
            for ((partition, present), target) in both {
                let at = TopicPartition {
                    topic: topic.as_str().into(),
                    partition,
                };
                if self.ongoing.contains_key(&at) {
                    left += 1;
                    continue;
                }
                if present.replicas == *target || target.is_empty() {
                    continue;
                }
                left += 1;
                match self.hindrance(present, target) {
                    None => ready.push(Move {
                        at,
                        present,
                        target,
                    }),
                    Some(why) => {
                        let waiting = &mut self.moves.waiting;
                        waiting
                            .entry(topic.clone())
                            .or_insert_with(|| format!("partition {partition} {why}"));
                    }
                }
            }
            if left > 0 {
                self.moves.left.insert(topic.clone(), left);
            }
        }
        ready
    }

    fn hindrance(&self, present: &ObservedPartition, target: &[BrokerId]) -> Option<String> {
        if present.leader.is_none() {
            return Some("waits for a leader".to_owned());
        }
        let behind = target
            .iter()
            .find(|id| present.replicas.contains(id) && !present.isr.contains(id));
        if let Some(broker) = behind {
            return Some(format!(
                "waits until its replica on broker {broker} is in sync"
            ));
        }
        let new = target.iter().filter(|id| !present.replicas.contains(id));
        let mut absent = new.filter(|id| !self.view.cluster.brokers.contains_key(id));
        absent
            .next()
            .map(|broker| format!("waits until broker {broker} is up"))
    }

    /// Begins the moves whose throttle shows, and throttles the others.
    fn begin(&mut self, next: &[Move<'_>]) {
        let (begun, held): (Vec<&Move<'_>>, Vec<&Move<'_>>) =
            next.iter().partition(|one| self.is_throttled(one));
        self.throttle_topics(&held, next);
        self.throttle_brokers(&held);
        if !begun.is_empty() {
            let begun = begun.iter().map(|one| Reassignment {
                partition: one.at.clone(),
                replicas: one.target.to_vec(),
            });
            self.moves.steps.push(KafkaStep::Reassign(begun.collect()));
        }
    }

    /// Whether the throttle of a move shows, or none is needed.
    fn is_throttled(&self, one: &Move<'_>) -> bool {
        if !one.is_copying() {
            return true;
        }
        let brokers = one.present.replicas.iter().chain(one.target);
        let limited = brokers
            .into_iter()
            .all(|id| self.unset_rates(*id).is_some_and(|keys| keys.is_empty()));
        let senders = one.present.replicas.iter().copied();
        limited
            && self.lists(&one.at, THROTTLED[0], senders)
            && self.lists(&one.at, THROTTLED[1], one.adding())
    }

    /// Keys that a broker's throttle lacks; None while it is not known. A rate that somebody else set will do.
    fn unset_rates(&self, broker: BrokerId) -> Option<Vec<&'static str>> {
        let config = self.view.broker_configs.get(&broker)?;
        let lacks = |key: &&str| match config.get(*key) {
            None => true,
            Some(rate) => self.is_ours(rate) && *rate != self.limits.bytes_per_second.to_string(),
        };
        Some(RATES.into_iter().filter(lacks).collect())
    }

    fn is_ours(&self, rate: &str) -> bool {
        rate.parse()
            .is_ok_and(|rate: i64| self.ours.contains(&rate))
    }

    /// Whether a topic's list names these replicas of a partition, or is the user's.
    fn lists(
        &self,
        at: &TopicPartition,
        key: &str,
        mut brokers: impl Iterator<Item = BrokerId>,
    ) -> bool {
        if self.is_configured(&at.topic, key) {
            return true;
        }
        let topic = self.view.topics.get(&*at.topic);
        let Some(list) = topic.and_then(|topic| topic.config.get(key)) else {
            return false;
        };
        let entries: BTreeSet<&str> = list.split(',').collect();
        list == "*" || brokers.all(|id| entries.contains(entry(at.partition, id).as_str()))
    }

    fn is_configured(&self, topic: &str, key: &str) -> bool {
        let wanted = self.wanted.get(topic);
        wanted.is_some_and(|wanted| wanted.configured.contains(key))
    }

    /// Lists the replicas of the held partitions' topics that are moved, or are next.
    fn throttle_topics(&mut self, held: &[&Move<'_>], next: &[Move<'_>]) {
        let topics: BTreeSet<&str> = held.iter().map(|one| &*one.at.topic).collect();
        for topic in topics {
            let mut lists = [BTreeSet::new(), BTreeSet::new()];
            for (at, moving) in self.ongoing.iter().filter(|(at, _)| &*at.topic == topic) {
                let sends = moving
                    .replicas
                    .iter()
                    .filter(|id| !moving.adding.contains(id));
                lists[0].extend(sends.map(|id| (at.partition, *id)));
                lists[1].extend(moving.adding.iter().map(|id| (at.partition, *id)));
            }
            for one in next.iter().filter(|one| &*one.at.topic == topic) {
                let sends = one.present.replicas.iter();
                lists[0].extend(sends.map(|id| (one.at.partition, *id)));
                lists[1].extend(one.adding().map(|id| (one.at.partition, id)));
            }
            let set = THROTTLED
                .into_iter()
                .zip(lists)
                .filter(|(key, _)| !self.is_configured(topic, key));
            let text = |(key, list): (&str, BTreeSet<(i32, BrokerId)>)| {
                let entries: Vec<String> = list.into_iter().map(|(p, id)| entry(p, id)).collect();
                (key.to_owned(), entries.join(","))
            };
            let set: BTreeMap<String, String> = set.map(text).collect();
            let shown = self.view.topics.get(topic).map(|topic| &topic.config);
            if shown
                .is_some_and(|shown| set.iter().any(|(key, value)| shown.get(key) != Some(value)))
            {
                self.moves.steps.push(KafkaStep::AlterConfig(ConfigChange {
                    topic: topic.to_owned(),
                    set,
                    reset: BTreeSet::new(),
                }));
            }
        }
    }

    fn throttle_brokers(&mut self, held: &[&Move<'_>]) {
        let moved = held
            .iter()
            .flat_map(|one| one.present.replicas.iter().chain(one.target));
        let mut brokers: BTreeSet<BrokerId> = moved.copied().collect();
        let limited = self.view.broker_configs.iter().filter(|(_, config)| {
            RATES
                .iter()
                .any(|key| config.get(*key).is_some_and(|rate| self.is_ours(rate)))
        });
        if !self.ongoing.is_empty() {
            brokers.extend(limited.map(|(id, _)| *id));
        }
        for broker in brokers {
            let Some(keys) = self.unset_rates(broker).filter(|keys| !keys.is_empty()) else {
                continue;
            };
            let rate = |key: &str| (key.to_owned(), self.limits.bytes_per_second.to_string());
            let set = keys.into_iter().map(rate).collect();
            self.moves
                .steps
                .push(KafkaStep::AlterBrokerConfig(BrokerConfigChange {
                    broker,
                    set,
                    reset: BTreeSet::new(),
                }));
        }
    }

    /// Whether nothing is moved and nothing can be begun.
    fn idle(&self, ready: &[Move<'_>]) -> bool {
        self.ongoing.is_empty() && ready.is_empty()
    }

    /// Takes away the throttles that nothing needs any more.
    fn slacken(&mut self, ready: &[Move<'_>]) {
        for topic in self.wanted.keys() {
            let moved = self.ongoing.keys().chain(ready.iter().map(|one| &one.at));
            if moved.into_iter().any(|at| *at.topic == **topic) {
                continue;
            }
            let config = self.view.topics.get(topic).map(|topic| &topic.config);
            let stale = |key: &&str| {
                config.is_some_and(|config| config.contains_key(*key))
                    && !self.is_configured(topic, key)
            };
            let reset: BTreeSet<String> = THROTTLED
                .into_iter()
                .filter(stale)
                .map(str::to_owned)
                .collect();
            if !reset.is_empty() {
                self.moves.steps.push(KafkaStep::AlterConfig(ConfigChange {
                    topic: topic.clone(),
                    set: BTreeMap::new(),
                    reset,
                }));
            }
        }
        if !self.idle(ready) {
            return;
        }
        for (broker, config) in self.view.broker_configs.iter() {
            let ours = |key: &&str| config.get(*key).is_some_and(|rate| self.is_ours(rate));
            let reset: BTreeSet<String> =
                RATES.into_iter().filter(ours).map(str::to_owned).collect();
            if !reset.is_empty() {
                self.moves
                    .steps
                    .push(KafkaStep::AlterBrokerConfig(BrokerConfigChange {
                        broker: *broker,
                        set: BTreeMap::new(),
                        reset,
                    }));
            }
        }
    }

    /// Elects preferred replicas that did not lead in the pass before either.
    fn elect(&mut self, before: &BTreeSet<TopicPartition>) {
        let mut strayed = BTreeSet::new();
        for (topic, wanted) in self.wanted {
            let observed = self.view.topics.get(topic);
            for (index, now) in observed
                .iter()
                .flat_map(|topic| &topic.partitions)
                .enumerate()
            {
                let Ok(partition) = i32::try_from(index) else {
                    continue;
                };
                let at = TopicPartition {
                    topic: topic.as_str().into(),
                    partition,
                };
                let lies_well = wanted
                    .replicas
                    .get(index)
                    .is_none_or(|target| *target == now.replicas);
                if lies_well && has_strayed(now) && !self.ongoing.contains_key(&at) {
                    strayed.insert(at);
                }
            }
        }
        let elected: BTreeSet<TopicPartition> = strayed
            .intersection(before)
            .take(ELECTED_AT_ONCE)
            .cloned()
            .collect();
        if !elected.is_empty() {
            self.moves.steps.push(KafkaStep::ElectPreferred(elected));
        }
        self.moves.memory.strayed = strayed;
    }
}

/// Whether the preferred replica is in sync and another leads.
fn has_strayed(partition: &ObservedPartition) -> bool {
    let preferred = partition.replicas.first();
    let other =
        preferred.is_some() && partition.leader.is_some() && partition.leader.as_ref() != preferred;
    other && preferred.is_some_and(|id| partition.isr.contains(id))
}

fn partition<'a>(view: &'a View, at: &TopicPartition) -> Option<&'a ObservedPartition> {
    let number = usize::try_from(at.partition).ok()?;
    view.topics.get(&*at.topic)?.partitions.get(number)
}

fn entry(partition: i32, broker: BrokerId) -> String {
    format!("{partition}:{broker}")
}
