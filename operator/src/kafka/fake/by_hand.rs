use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Call, FakeKafka, state::Offsets};
use crate::kafka::{
    Acl, BrokerId, ConfigChange, GroupDescription, KafkaError, NewTopic, ObservedTopic,
    TopicPartition,
};

/// What somebody other than the operator does to the cluster, and what a test wants to know of it. None of it is counted
/// as a call.
impl FakeKafka {
    /// Lets calls be answered, or not.
    pub fn set_reachable(&self, reachable: bool) {
        self.lock().reachable = reachable;
    }

    /// Lets every call take this long.
    pub fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// Lets created topics have no leaders, and deleted ones stay, in the next `looks` answers that would show them.
    pub fn set_slow_to_show(&self, looks: u32) {
        self.lock().state.slow_to_show = looks;
    }

    /// Stops a broker. Its partitions are led by another in-sync replica, or not at all.
    pub fn stop_broker(&self, broker: BrokerId) {
        self.lock().state.stopped.insert(broker);
    }

    /// Starts a stopped broker.
    pub fn start_broker(&self, broker: BrokerId) {
        self.lock().state.stopped.remove(&broker);
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// As a broker would refuse it.
    pub fn create_topic(&self, topic: &NewTopic) -> Result<(), KafkaError> {
        self.lock().state.create_topic(topic)
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// As a broker would refuse it.
    pub fn delete_topic(&self, name: &str) -> Result<(), KafkaError> {
        self.lock().state.delete_topic(name)
    }

    /// Changes a topic's configuration.
    ///
    /// # Errors
    /// As a broker would refuse it.
    pub fn alter_config(&self, change: &ConfigChange) -> Result<(), KafkaError> {
        self.lock().state.alter_config(change)
    }

    /// Allows something.
    pub fn add_acl(&self, acl: Acl) {
        self.lock().state.acls.insert(acl);
    }

    /// Allows something no longer.
    pub fn remove_acl(&self, acl: &Acl) {
        self.lock().state.acls.remove(acl);
    }

    /// Lets a consumer group be as described.
    pub fn set_group(&self, group: &str, description: GroupDescription) {
        self.lock()
            .state
            .groups
            .entry(group.to_owned())
            .or_default()
            .description = description;
    }

    /// Commits an offset of a group, which then exists.
    pub fn commit(&self, group: &str, partition: TopicPartition, offset: i64) {
        let mut inner = self.lock();
        let group = inner.state.groups.entry(group.to_owned()).or_default();
        group.committed.insert(partition, offset);
    }

    /// Sets where the records of a partition begin and end, and the last stable offset between.
    pub fn set_offsets(
        &self,
        partition: TopicPartition,
        log_start: i64,
        last_stable: i64,
        end: i64,
    ) {
        let offsets = Offsets {
            log_start,
            last_stable,
            end,
        };
        self.lock().state.offsets.insert(partition, offsets);
    }

    /// All topics as they are, however slow they are to show.
    pub fn topics(&self) -> BTreeMap<String, ObservedTopic> {
        self.lock().state.topics()
    }

    /// All ACLs.
    pub fn acls(&self) -> BTreeSet<Acl> {
        self.lock().state.acls.clone()
    }

    /// The calls so far, in their order.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How often a method was called so far.
    pub fn count(&self, kind: &str) -> usize {
        self.lock()
            .calls
            .iter()
            .filter(|call| call.kind == kind)
            .count()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }
}
