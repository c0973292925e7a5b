use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::kafka::{Acl, ObservedCluster, ObservedTopic};

/// One look at a whole Kafka cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The brokers.
    pub cluster: ObservedCluster,
    /// All topics by name, Kafka's own among them. Each is shared with the look before where it did not change.
    pub topics: BTreeMap<String, Arc<ObservedTopic>>,
    /// All ACLs.
    pub acls: Arc<BTreeSet<Acl>>,
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
