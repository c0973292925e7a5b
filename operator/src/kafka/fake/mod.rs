//! [`KafkaAdmin`], [`super::TailReader`] and [`super::RecordSampler`] in memory. It refuses what a broker refuses, with the same codes;
//! [`super::conformance`] holds it to that.

mod broker_config;
mod by_hand;
mod fuse;
mod groups;
mod limits;
mod offsets;
mod partition;
mod replicas;
mod samples;
mod state;
mod tails;
mod topic_config;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
pub use fuse::Fuse;
use state::State;

use super::{
    Acl, BrokerConfigChange, BrokerId, BrokerQuota, ConfigChange, GroupDescription, GroupType,
    KafkaAdmin, KafkaError, NewPartitions, NewTopic, ObservedBroker, ObservedCluster,
    ObservedTopic, OffsetsAt, OngoingReassignment, PerItem, Principal, Reassignment,
    TopicPartition,
};

/// One call as the fake received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Name of the method.
    pub kind: &'static str,
    /// Items in it; 0 for a look at everything.
    pub items: usize,
}

/// A Kafka cluster in memory.
#[derive(Debug)]
pub struct FakeKafka {
    inner: Mutex<Inner>,
    fuse: Fuse,
}

#[derive(Debug)]
struct Inner {
    state: State,
    calls: Vec<Call>,
    reachable: bool,
    latency: Duration,
}

