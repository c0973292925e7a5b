use std::collections::{BTreeMap, BTreeSet};

use crate::kafka::{
    Acl, BrokerConfigChange, BrokerQuota, ConfigChange, NewPartitions, NewTopic, Principal,
    Reassignment, TopicPartition,
};

/// One thing to do in Kafka. Each is idempotent: done twice it changes nothing the second time.
///
/// A step of several items carries out those it can; what is refused is told with the first refusal among them.
#[derive(Clone, Debug, PartialEq)]
pub enum KafkaStep {
    /// Look at a topic anew, however fresh the last look is. Changes nothing.
    LookAt(String),
    /// Create a topic.
    CreateTopic(NewTopic),
    /// Delete a topic with its records.
    DeleteTopic(String),
    /// Add partitions to a topic.
    CreatePartitions(NewPartitions),
    /// Change a topic's configuration.
    AlterConfig(ConfigChange),
    /// Allow something.
    CreateAcls(BTreeSet<Acl>),
    /// Allow something no longer.
    DeleteAcls(BTreeSet<Acl>),
    /// Begin to move replicas, each partition named once. It is done when the move shows, not when it has ended.
    Reassign(Vec<Reassignment>),
    /// Make preferred replicas leaders.
    ElectPreferred(BTreeSet<TopicPartition>),
    /// Change a broker's dynamic configuration.
    AlterBrokerConfig(BrokerConfigChange),
    /// Set principals' quotas; one that limits nothing is taken away.
    AlterQuotas(BTreeMap<Principal, BrokerQuota>),
}

/// Something the spec asks for that is not done, and why. It never keeps the other steps from being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// A word for programs, from [`crate::status::reasons`].
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// What has to be done for one resource, and what will not be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// To be done, in this order.
    pub steps: Vec<KafkaStep>,
    /// Not to be done.
    pub blocked: Vec<Blocked>,
}
