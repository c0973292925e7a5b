use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{Call, FakeKafka, Fuse, offsets::Offsets};
use crate::kafka::{
    Acl, BrokerConfigChange, BrokerId, BrokerQuota, Clients, ConfigChange, GroupDescription,
    GroupType, KafkaError, NewTopic, ObservedTopic, OngoingReassignment, Principal, Reassignment,
    TopicPartition,
};

/// What somebody other than the operator does to the cluster, and what a test wants to know of it. None of it is counted
/// as a call.
impl FakeKafka {
    /// The cluster as all its clients.
    pub fn clients(self: &Arc<Self>) -> Clients {
        Clients {
            admin: self.clone(),
            tails: self.clone(),
            sampler: self.clone(),
        }
    }

    /// What ends the caller at one of its writes.
    pub fn fuse(&self) -> Fuse {
        self.fuse.clone()
    }

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

    /// Lets a group, which then exists, be of a type. At first one is [`GroupType::Classic`].
    pub fn set_group_type(&self, group: &str, kind: GroupType) {
        let mut inner = self.lock();
        inner.state.groups.entry(group.to_owned()).or_default().kind = kind;
    }

    /// Commits an offset of a group, which then exists; of a share group, lets the share partition start there.
    pub fn commit(&self, group: &str, partition: TopicPartition, offset: i64) {
        let mut inner = self.lock();
        let group = inner.state.groups.entry(group.to_owned()).or_default();
        group.committed.insert(partition, offset);
    }

    /// Confirms the operator's commits for this partition from now on, and does not keep them.
    pub fn lose_commits(&self, partition: TopicPartition) {
        self.lock().state.lost_commits.insert(partition);
    }

    /// The committed offset of a group; None where there is none.
    pub fn committed(&self, group: &str, partition: &TopicPartition) -> Option<i64> {
        let inner = self.lock();
        let group = inner.state.groups.get(group)?;
        group.committed.get(partition).copied()
    }

    /// Lets the brokers have share groups, or be older than these.
    pub fn set_shares(&self, shares: bool) {
        self.lock().state.shares = shares;
    }

    /// Where a new share group begins.
    pub fn share_offset_reset(&self, group: &str) -> String {
        self.lock().state.share_offset_reset(group)
    }

    /// Sets where the records of a partition begin and end, and the last stable offset between. These records have no timestamps.
    pub fn set_offsets(
        &self,
        partition: TopicPartition,
        log_start: i64,
        last_stable: i64,
        end: i64,
    ) {
        let offsets = Offsets::new(log_start, last_stable, end);
        self.lock().state.offsets.insert(partition, offsets);
    }

    /// Appends records to a partition, all written at `time` (milliseconds since the epoch).
    pub fn produce(&self, partition: TopicPartition, records: i64, time: i64) {
        let mut inner = self.lock();
        let offsets = inner.state.offsets.entry(partition).or_default();
        offsets.produce(records, time);
    }

    /// Lets replicas that are added come in sync by themselves, once the moves were looked at `looks` times (0: at once); or,
    /// as at first, only by [`Self::advance_reassignments`].
    pub fn set_copied_after(&self, looks: Option<u32>) {
        self.lock().state.copied_after = looks;
    }

    /// Brings one added replica of each partition that is being moved in sync. A move whose replicas all are is done.
    pub fn advance_reassignments(&self) {
        self.lock().state.advance_reassignments();
    }

    /// Begins to move replicas.
    ///
    /// # Errors
    /// As a broker would refuse it.
    pub fn reassign(&self, wanted: &Reassignment) -> Result<(), KafkaError> {
        let moves = std::slice::from_ref(wanted);
        let answers = self.lock().state.alter_reassignments(moves)?;
        answers.into_values().collect()
    }

    /// Gives a move up: its replicas are again those it had.
    ///
    /// # Errors
    /// As a broker would refuse it, such as with `NO_REASSIGNMENT_IN_PROGRESS`.
    pub fn cancel_reassignment(&self, partition: &TopicPartition) -> Result<(), KafkaError> {
        self.lock().state.cancel_reassignment(partition)
    }

    /// The moves that are under way. This does not count as a look at them.
    pub fn reassignments(&self) -> BTreeMap<TopicPartition, OngoingReassignment> {
        self.lock().state.reassignments()
    }

    /// Lets a partition be led by another replica than the preferred one, as after a restart of that.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, and `ELIGIBLE_LEADERS_NOT_AVAILABLE` where that replica is not in sync.
    pub fn lead_by(&self, partition: &TopicPartition, broker: BrokerId) -> Result<(), KafkaError> {
        self.lock().state.lead_by(partition, broker)
    }

    /// Sets how large a partition is, in bytes, on each broker that has all of it.
    pub fn set_size(&self, partition: TopicPartition, bytes: u64) {
        self.lock().state.sizes.insert(partition, bytes);
    }

    /// Sets how much an added replica has of a partition, in bytes.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`.
    pub fn set_copied(
        &self,
        partition: &TopicPartition,
        broker: BrokerId,
        bytes: u64,
    ) -> Result<(), KafkaError> {
        let mut inner = self.lock();
        inner.state.partition(partition)?.copy(broker, bytes);
        Ok(())
    }

    /// Changes a broker's dynamic configuration.
    ///
    /// # Errors
    /// As a broker would refuse it.
    pub fn alter_broker_config(&self, change: &BrokerConfigChange) -> Result<(), KafkaError> {
        let changes = std::slice::from_ref(change);
        let answers = self.lock().state.alter_broker_configs(changes)?;
        answers.into_values().collect()
    }

    /// What is set on a broker at run time.
    pub fn broker_config(&self, broker: BrokerId) -> BTreeMap<String, String> {
        let inner = self.lock();
        let config = inner.state.broker_configs.get(&broker).cloned();
        config.unwrap_or_default()
    }

    /// Sets a principal's quota; one that limits nothing takes it away.
    ///
    /// # Errors
    /// As a broker would refuse it.
    pub fn set_quota(&self, principal: &Principal, quota: BrokerQuota) -> Result<(), KafkaError> {
        self.lock().state.alter_quota(principal, &quota)
    }

    /// All quotas.
    pub fn quotas(&self) -> BTreeMap<Principal, BrokerQuota> {
        self.lock().state.quotas.clone()
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
