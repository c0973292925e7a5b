use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{groups::Group, offsets::Offsets, partition::Partition, topic_config};
use crate::kafka::{
    Acl, BrokerId, BrokerQuota, ConfigChange, KafkaError, NewPartitions, NewTopic, ObservedBroker,
    ObservedCluster, ObservedTopic, PerItem, Principal, SampledRecord, TopicPartition,
};

const CLUSTER_ID: &str = "ZmFrZS1rYWZrYS0wMDAwMQ";
const INTERNAL: [&str; 3] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
];
const LONGEST_NAME: usize = 249;

/// The cluster itself. Rules as in the KRaft controller (`ReplicationControlManager`, `ConfigurationControlManager`,
/// `AclControlManager` of Kafka 4.3).
#[derive(Debug)]
pub(super) struct State {
    brokers: BTreeMap<BrokerId, ObservedBroker>,
    pub(super) topics: BTreeMap<String, Topic>,
    ids: u128,
    pub(super) stopped: BTreeSet<BrokerId>,
    pub(super) acls: BTreeSet<Acl>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) offsets: BTreeMap<TopicPartition, Offsets>,
    /// Partitions for which commits are confirmed and not kept.
    pub(super) lost_commits: BTreeSet<TopicPartition>,
    /// Offsets that hold no record; all others within a log do.
    pub(super) without_record: BTreeMap<TopicPartition, BTreeSet<i64>>,
    /// Records that were written one by one.
    pub(super) records: BTreeMap<TopicPartition, Vec<SampledRecord>>,
    pub(super) sizes: BTreeMap<TopicPartition, u64>,
    pub(super) copied_after: Option<u32>,
    pub(super) broker_configs: BTreeMap<BrokerId, BTreeMap<String, String>>,
    pub(super) quotas: BTreeMap<Principal, BrokerQuota>,
    /// What is set of `share.auto.offset.reset`, by group.
    pub(super) share_offset_resets: BTreeMap<String, String>,
    /// Whether the brokers have share groups.
    pub(super) shares: bool,
    pub(super) slow_to_show: u32,
    leaderless: BTreeMap<String, u32>,
    lingering: BTreeMap<String, (u32, ObservedTopic)>,
}

#[derive(Debug)]
pub(super) struct Topic {
    id: String,
    pub(super) partitions: Vec<Partition>,
    config: BTreeMap<String, String>,
}

impl State {
    pub(super) fn new(brokers: BTreeMap<BrokerId, ObservedBroker>) -> Self {
        Self {
            brokers,
            topics: BTreeMap::new(),
            ids: 0,
            stopped: BTreeSet::new(),
            acls: BTreeSet::new(),
            groups: BTreeMap::new(),
            offsets: BTreeMap::new(),
            lost_commits: BTreeSet::new(),
            without_record: BTreeMap::new(),
            records: BTreeMap::new(),
            sizes: BTreeMap::new(),
            copied_after: None,
            broker_configs: BTreeMap::new(),
            quotas: BTreeMap::new(),
            share_offset_resets: BTreeMap::new(),
            shares: true,
            slow_to_show: 0,
            leaderless: BTreeMap::new(),
            lingering: BTreeMap::new(),
        }
    }

    pub(super) fn cluster(&self) -> ObservedCluster {
        let up = |(id, _): &(&BrokerId, _)| !self.stopped.contains(id);
        ObservedCluster {
            cluster_id: CLUSTER_ID.to_owned(),
            brokers: self
                .brokers
                .iter()
                .filter(up)
                .map(|(id, broker)| (*id, broker.clone()))
                .collect(),
        }
    }

    pub(super) fn topics(&self) -> BTreeMap<String, ObservedTopic> {
        self.topics
            .iter()
            .map(|(name, topic)| (name.clone(), self.observed(name, topic)))
            .collect()
    }

