use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use async_trait::async_trait;

use super::{
    Acl, BrokerConfigChange, BrokerId, BrokerQuota, ConfigChange, GroupDescription, GroupType,
    KafkaAdmin, KafkaError, NewPartitions, NewTopic, ObservedCluster, ObservedTopic, OffsetsAt,
    OngoingReassignment, PerItem, Principal, Reassignment, RecordSampler, Sample, Tail,
    TailContent, TailReader, TopicPartition,
};
use crate::telemetry::{Kind, Metrics};

/// A [`KafkaAdmin`], [`TailReader`] or [`RecordSampler`] whose calls are counted, by kind, in `millrace_kafka_requests_total`.
pub struct Counted<A: ?Sized> {
    inner: Arc<A>,
    metrics: Metrics,
}

impl<A: ?Sized> Counted<A> {
    /// Counts the calls of `inner` in `metrics`.
    pub fn new(inner: Arc<A>, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }

    fn count(&self, kind: &str) -> &A {
        let kind = Kind {
            kind: kind.to_owned(),
        };
        self.metrics.kafka_requests.get_or_create(&kind).inc();
        &self.inner
    }
}

#[async_trait]
impl<A: KafkaAdmin + ?Sized> KafkaAdmin for Counted<A> {
    async fn describe_cluster(&self) -> Result<ObservedCluster, KafkaError> {
        self.count("describe_cluster").describe_cluster().await
    }

    async fn describe_topics(
        &self,
        only: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
        self.count("describe_topics").describe_topics(only).await
    }

    async fn describe_acls(&self) -> Result<BTreeSet<Acl>, KafkaError> {
        self.count("describe_acls").describe_acls().await
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<PerItem<String, ()>, KafkaError> {
        self.count("create_topics").create_topics(topics).await
    }

    async fn delete_topics(
        &self,
        topics: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.count("delete_topics").delete_topics(topics).await
    }

    async fn create_partitions(
        &self,
        changes: &[NewPartitions],
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.count("create_partitions")
            .create_partitions(changes)
            .await
    }

    async fn alter_topic_configs(
        &self,
        changes: &[ConfigChange],
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.count("alter_topic_configs")
            .alter_topic_configs(changes)
            .await
    }

    async fn create_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        self.count("create_acls").create_acls(acls).await
    }

    async fn delete_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        self.count("delete_acls").delete_acls(acls).await
    }

    async fn describe_groups(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, GroupDescription>, KafkaError> {
        self.count("describe_groups").describe_groups(groups).await
    }

    async fn committed_offsets(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError> {
        self.count("committed_offsets")
            .committed_offsets(groups)
            .await
    }

    async fn commit_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.count("commit_offsets")
            .commit_offsets(group, offsets)
            .await
    }

    async fn delete_groups(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.count("delete_groups").delete_groups(groups).await
    }

    async fn share_offset_resets(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, String>, KafkaError> {
        self.count("share_offset_resets")
            .share_offset_resets(groups)
            .await
    }

    async fn alter_share_offset_resets(
        &self,
        resets: &BTreeMap<String, String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.count("alter_share_offset_resets")
            .alter_share_offset_resets(resets)
            .await
    }

    async fn list_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        at: OffsetsAt,
    ) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
        self.count("list_offsets")
            .list_offsets(partitions, at)
            .await
    }

    async fn alter_reassignments(
        &self,
        moves: &[Reassignment],
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.count("alter_reassignments")
            .alter_reassignments(moves)
            .await
    }

    async fn list_reassignments(
        &self,
    ) -> Result<BTreeMap<TopicPartition, OngoingReassignment>, KafkaError> {
        self.count("list_reassignments").list_reassignments().await
    }

    async fn elect_preferred_leaders(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.count("elect_preferred_leaders")
            .elect_preferred_leaders(partitions)
            .await
    }

    async fn describe_log_dirs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<TopicPartition, u64>>, KafkaError> {
        self.count("describe_log_dirs")
            .describe_log_dirs(brokers)
            .await
    }

    async fn describe_broker_configs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<String, String>>, KafkaError> {
        self.count("describe_broker_configs")
            .describe_broker_configs(brokers)
            .await
    }

    async fn alter_broker_configs(
        &self,
        changes: &[BrokerConfigChange],
    ) -> Result<PerItem<BrokerId, ()>, KafkaError> {
        self.count("alter_broker_configs")
            .alter_broker_configs(changes)
            .await
    }

    async fn describe_quotas(&self) -> Result<BTreeMap<Principal, BrokerQuota>, KafkaError> {
        self.count("describe_quotas").describe_quotas().await
    }

    async fn alter_quotas(
        &self,
        quotas: &BTreeMap<Principal, BrokerQuota>,
    ) -> Result<PerItem<Principal, ()>, KafkaError> {
        self.count("alter_quotas").alter_quotas(quotas).await
    }
}

#[async_trait]
impl<R: TailReader + ?Sized> TailReader for Counted<R> {
    async fn read_tails(
        &self,
        tails: &BTreeMap<TopicPartition, Tail>,
    ) -> Result<BTreeMap<TopicPartition, TailContent>, KafkaError> {
        self.count("read_tails").read_tails(tails).await
    }
}

#[async_trait]
impl<R: RecordSampler + ?Sized> RecordSampler for Counted<R> {
    async fn sample(
        &self,
        topic: &str,
        ranges: &BTreeMap<i32, Range<i64>>,
    ) -> Result<BTreeMap<i32, Sample>, KafkaError> {
        self.count("sample_records").sample(topic, ranges).await
    }
}
