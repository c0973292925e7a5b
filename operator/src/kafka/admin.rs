use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use async_trait::async_trait;

use super::{
    Acl, BrokerId, BrokerQuota, GroupDescription, GroupType, ObservedCluster, ObservedTopic,
    OngoingReassignment, Principal, Reassignment, TopicPartition,
};

/// What a bulk call says of each item it was given.
pub type PerItem<K, V> = BTreeMap<K, Result<V, KafkaError>>;

/// How to reach a cluster as its super user, by mutual TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `host:port` of the nodes, separated by commas.
    pub bootstrap_servers: String,
    /// PEM of the authority that signed the nodes' certificates.
    pub ca_pem: String,
    /// PEM of the operator's certificate chain.
    pub certificate_pem: String,
    /// PEM (PKCS#8) of the operator's private key.
    pub key_pem: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .finish_non_exhaustive()
    }
}

/// A refusal or failure of Kafka.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    /// The broker answered with an error code.
    #[error("{code}: {message}")]
    Refused {
        /// Name of the code in Kafka's protocol, such as `INVALID_CONFIG`.
        code: String,
        /// The broker's own words, or the code's usual meaning.
        message: String,
    },
    /// No answer: the cluster is away, slow, or the connection was refused.
    #[error("no answer from Kafka: {0}")]
    Unreachable(String),
}

impl KafkaError {
    /// Whether the broker answered with this code, such as `TOPIC_ALREADY_EXISTS`.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

/// A topic to create, with the replicas of each partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Replicas of each partition, from partition 0, the preferred leader first.
    pub assignment: Vec<Vec<BrokerId>>,
    /// Its configuration.
    pub config: BTreeMap<String, String>,
}

/// Partitions to add to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// Name of the topic.
    pub topic: String,
    /// Number of partitions it shall have afterwards.
    pub total: usize,
    /// Replicas of each added partition, the preferred leader first.
    pub assignment: Vec<Vec<BrokerId>>,
}

/// A change of a topic's configuration: only the keys named are touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// Name of the topic.
    pub topic: String,
    /// Keys to set.
    pub set: BTreeMap<String, String>,
    /// Keys to give back to the broker's default.
    pub reset: BTreeSet<String>,
}

impl ConfigChange {
    /// The same change key by key, each with its key.
    pub fn each_key(&self) -> Vec<(String, Self)> {
        let set = self.set.iter().map(|(key, value)| {
            let set = [(key.clone(), value.clone())].into();
            (key.clone(), set, BTreeSet::new())
        });
        let reset = self
            .reset
            .iter()
            .map(|key| (key.clone(), BTreeMap::new(), [key.clone()].into()));
        set.chain(reset)
            .map(|(key, set, reset)| {
                let topic = self.topic.clone();
                (key, Self { topic, set, reset })
            })
            .collect()
    }
}

/// A change of one broker's dynamic configuration: only the keys named are touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerConfigChange {
    /// The broker.
    pub broker: BrokerId,
    /// Keys to set.
    pub set: BTreeMap<String, String>,
    /// Keys to give back to what the broker was started with.
    pub reset: BTreeSet<String>,
}

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffsetsAt {
    /// The first record still there.
    LogStart,
    /// Behind the last record (the high watermark).
    End,
    /// Behind the last record a read_committed consumer may see (the last stable offset).
    LastStable,
    /// The first record whose timestamp is this or later, in milliseconds since the epoch (less than 0 counts as 0); where there
    /// is none, [`Self::End`].
    Since(i64),
}