    /// The topics as a broker shows them, which may be a little behind.
    pub(super) fn describe_topics(
        &mut self,
        only: Option<&BTreeSet<String>>,
    ) -> BTreeMap<String, ObservedTopic> {
        let asked = |name: &String| only.is_none_or(|only| only.contains(name));
        let mut shown = self.topics();
        shown.retain(|name, _| asked(name));
        for (name, topic) in &mut shown {
            if let Some(looks) = self.leaderless.get_mut(name).filter(|looks| **looks > 0) {
                *looks -= 1;
                topic
                    .partitions
                    .iter_mut()
                    .for_each(|partition| partition.leader = None);
            }
        }
        for (name, (looks, topic)) in &mut self.lingering {
            if *looks > 0 && asked(name) {
                *looks -= 1;
                shown.entry(name.clone()).or_insert_with(|| topic.clone());
            }
        }
        shown
    }

    fn observed(&self, name: &str, topic: &Topic) -> ObservedTopic {
        let partitions = topic.partitions.iter();
        ObservedTopic {
            id: topic.id.clone(),
            internal: INTERNAL.contains(&name),
            partitions: partitions.map(|at| at.observed(&self.stopped)).collect(),
            config: topic.config.clone(),
        }
    }

    /// Does something for each item, each of which may be named once.
    pub(super) fn once_each<T>(
        &mut self,
        items: &[T],
        name: impl Fn(&T) -> &String,
        mut act: impl FnMut(&mut Self, &T) -> Result<(), KafkaError>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        let names: BTreeSet<&String> = items.iter().map(&name).collect();
        if names.len() < items.len() {
            return Err(refused(
                "INVALID_REQUEST",
                "a topic is named twice in one request",
            ));
        }
        Ok(items
            .iter()
            .map(|item| (name(item).clone(), act(self, item)))
            .collect())
    }

    pub(super) fn create_topic(&mut self, topic: &NewTopic) -> Result<(), KafkaError> {
        let name = &topic.name;
        check_name(name)?;
        if self.topics.contains_key(name) {
            return Err(refused(
                "TOPIC_ALREADY_EXISTS",
                format!("Topic '{name}' already exists."),
            ));
        }
        if let Some(other) = self
            .topics
            .keys()
            .find(|other| other.replace('.', "_") == name.replace('.', "_"))
        {
            return Err(refused(
                "INVALID_TOPIC_EXCEPTION",
                format!("Topic '{name}' collides with existing topic: {other}"),
            ));
        }
        check_config(&topic.config)?;
        if topic.assignment.is_empty() {
            return Err(refused(
                "INVALID_PARTITIONS",
                format!("topic {name} cannot have 0 partitions"),
            ));
        }
        self.check_replicas(&topic.assignment, None)?;
        self.ids += 1;
        let created = Topic {
            id: URL_SAFE_NO_PAD.encode(self.ids.to_be_bytes()),
            partitions: topic
                .assignment
                .iter()
                .cloned()
                .map(Partition::new)
                .collect(),
            config: topic.config.clone(),
        };
        self.topics.insert(name.clone(), created);
        self.leaderless.insert(name.clone(), self.slow_to_show);
        self.lingering.remove(name);
        Ok(())
    }

    pub(super) fn delete_topic(&mut self, name: &str) -> Result<(), KafkaError> {
        check_name(name)?;
        let Some(topic) = self.topics.remove(name) else {
            return Err(unknown_topic());
        };
        let lingering = self.observed(name, &topic);
        self.lingering
            .insert(name.to_owned(), (self.slow_to_show, lingering));
        self.offsets
            .retain(|partition, _| &*partition.topic != name);
        self.records
            .retain(|partition, _| &*partition.topic != name);
        self.without_record
            .retain(|partition, _| &*partition.topic != name);
        self.sizes.retain(|partition, _| &*partition.topic != name);
        Ok(())
    }

