use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    batch::{in_order, topic_of},
    handle::StepResults,
};
use crate::{
    kafka::{Acl, ObservedTopic},
    plan::KafkaStep,
    world::View,
};

/// What a look must show once steps that Kafka accepted have taken effect: brokers learn of them a little later.
#[derive(Default)]
pub(super) struct Expectation {
    topics: BTreeMap<String, ExpectedTopic>,
    acls: Option<BTreeMap<Acl, bool>>,
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
    /// What follows from the steps that succeeded. The topics of all steps count as touched: a refused or unanswered step may
    /// have found, or left, something else than was known.
    pub(super) fn new(steps: &[KafkaStep], results: &StepResults, before: &View) -> Self {
        let mut expectation = Self::default();
        for (index, step) in in_order(steps) {
            let accepted = results.get(index).is_some_and(Result::is_ok);
            match topic_of(step) {
                Some(name) => {
                    let topic = expectation.topics.entry(name.to_owned()).or_default();
                    topic.before = before.topics.get(name).cloned();
                    if accepted {
                        topic.expect(step);
                    }
                }
                None => {
                    let acls = expectation.acls.get_or_insert_default();
                    match step {
                        KafkaStep::CreateAcls(created) if accepted => {
                            acls.extend(created.iter().map(|acl| (acl.clone(), true)));
                        }
                        KafkaStep::DeleteAcls(deleted) if accepted => {
                            acls.extend(deleted.iter().map(|acl| (acl.clone(), false)));
                        }
                        _ => {}
                    }
                }
            }
        }
        expectation
    }

    /// The topics to look at.
    pub(super) fn topics(&self) -> BTreeSet<String> {
        self.topics.keys().cloned().collect()
    }

    /// Whether the ACLs are to be looked at.
    pub(super) fn concerns_acls(&self) -> bool {
        self.acls.is_some()
    }

    /// Topics that are not there, not gone, or not led everywhere yet.
    pub(super) fn unmet(&self, found: &BTreeMap<String, ObservedTopic>) -> BTreeSet<String> {
        let unmet = |(name, topic): &(&String, &ExpectedTopic)| !topic.is_met(found.get(*name));
        self.topics
            .iter()
            .filter(unmet)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Whether every changed configuration shows.
    pub(super) fn configs_show(&self, found: &BTreeMap<String, ObservedTopic>) -> bool {
        self.topics
            .iter()
            .all(|(name, topic)| topic.config_shows(found.get(name)))
    }

    /// Whether the ACLs are as they were made.
    pub(super) fn acls_show(&self, found: Option<&BTreeSet<Acl>>) -> bool {
        let expected = self.acls.iter().flatten();
        found.is_none_or(|found| {
            expected
                .into_iter()
                .all(|(acl, there)| found.contains(acl) == *there)
        })
    }
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
                let set = change
                    .set
                    .iter()
                    .map(|(key, value)| (key.clone(), Some(value.clone())));
                self.config.extend(set);
                self.config
                    .extend(change.reset.iter().map(|key| (key.clone(), None)));
            }
            KafkaStep::LookAt(_) | KafkaStep::CreateAcls(_) | KafkaStep::DeleteAcls(_) => {}
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
