use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    batch::{in_order, topic_of},
    handle::StepResults,
    look::Found,
};
use crate::{
    kafka::{
        Acl, BrokerId, BrokerQuota, ObservedPartition, ObservedTopic, Principal, TopicPartition,
    },
    plan::KafkaStep,
    world::View,
};

/// What a look must show once steps that Kafka accepted have taken effect: brokers learn of them a little later.
#[derive(Default)]
pub(super) struct Expectation {
    topics: BTreeMap<String, ExpectedTopic>,
    acls: Option<BTreeMap<Acl, bool>>,
    moves: Option<BTreeMap<TopicPartition, Vec<BrokerId>>>,
    led: BTreeSet<TopicPartition>,
    quotas: Option<BTreeMap<Principal, BrokerQuota>>,
    broker_configs: BTreeMap<BrokerId, BTreeMap<String, Option<String>>>,
}

/// What does not show yet what was done to it.
#[derive(Default)]
pub(super) struct Late {
    topics: BTreeSet<String>,
    moves: BTreeSet<TopicPartition>,
    acls: bool,
    quotas: bool,
}

impl Late {
    pub(super) fn count(&self) -> usize {
        self.topics.len() + self.moves.len() + usize::from(self.acls) + usize::from(self.quotas)
    }

    /// Whether it is the effect of this step that does not show.
    pub(super) fn concerns(&self, step: &KafkaStep) -> bool {
        match step {
            KafkaStep::CreateAcls(_) | KafkaStep::DeleteAcls(_) => self.acls,
            KafkaStep::AlterQuotas(_) => self.quotas,
            KafkaStep::Reassign(moves) => moves.iter().any(|m| self.moves.contains(&m.partition)),
            KafkaStep::ElectPreferred(_) | KafkaStep::AlterBrokerConfig(_) => false,
            _ => topic_of(step).is_some_and(|topic| self.topics.contains(topic)),
        }
    }
}

#[derive(Default)]
struct ExpectedTopic {
    before: Option<Arc<ObservedTopic>>,
    presence: Option<Presence>,
    config: BTreeMap<String, Option<String>>,
}

enum Presence {
    There { partitions: usize },
    Gone,
}

impl Expectation {
    /// What follows from the steps that succeeded. What all steps name counts as touched: a refused or unanswered step may
    /// have found, or left, something else than was known.
    pub(super) fn new(steps: &[KafkaStep], results: &StepResults, before: &View) -> Self {
        let mut expectation = Self::default();
        for (index, step) in in_order(steps) {
            let accepted = results.get(index).is_some_and(Result::is_ok);
            expectation.add(step, accepted, before);
        }
        expectation
    }

    fn add(&mut self, step: &KafkaStep, accepted: bool, before: &View) {
        match step {
            KafkaStep::CreateAcls(acls) | KafkaStep::DeleteAcls(acls) => {
                let there = matches!(step, KafkaStep::CreateAcls(_));
                let expected = self.acls.get_or_insert_default();
                expected.extend(
                    acls.iter()
                        .filter(|_| accepted)
                        .map(|acl| (acl.clone(), there)),
                );
            }
            KafkaStep::AlterQuotas(quotas) => {
                let expected = self.quotas.get_or_insert_default();
                let quotas = quotas.iter().filter(|_| accepted);
                expected.extend(quotas.map(|(who, quota)| (who.clone(), *quota)));
            }
            KafkaStep::Reassign(moves) => {
                for wanted in moves {
                    self.touch(&wanted.partition.topic, before);
                }
                let expected = self.moves.get_or_insert_default();
                let moves = moves.iter().filter(|_| accepted);
                expected.extend(moves.map(|m| (m.partition.clone(), m.replicas.clone())));
            }
            KafkaStep::ElectPreferred(led) => {
                for partition in led {
                    self.touch(&partition.topic, before);
                }
                self.led.extend(led.iter().filter(|_| accepted).cloned());
            }
            KafkaStep::AlterBrokerConfig(change) => {
                let expected = self.broker_configs.entry(change.broker).or_default();
                if accepted {
                    expected.extend(values(&change.set, &change.reset));
                }
            }
            KafkaStep::LookAt(_)
            | KafkaStep::CreateTopic(_)
            | KafkaStep::DeleteTopic(_)
            | KafkaStep::CreatePartitions(_)
            | KafkaStep::AlterConfig(_) => {
                if let Some(name) = topic_of(step) {
                    let topic = self.touch(name, before);
                    if accepted {
                        topic.expect(step);
                    }
                }
            }
        }
    }

    fn touch(&mut self, name: &str, before: &View) -> &mut ExpectedTopic {
        let topic = self.topics.entry(name.to_owned()).or_default();
        topic.before = before.topics.get(name).cloned();
        topic
    }

    /// The topics to look at.
    pub(super) fn topics(&self) -> BTreeSet<String> {
        self.topics.keys().cloned().collect()
    }

    /// The brokers whose configuration is to be looked at.
    pub(super) fn brokers(&self) -> BTreeSet<BrokerId> {
        self.broker_configs.keys().copied().collect()
    }

    /// Whether the ACLs are to be looked at.
    pub(super) fn concerns_acls(&self) -> bool {
        self.acls.is_some()
    }

    /// Whether the moves of replicas are to be looked at.
    pub(super) fn concerns_moves(&self) -> bool {
        self.moves.is_some()
    }