    pub(super) fn create_partitions(&mut self, change: &NewPartitions) -> Result<(), KafkaError> {
        let topic = self.topics.get(&change.topic).ok_or_else(unknown_topic)?;
        let current = topic.partitions.len();
        if change.total <= current {
            let message = format!(
                "The topic {} currently has {current} partition(s); {} would not be an increase.",
                change.topic, change.total
            );
            return Err(refused("INVALID_PARTITIONS", message));
        }
        if change.total - current != change.assignment.len() {
            let message = format!(
                "Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                change.total - current,
                change.assignment.len()
            );
            return Err(refused("INVALID_REPLICA_ASSIGNMENT", message));
        }
        let factor = topic.partitions.first().map(|at| at.replicas().len());
        self.check_replicas(&change.assignment, factor)?;
        if let Some(topic) = self.topics.get_mut(&change.topic) {
            let added = change.assignment.iter().cloned().map(Partition::new);
            topic.partitions.extend(added);
        }
        Ok(())
    }

    fn check_replicas(
        &self,
        assignment: &[Vec<BrokerId>],
        mut factor: Option<usize>,
    ) -> Result<(), KafkaError> {
        let wrong = |message: String| Err(refused("INVALID_REPLICA_ASSIGNMENT", message));
        for replicas in assignment {
            self.check_brokers(replicas)?;
            if *factor.get_or_insert(replicas.len()) != replicas.len() {
                return wrong("The manual partition assignment includes partitions with different numbers of replicas.".to_owned());
            }
            if replicas.iter().all(|id| self.stopped.contains(id)) {
                return wrong("All brokers specified in the manual partition assignment are fenced or in controlled shutdown.".to_owned());
            }
        }
        Ok(())
    }

    /// What holds of every list of replicas that somebody gives.
    pub(super) fn check_brokers(&self, replicas: &[BrokerId]) -> Result<(), KafkaError> {
        let wrong = |message: String| Err(refused("INVALID_REPLICA_ASSIGNMENT", message));
        if replicas.is_empty() {
            return wrong(
                "The manual partition assignment includes an empty replica list.".to_owned(),
            );
        }
        if let Some(id) = replicas.iter().find(|id| !self.brokers.contains_key(id)) {
            return wrong(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        }
        if replicas.iter().collect::<BTreeSet<_>>().len() < replicas.len() {
            return wrong(
                "The manual partition assignment includes a broker more than once.".to_owned(),
            );
        }
        Ok(())
    }

    pub(super) fn alter_config(&mut self, change: &ConfigChange) -> Result<(), KafkaError> {
        let topic = self
            .topics
            .get_mut(&change.topic)
            .ok_or_else(unknown_topic)?;
        check_config(&change.set)?;
        topic.config.retain(|key, _| !change.reset.contains(key));
        topic.config.extend(change.set.clone());
        Ok(())
    }

    pub(super) fn create_acls(&mut self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        let mut first_refusal = Ok(());
        for acl in acls {
            if acl.name.is_empty() || !acl.principal.as_str().contains(':') {
                let refusal = refused("INVALID_REQUEST", format!("{acl:?} is not an ACL"));
                first_refusal = first_refusal.and(Err(refusal));
            } else {
                self.acls.insert(acl.clone());
            }
        }
        first_refusal
    }
}

fn check_name(name: &str) -> Result<(), KafkaError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let legal = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(letter)
        && name != "."
        && name != "..";
    if legal {
        return Ok(());
    }
    Err(refused(
        "INVALID_TOPIC_EXCEPTION",
        format!("Topic name is invalid: {name:?}"),
    ))
}

fn check_config(config: &BTreeMap<String, String>) -> Result<(), KafkaError> {
    match config
        .iter()
        .find_map(|(key, value)| topic_config::refusal(key, value))
    {
        Some(message) => Err(refused("INVALID_CONFIG", message)),
        None => Ok(()),
    }
}

pub(super) fn unknown_topic() -> KafkaError {
    refused(
        "UNKNOWN_TOPIC_OR_PARTITION",
        "This server does not host this topic-partition.",
    )
}

pub(super) fn refused(code: &str, message: impl Into<String>) -> KafkaError {
    KafkaError::Refused {
        code: code.to_owned(),
        message: message.into(),
    }
}