impl FakeKafka {
    /// A cluster of these brokers, all of them up, each with its rack if it has one.
    pub fn new<'a>(brokers: impl IntoIterator<Item = (BrokerId, Option<&'a str>)>) -> Self {
        let brokers = brokers.into_iter().map(|(id, rack)| {
            let rack = rack.map(str::to_owned);
            (id, ObservedBroker { rack })
        });
        Self {
            fuse: Fuse::default(),
            inner: Mutex::new(Inner {
                state: State::new(brokers.collect()),
                calls: Vec::new(),
                reachable: true,
                latency: Duration::ZERO,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T>(
        &self,
        kind: &'static str,
        items: usize,
        answer: impl FnOnce(&mut State) -> T,
    ) -> Result<T, KafkaError> {
        let latency = {
            let mut inner = self.lock();
            inner.calls.push(Call { kind, items });
            inner.latency
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let writes = ["create", "delete", "alter", "elect", "commit_"];
        let writes = writes.iter().any(|verb| kind.starts_with(verb));
        if writes {
            self.fuse.pass().await;
        }
        let answer = {
            let mut inner = self.lock();
            if !inner.reachable {
                return Err(KafkaError::Unreachable(
                    "the fake is unreachable".to_owned(),
                ));
            }
            answer(&mut inner.state)
        };
        if writes {
            self.fuse.pass().await;
        }
        Ok(answer)
    }
}

#[async_trait]
impl KafkaAdmin for FakeKafka {
    async fn describe_cluster(&self) -> Result<ObservedCluster, KafkaError> {
        self.call("describe_cluster", 0, |state| state.cluster())
            .await
    }

    async fn describe_topics(
        &self,
        only: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
        let items = only.map_or(0, BTreeSet::len);
        self.call("describe_topics", items, |state| {
            state.describe_topics(only)
        })
        .await
    }

    async fn describe_acls(&self) -> Result<BTreeSet<Acl>, KafkaError> {
        self.call("describe_acls", 0, |state| state.acls.clone())
            .await
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<PerItem<String, ()>, KafkaError> {
        self.call("create_topics", topics.len(), |state| {
            state.once_each(topics, |topic| &topic.name, State::create_topic)
        })
        .await?
    }

    async fn delete_topics(
        &self,
        topics: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.call("delete_topics", topics.len(), |state| {
            topics
                .iter()
                .map(|name| (name.clone(), state.delete_topic(name)))
                .collect()
        })
        .await
    }

    async fn create_partitions(
        &self,
        changes: &[NewPartitions],
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.call("create_partitions", changes.len(), |state| {
            state.once_each(changes, |change| &change.topic, State::create_partitions)
        })
        .await?
    }

    async fn alter_topic_configs(
        &self,
        changes: &[ConfigChange],
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.call("alter_topic_configs", changes.len(), |state| {
            state.once_each(changes, |change| &change.topic, State::alter_config)
        })
        .await?
    }

    async fn create_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        self.call("create_acls", acls.len(), |state| state.create_acls(acls))
            .await?
    }

    async fn delete_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        self.call("delete_acls", acls.len(), |state| {
            state.acls.retain(|acl| !acls.contains(acl));
        })
        .await
    }

    async fn describe_groups(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, GroupDescription>, KafkaError> {
        self.call("describe_groups", groups.len(), |state| {
            groups
                .iter()
                .map(|(group, kind)| (group.clone(), Ok(state.describe_group(group, *kind))))
                .collect()
        })
        .await
    }

    async fn committed_offsets(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError> {
        self.call("committed_offsets", groups.len(), |state| {
            groups
                .iter()
                .map(|(group, kind)| (group.clone(), Ok(state.committed(group, *kind))))
                .collect()
        })
        .await
    }

    async fn commit_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.call("commit_offsets", offsets.len(), |state| {
            state.commit_offsets(group, offsets)
        })
        .await
    }

    async fn delete_groups(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.call("delete_groups", groups.len(), |state| {
            groups
                .iter()
                .map(|group| (group.clone(), state.delete_group(group)))
                .collect()
        })
        .await
    }

    async fn share_offset_resets(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, String>, KafkaError> {
        self.call("share_offset_resets", groups.len(), |state| {
            groups
                .iter()
                .map(|group| (group.clone(), Ok(state.share_offset_reset(group))))
                .collect()
        })
        .await
    }

    async fn alter_share_offset_resets(
        &self,
        resets: &BTreeMap<String, String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.call("alter_share_offset_resets", resets.len(), |state| {
            resets
                .iter()
                .map(|(group, reset)| (group.clone(), state.alter_share_offset_reset(group, reset)))
                .collect()
        })
        .await
    }

    async fn list_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        at: OffsetsAt,
    ) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
        let kind = match at {
            OffsetsAt::LogStart => "list_offsets(log start)",
            OffsetsAt::End => "list_offsets(end)",
            OffsetsAt::LastStable => "list_offsets(last stable)",
            OffsetsAt::Since(_) => "list_offsets(since)",
        };
        self.call(kind, partitions.len(), |state| {
            partitions
                .iter()
                .map(|p| (p.clone(), state.offset(p, at)))
                .collect()
        })
        .await
    }

    async fn alter_reassignments(
        &self,
        moves: &[Reassignment],
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.call("alter_reassignments", moves.len(), |state| {
            state.alter_reassignments(moves)
        })
        .await?
    }

    async fn list_reassignments(
        &self,
    ) -> Result<BTreeMap<TopicPartition, OngoingReassignment>, KafkaError> {
        self.call("list_reassignments", 0, State::look_at_reassignments)
            .await
    }

    async fn elect_preferred_leaders(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.call("elect_preferred_leaders", partitions.len(), |state| {
            partitions
                .iter()
                .map(|named| (named.clone(), state.elect_preferred(named)))
                .collect()
        })
        .await
    }

    async fn describe_log_dirs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<TopicPartition, u64>>, KafkaError> {
        self.call("describe_log_dirs", brokers.len(), |state| {
            state.ask_each(brokers.iter().copied(), |state, broker| {
                Ok(state.log_dirs(broker))
            })
        })
        .await?
    }

    async fn describe_broker_configs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<String, String>>, KafkaError> {
        self.call("describe_broker_configs", brokers.len(), |state| {
            state.ask_each(brokers.iter().copied(), |state, broker| {
                let config = state.broker_configs.get(&broker).cloned();
                Ok(config.unwrap_or_default())
            })
        })
        .await?
    }

    async fn alter_broker_configs(
        &self,
        changes: &[BrokerConfigChange],
    ) -> Result<PerItem<BrokerId, ()>, KafkaError> {
        self.call("alter_broker_configs", changes.len(), |state| {
            state.alter_broker_configs(changes)
        })
        .await?
    }

    async fn describe_quotas(&self) -> Result<BTreeMap<Principal, BrokerQuota>, KafkaError> {
        self.call("describe_quotas", 0, |state| state.quotas.clone())
            .await
    }

    async fn alter_quotas(
        &self,
        quotas: &BTreeMap<Principal, BrokerQuota>,
    ) -> Result<PerItem<Principal, ()>, KafkaError> {
        self.call("alter_quotas", quotas.len(), |state| {
            quotas
                .iter()
                .map(|(principal, quota)| (principal.clone(), state.alter_quota(principal, quota)))
                .collect()
        })
        .await
    }
}
