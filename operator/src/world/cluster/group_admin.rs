use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::kafka::{GroupType, KafkaAdmin, KafkaError, OffsetsAt, PerItem, TopicPartition};

/// Administration of groups and their offsets, one act at a time: the reset of a group's offsets, its deletion, or where a share
/// group begins, that a resource asks for once.
///
/// This is never for looking again and again: each call goes to Kafka by itself, and takes up to 15 s where Kafka does not answer. What is
/// wanted again and again is declared with [`ClusterHandle::declare_group`](super::ClusterHandle::declare_group), and read
/// from [`ClusterHandle::groups`](super::ClusterHandle::groups).
#[derive(Clone)]
pub struct GroupAdmin(Arc<dyn KafkaAdmin>);

impl GroupAdmin {
    pub(super) fn new(admin: Arc<dyn KafkaAdmin>) -> Self {
        Self(admin)
    }

    /// Offsets of partitions, such as those to which a group is to be set.
    ///
    /// # Errors
    /// As of [`KafkaAdmin::list_offsets`].
    pub async fn list_offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        at: OffsetsAt,
    ) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
        self.0.list_offsets(partitions, at).await
    }

    /// Committed offsets of one group, as [`KafkaAdmin::committed_offsets`] tells them; none of one that does not exist.
    ///
    /// # Errors
    /// Kafka refuses, or does not answer.
    pub async fn committed_offsets(
        &self,
        group: &str,
        kind: GroupType,
    ) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
        let groups = BTreeMap::from([(group.to_owned(), kind)]);
        one(group, self.0.committed_offsets(&groups).await?)
    }

    /// Sets committed offsets of a group without members.
    ///
    /// # Errors
    /// As of [`KafkaAdmin::commit_offsets`].
    pub async fn commit_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<PerItem<TopicPartition, ()>, KafkaError> {
        self.0.commit_offsets(group, offsets).await
    }

    /// Where Kafka begins this share group while it is new, as [`KafkaAdmin::share_offset_resets`] tells it.
    ///
    /// # Errors
    /// Kafka refuses, or does not answer.
    pub async fn share_offset_reset(&self, group: &str) -> Result<String, KafkaError> {
        let groups = BTreeSet::from([group.to_owned()]);
        one(group, self.0.share_offset_resets(&groups).await?)
    }

    /// Has Kafka begin this share group there while it is new.
    ///
    /// # Errors
    /// Kafka refuses, or does not answer.
    pub async fn alter_share_offset_reset(
        &self,
        group: &str,
        reset: &str,
    ) -> Result<(), KafkaError> {
        let resets = BTreeMap::from([(group.to_owned(), reset.to_owned())]);
        one(group, self.0.alter_share_offset_resets(&resets).await?)
    }

    /// Deletes groups without members.
    ///
    /// # Errors
    /// As of [`KafkaAdmin::delete_groups`].
    pub async fn delete_groups(
        &self,
        groups: &BTreeSet<String>,
    ) -> Result<PerItem<String, ()>, KafkaError> {
        self.0.delete_groups(groups).await
    }
}

/// What a call says of the one group it was given.
fn one<T>(group: &str, mut answers: PerItem<String, T>) -> Result<T, KafkaError> {
    answers.remove(group).unwrap_or_else(|| {
        Err(KafkaError::Unreachable(format!(
            "nothing was said of the group {group}"
        )))
    })
}