/// The administration of one Kafka cluster. Every call is bulk: its cost does not depend on how many resources ask.
///
/// # Errors
/// A call as a whole fails with [`KafkaError`] when nothing could be asked; where an answer is by item, one
/// item's refusal does not fail the others.
#[async_trait]
pub trait KafkaAdmin: Send + Sync + 'static {
    /// The cluster id and the brokers that are up.
    async fn describe_cluster(&self) -> Result<ObservedCluster, KafkaError>;
    /// Topics with their configuration: all of them, or those named (a name that does not exist is absent from the answer).
    async fn describe_topics(
        &self,
        only: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<String, ObservedTopic>, KafkaError>;
    /// All ACLs. Those that deny, or name a host, come with [`super::AclOperation::Other`].
    async fn describe_acls(&self) -> Result<BTreeSet<Acl>, KafkaError>;
    /// Creates topics. A topic that is already there is refused with `TOPIC_ALREADY_EXISTS`.
    async fn create_topics(&self, topics: &[NewTopic]) -> Result<PerItem<String, ()>, KafkaError>;
    /// Deletes topics with all their records.
    async fn delete_topics(
        &self,
        topics: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError>;
    /// Adds partitions.
    async fn create_partitions(
        &self,
        changes: &[NewPartitions],
    ) -> Result<PerItem<String, ()>, KafkaError>;
    /// Changes topics' configuration, key by key (KIP-339).
    async fn alter_topic_configs(
        &self,
        changes: &[ConfigChange],
    ) -> Result<PerItem<String, ()>, KafkaError>;
    /// Creates ACLs; one that is already there is no error.
    async fn create_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError>;
    /// Deletes ACLs, each matched exactly; one that is not there is no error.
    async fn delete_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError>;
    /// Describes groups, each as what it is said to be; one that does not exist, or is something else, is described as `Dead`
    /// without members. Whether a group is [`GroupType::Classic`] or [`GroupType::Consumer`] is found out, and by which protocol a
    /// [`GroupType::Streams`] shares its tasks.
    async fn describe_groups(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, GroupDescription>, KafkaError>;
    /// Committed offsets of groups, by partition; a partition without a committed offset is absent.
    ///
    /// A [`GroupType::Share`] commits none (KIP-932): of it the end less the records that are left comes in their place (KIP-1226).
    async fn committed_offsets(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError>;
    /// Sets committed offsets of a group that has no members; one that does not exist is made. With members each item is
    /// refused with `UNKNOWN_MEMBER_ID`; a [`GroupType::Share`], which commits no offsets, with `GROUP_ID_NOT_FOUND`.
    async fn commit_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError>;
    /// Deletes groups of any type with their offsets. One that has members is refused with `NON_EMPTY_GROUP`, one that does not
    /// exist with `GROUP_ID_NOT_FOUND`.
    async fn delete_groups(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError>;
    /// Where Kafka begins new share groups, set or by default: `share.auto.offset.reset` of each group's configuration (KIP-932). A
    /// group need not exist.
    async fn share_offset_resets(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, String>, KafkaError>;
    /// Sets `share.auto.offset.reset` of groups.
    async fn alter_share_offset_resets(
        &self,
        resets: &BTreeMap<String, String>,
    ) -> Result<PerItem<String, ()>, KafkaError>;
    /// Offsets of partitions; a partition without a reachable leader is refused by itself.
    async fn list_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        at: OffsetsAt,
    ) -> Result<PerItem<TopicPartition, i64>, KafkaError>;
    /// Begins to move replicas; a partition that is being moved already gets the new target.
    async fn alter_reassignments(
        &self,
        moves: &[Reassignment],
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError>;
    /// All moves of replicas that are under way.
    async fn list_reassignments(
        &self,
    ) -> Result<BTreeMap<TopicPartition, OngoingReassignment>, KafkaError>;
    /// Makes the preferred replica the leader; a partition it leads already is no error. One whose preferred replica is not in
    /// sync is refused with `PREFERRED_LEADER_NOT_AVAILABLE`.
    async fn elect_preferred_leaders(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError>;
    /// Bytes of the replicas each broker holds. A replica that is still being copied is there with what it has.
    async fn describe_log_dirs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<TopicPartition, u64>>, KafkaError>;
    /// Configuration set on single brokers at run time (`DYNAMIC_BROKER_CONFIG`), by broker.
    async fn describe_broker_configs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<String, String>>, KafkaError>;
    /// Changes brokers' dynamic configuration, key by key.
    async fn alter_broker_configs(
        &self,
        changes: &[BrokerConfigChange],
    ) -> Result<PerItem<BrokerId, ()>, KafkaError>;
    /// The quotas of all principals that have one by their name alone (not by client id, not the default one).
    async fn describe_quotas(&self) -> Result<BTreeMap<Principal, BrokerQuota>, KafkaError>;
    /// Sets the quotas of principals; a part that is absent is taken away.
    async fn alter_quotas(
        &self,
        quotas: &BTreeMap<Principal, BrokerQuota>,
    ) -> Result<PerItem<Principal, ()>, KafkaError>;
}
