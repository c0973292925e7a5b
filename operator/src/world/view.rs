use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::kafka::{
    Acl, BrokerId, BrokerQuota, ObservedCluster, ObservedTopic, OngoingReassignment, Principal,
    TopicPartition,
};

/// One look at a whole Kafka cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The brokers.
    pub cluster: ObservedCluster,
    /// All topics by name, Kafka's own among them. Each is shared with the look before where it did not change.
    pub topics: BTreeMap<String, Arc<ObservedTopic>>,
    /// All ACLs.
    pub acls: Arc<BTreeSet<Acl>>,
    /// The moves of replicas that are under way.
    pub reassignments: Arc<BTreeMap<TopicPartition, OngoingReassignment>>,
    /// The quotas of principals.
    pub quotas: Arc<BTreeMap<Principal, BrokerQuota>>,
    /// Configuration set on single brokers at run time, by broker. Of one that did not answer it is what it was; absent: not known.
    pub broker_configs: Arc<BTreeMap<BrokerId, BTreeMap<String, String>>>,
}

/// What is known of a Kafka cluster.
#[derive(Clone, Debug)]
pub enum ViewState {
    /// Not looked at yet.
    Pending,
    /// As of the last look.
    Reachable(Arc<View>),
    /// It does not answer. Nothing is decided on what it said before.
    Unreachable {
        /// Why, in the words of the client.
        message: String,
    },
}
