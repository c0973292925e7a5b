use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use millrace_autoscaler::{PartitionOffsets, TopicPartition};
use millrace_crds::OffsetReset;

use crate::{
    kafka::{GroupType, KafkaError, OffsetsAt, PerItem},
    plan::Bounds,
    world::{GroupAdmin, View},
};

/// What became of offsets that were to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// They were read back as they were written.
    ReadBack,
    /// The group has members: Kafka took none of them.
    GroupNotEmpty,
    /// Kafka refused some, or says something else than was written, in a sentence.
    Refused(String),
}

/// What the partitions of `topics` hold, and where the group is in them. `since`: milliseconds since the epoch.
///
/// # Errors
/// When one of the partitions cannot be told of.
pub async fn read_bounds(
    admin: &GroupAdmin,
    group: &str,
    topics: &BTreeSet<String>,
    view: &View,
    since: Option<i64>,
) -> Result<BTreeMap<TopicPartition, Bounds>, KafkaError> {
    let partitions = partitions(topics, view);
    let committed = admin.committed_offsets(group, GroupType::Consumer).await?;
    let starts = told(admin.list_offsets(&partitions, OffsetsAt::LogStart).await?)?;
    let ends = told(admin.list_offsets(&partitions, OffsetsAt::End).await?)?;
    let since = match since {
        Some(time) => told(
            admin
                .list_offsets(&partitions, OffsetsAt::Since(time))
                .await?,
        )?,
        None => BTreeMap::new(),
    };
    let bounds = partitions.into_iter().filter_map(|partition| {
        let offsets = PartitionOffsets {
            committed: committed.get(&partition).copied(),
            log_start: *starts.get(&partition)?,
            end: *ends.get(&partition)?,
        };
        let since = since.get(&partition).copied();
        Some((partition, Bounds { offsets, since }))
    });
    Ok(bounds.collect())
}

/// Commits offsets for a group without members, and reads them back.
///
/// # Errors
/// When Kafka does not answer; the offsets may then be committed or not, and to do it again does no harm.
pub async fn commit(
    admin: &GroupAdmin,
    group: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
) -> Result<Committed, KafkaError> {
    if offsets.is_empty() {
        return Ok(Committed::ReadBack);
    }
    for (partition, answer) in admin.commit_offsets(group, offsets).await? {
        match answer {
            Ok(()) => {}
            Err(error) if error.is("UNKNOWN_MEMBER_ID") || error.is("NON_EMPTY_GROUP") => {
                return Ok(Committed::GroupNotEmpty);
            }
            Err(error @ KafkaError::Unreachable(_)) => return Err(error),
            Err(error) => return Ok(refused(&partition, &error.to_string())),
        }
    }
    let read = admin.committed_offsets(group, GroupType::Consumer).await?;
    let other = offsets
        .iter()
        .find(|(partition, offset)| read.get(partition) != Some(offset));
    Ok(match other {
        None => Committed::ReadBack,
        Some((partition, offset)) => refused(
            partition,
            &format!(
                "{offset} was committed and {} is read back",
                read.get(partition)
                    .map_or_else(|| "nothing".to_owned(), i64::to_string)
            ),
        ),
    })
}

/// Has Kafka begin a share group there while it is new: consumers do not say it (KIP-932). Nothing is written where Kafka does so
/// already.
///
/// # Errors
/// When Kafka refuses, or does not answer.
pub async fn begin_share_group(
    admin: &GroupAdmin,
    group: &str,
    reset: OffsetReset,
) -> Result<(), KafkaError> {
    let wanted = match reset {
        OffsetReset::Earliest => "earliest",
        OffsetReset::Latest => "latest",
    };
    if admin.share_offset_reset(group).await? == wanted {
        return Ok(());
    }
    admin.alter_share_offset_reset(group, wanted).await
}

/// Deletes a group with its committed offsets; one that is not there counts as deleted.
///
/// # Errors
/// When the group has members (`NON_EMPTY_GROUP`), and when Kafka does not answer.
pub async fn delete_group(admin: &GroupAdmin, group: &str) -> Result<(), KafkaError> {
    let answers = admin.delete_groups(&[group.to_owned()].into()).await?;
    match answers.into_values().collect() {
        Err(error) if KafkaError::is(&error, "GROUP_ID_NOT_FOUND") => Ok(()),
        answer => answer,
    }
}

fn partitions(topics: &BTreeSet<String>, view: &View) -> BTreeSet<TopicPartition> {
    let known = topics
        .iter()
        .filter_map(|name| Some((name, view.topics.get(name)?)));
    known
        .flat_map(|(name, topic)| {
            let name: Arc<str> = name.as_str().into();
            (0..)
                .take(topic.partitions.len())
                .map(move |partition| TopicPartition {
                    topic: name.clone(),
                    partition,
                })
        })
        .collect()
}

fn told(
    answers: PerItem<TopicPartition, i64>,
) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
    answers
        .into_iter()
        .map(|(partition, answer)| Ok((partition, answer?)))
        .collect()
}

fn refused(partition: &TopicPartition, why: &str) -> Committed {
    Committed::Refused(format!(
        "partition {} of topic `{}`: {why}",
        partition.partition, partition.topic
    ))
}