    /// Whether the quotas are to be looked at.
    pub(super) fn concerns_quotas(&self) -> bool {
        self.quotas.is_some()
    }

    /// Topics that are to be looked at again: what was done to them does not show.
    pub(super) fn unsettled(&self, found: &Found, late: &Late) -> BTreeSet<String> {
        let partitions = late.moves.iter().chain(
            self.led
                .iter()
                .filter(|partition| !preferred_leads(partition, found)),
        );
        let configs = self
            .topics
            .iter()
            .filter(|(name, topic)| !topic.config_shows(found.topics.get(*name)))
            .map(|(name, _)| name);
        let topics = late.topics.iter().chain(configs).map(String::as_str);
        topics
            .chain(partitions.map(|partition| &*partition.topic))
            .map(str::to_owned)
            .collect()
    }

    /// What does not show yet: topics that are not there, not gone, or not led everywhere; moves that have not begun; ACLs and
    /// quotas that are not as they were made.
    pub(super) fn late(&self, found: &Found) -> Late {
        let topics = self.topics.iter();
        let unmet = topics.filter(|(name, topic)| !topic.is_met(found.topics.get(*name)));
        let moves = self.moves.iter().flatten();
        let unmoved = moves.filter(|(partition, target)| !move_shows(partition, target, found));
        let acls_show = found.acls.as_ref().is_none_or(|found| {
            let mut expected = self.acls.iter().flatten();
            expected.all(|(acl, there)| found.contains(acl) == *there)
        });
        let quotas_show = found.quotas.as_ref().is_none_or(|found| {
            let mut expected = self.quotas.iter().flatten();
            expected.all(|(who, quota)| found.get(who).copied().unwrap_or_default() == *quota)
        });
        Late {
            topics: unmet.map(|(name, _)| name.clone()).collect(),
            moves: unmoved.map(|(partition, _)| partition.clone()).collect(),
            acls: !acls_show,
            quotas: !quotas_show,
        }
    }

    /// Whether every changed configuration and every elected leader shows.
    pub(super) fn details_show(&self, found: &Found) -> bool {
        let mut topics = self.topics.iter();
        topics.all(|(name, topic)| topic.config_shows(found.topics.get(name)))
            && self
                .led
                .iter()
                .all(|partition| preferred_leads(partition, found))
            && self.broker_configs.iter().all(|(broker, expected)| {
                let shown = found.broker_configs.get(broker);
                let Some(Ok(shown)) = shown else { return true };
                expected
                    .iter()
                    .all(|(key, value)| shown.get(key) == value.as_ref())
            })
    }
}

fn values<'a>(
    set: &'a BTreeMap<String, String>,
    reset: &'a BTreeSet<String>,
) -> impl Iterator<Item = (String, Option<String>)> {
    let set = set
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    set.chain(reset.iter().map(|key| (key.clone(), None)))
}

fn observed<'a>(partition: &TopicPartition, found: &'a Found) -> Option<&'a ObservedPartition> {
    let index = usize::try_from(partition.partition).ok()?;
    found.topics.get(&*partition.topic)?.partitions.get(index)
}

/// A move is under way, or has ended already; or the partition is gone.
fn move_shows(partition: &TopicPartition, target: &[BrokerId], found: &Found) -> bool {
    let ongoing = found
        .reassignments
        .as_ref()
        .and_then(|all| all.get(partition));
    match ongoing {
        Some(ongoing) => ongoing.target() == target,
        None => observed(partition, found).is_none_or(|at| at.replicas == target),
    }
}

fn preferred_leads(partition: &TopicPartition, found: &Found) -> bool {
    observed(partition, found).is_none_or(|at| at.leader.as_ref() == at.replicas.first())
}

impl ExpectedTopic {
    fn expect(&mut self, step: &KafkaStep) {
        match step {
            KafkaStep::CreateTopic(topic) => {
                self.presence = Some(Presence::There {
                    partitions: topic.assignment.len(),
                });
            }
            KafkaStep::CreatePartitions(change) => {
                self.presence = Some(Presence::There {
                    partitions: change.total,
                });
            }
            KafkaStep::DeleteTopic(_) => {
                self.presence = Some(Presence::Gone);
                self.config.clear();
            }
            KafkaStep::AlterConfig(change) => {
                self.config.extend(values(&change.set, &change.reset));
            }
            _ => {}
        }
    }

    fn is_met(&self, found: Option<&ObservedTopic>) -> bool {
        match (&self.presence, found) {
            (None, _) => true,
            (Some(Presence::There { .. }), None) => false,
            (Some(Presence::There { partitions }), Some(topic)) => {
                topic.partitions.len() >= *partitions
                    && topic
                        .partitions
                        .iter()
                        .all(|partition| partition.leader.is_some())
            }
            (Some(Presence::Gone), None) => true,
            // Somebody made it anew meanwhile.
            (Some(Presence::Gone), Some(topic)) => self
                .before
                .as_ref()
                .is_some_and(|before| before.id != topic.id),
        }
    }

    /// A value shows as Kafka writes it, which may differ from how it was set: any change of it will do.
    fn config_shows(&self, found: Option<&ObservedTopic>) -> bool {
        self.config.iter().all(|(key, wanted)| {
            let shown = found.and_then(|topic| topic.config.get(key));
            let before = self.before.as_ref().and_then(|topic| topic.config.get(key));
            shown == wanted.as_ref() || shown != before
        })
    }
}
