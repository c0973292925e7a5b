//! [`KafkaAdmin`] over the krafka library, as the cluster's super user.
//!
//! ACLs, the placement of new partitions, and what is read of groups every few seconds go over [`wire`];
//! docs/design/0002-kafka-client.md says why.

mod acls;
mod broker_configs;
mod connection;
mod failure;
mod groups;
mod leaders;
mod log_dirs;
mod names;
mod offsets;
mod partitions;
mod quotas;
mod reassignments;
mod share_offset_resets;
mod since;
#[cfg(test)]
mod test_broker;
mod topics;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use self::{connection::Connection, groups::GroupMemory, wire::Wire};
use super::{
    Acl, BrokerConfigChange, BrokerId, BrokerQuota, ConfigChange, Credentials, GroupDescription,
    GroupType, KafkaAdmin, KafkaError, NewPartitions, NewTopic, ObservedBroker, ObservedCluster,
    ObservedTopic, OffsetsAt, OngoingReassignment, PerItem, Principal, Reassignment,
    TopicPartition,
};
use crate::telemetry::Metrics;

/// A client of one Kafka cluster. It connects when it is first asked, and again when the cluster could not be asked.
/// No call takes longer than 15 s.
#[derive(Debug)]
pub struct KrafkaAdmin {
    connection: Connection,
    wire: Wire,
    memory: GroupMemory,
}

impl KrafkaAdmin {
    /// A client that speaks mutual TLS with `credentials`. The requests it encodes itself are counted in
    /// [`Metrics::kafka_wire_requests`].
    ///
    /// # Errors
    /// The bootstrap servers are empty, the certificates or the key are not PEM, or do not belong together. Nothing is asked yet.
    pub fn new(credentials: &Credentials, metrics: &Metrics) -> Result<Self, KafkaError> {
        Ok(Self {
            connection: Connection::new(credentials)?,
            wire: Wire::new(credentials, metrics.kafka_wire_requests.clone())?,
            memory: GroupMemory::default(),
        })
    }
}

#[async_trait]
impl KafkaAdmin for KrafkaAdmin {
    async fn describe_cluster(&self) -> Result<ObservedCluster, KafkaError> {
        let client = self.connection.client().await?;
        match client.describe_cluster(Default::default()).await {
            Ok(description) => Ok(ObservedCluster {
                cluster_id: description.cluster_id,
                brokers: description
                    .brokers
                    .into_iter()
                    .filter(|broker| !broker.is_fenced)
                    .map(|broker| (broker.id, ObservedBroker { rack: broker.rack }))
                    .collect(),
            }),
            Err(error) => {
                self.connection.forget().await;
                Err(failure::of(error))
            }
        }
    }

    async fn describe_topics(
        &self,
        only: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<String, ObservedTopic>, KafkaError> {
        let client = self.connection.client().await?;
        match only {
            Some(names) => topics::describe(&client, names).await,
            None => topics::describe(&client, &topics::names(&client).await?).await,
        }
    }

    async fn describe_acls(&self) -> Result<BTreeSet<Acl>, KafkaError> {
        acls::describe(&self.wire).await
    }

    async fn create_topics(&self, topics: &[NewTopic]) -> Result<PerItem<String, ()>, KafkaError> {
        let client = self.connection.client().await?;
        topics::create(&client, topics).await
    }

    async fn delete_topics(
        &self,
        topics: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        let client = self.connection.client().await?;
        topics::delete(&client, topics).await
    }

    async fn create_partitions(
        &self,
        changes: &[NewPartitions],
    ) -> Result<PerItem<String, ()>, KafkaError> {
        partitions::create(&self.wire, changes).await
    }

    async fn alter_topic_configs(
        &self,
        changes: &[ConfigChange],
    ) -> Result<PerItem<String, ()>, KafkaError> {
        let client = self.connection.client().await?;
        topics::alter_configs(&client, changes).await
    }

    async fn create_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        acls::create(&self.wire, acls).await
    }

    async fn delete_acls(&self, acls: &BTreeSet<Acl>) -> Result<(), KafkaError> {
        acls::delete(&self.wire, acls).await
    }

    async fn describe_groups(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, GroupDescription>, KafkaError> {
        let (mut described, streams) = futures::try_join!(
            groups::describe(&self.wire, &self.memory, groups),
            groups::describe_streams(&self.connection, &self.wire, &self.memory, groups),
        )?;
        described.extend(streams);
        Ok(described)
    }

    async fn committed_offsets(
        &self,
        groups: &BTreeMap<String, GroupType>,
    ) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError> {
        let (mut committed, shares) = futures::try_join!(
            groups::committed(&self.wire, &self.memory, groups),
            groups::share_progress(&self.connection, &self.wire, groups),
        )?;
        committed.extend(shares);
        Ok(committed)
    }

    async fn commit_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        let client = self.connection.client().await?;
        groups::commit(&client, group, offsets).await
    }

    async fn delete_groups(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        let client = self.connection.client().await?;
        groups::delete(&client, groups).await
    }

    async fn share_offset_resets(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, String>, KafkaError> {
        let client = self.connection.client().await?;
        share_offset_resets::describe(&client, groups).await
    }

    async fn alter_share_offset_resets(
        &self,
        resets: &BTreeMap<String, String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        let client = self.connection.client().await?;
        share_offset_resets::alter(&client, resets).await
    }

    async fn list_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        at: OffsetsAt,
    ) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
        offsets::list(&self.connection, &self.wire, partitions, at).await
    }

    async fn alter_reassignments(
        &self,
        moves: &[Reassignment],
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        let client = self.connection.client().await?;
        reassignments::alter(&client, moves).await
    }

    async fn list_reassignments(
        &self,
    ) -> Result<BTreeMap<TopicPartition, OngoingReassignment>, KafkaError> {
        let client = self.connection.client().await?;
        reassignments::list(&client).await
    }

    async fn elect_preferred_leaders(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        let client = self.connection.client().await?;
        leaders::elect_preferred(&client, partitions).await
    }

    async fn describe_log_dirs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<TopicPartition, u64>>, KafkaError> {
        let client = self.connection.client().await?;
        log_dirs::describe(&client, brokers).await
    }

    async fn describe_broker_configs(
        &self,
        brokers: &BTreeSet<BrokerId>,
    ) -> Result<PerItem<BrokerId, BTreeMap<String, String>>, KafkaError> {
        let client = self.connection.client().await?;
        broker_configs::describe(&client, brokers).await
    }

    async fn alter_broker_configs(
        &self,
        changes: &[BrokerConfigChange],
    ) -> Result<PerItem<BrokerId, ()>, KafkaError> {
        let client = self.connection.client().await?;
        broker_configs::alter(&client, changes).await
    }

    async fn describe_quotas(&self) -> Result<BTreeMap<Principal, BrokerQuota>, KafkaError> {
        let client = self.connection.client().await?;
        quotas::describe(&client).await
    }

    async fn alter_quotas(
        &self,
        quotas: &BTreeMap<Principal, BrokerQuota>,
    ) -> Result<PerItem<Principal, ()>, KafkaError> {
        let client = self.connection.client().await?;
        quotas::alter(&client, quotas).await
    }
}
