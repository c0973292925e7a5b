use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use krafka::{
    KrafkaError,
    admin::{SharePartitionOffset, TopicPartition as KrafkaPartition},
    error::ErrorCode,
};

use super::of_types;
use crate::kafka::{
    GroupType, KafkaError, OffsetsAt, PerItem, TopicPartition,
    client::{connection::Connection, failure, names, offsets, wire::Wire},
};

/// Share groups asked about at a time: krafka sends one request a group.
const GROUPS_AT_ONCE: usize = 16;

type Answer =
    Result<HashMap<KrafkaPartition, Result<SharePartitionOffset, KrafkaError>>, KrafkaError>;

/// How far the share groups among `groups` have come in each partition: its end, less the records that are left (KIP-1226). A
/// share group commits nothing, and the start of a share partition moves on with the acknowledgements that come after: it would
/// leave the last ones as a lag for ever. A partition that nobody has read yet is absent.
pub(in crate::kafka::client) async fn share_progress(
    connection: &Connection,
    wire: &Wire,
    groups: &BTreeMap<String, GroupType>,
) -> Result<PerItem<String, BTreeMap<TopicPartition, i64>>, KafkaError> {
    let groups = of_types(groups, &[GroupType::Share]);
    if groups.is_empty() {
        return Ok(BTreeMap::new());
    }
    let client = &connection.client().await?;
    let left: PerItem<String, BTreeMap<TopicPartition, i64>> = stream::iter(groups)
        .map(|group| async move {
            let asked = client.describe_share_group_offsets(group.as_str(), Default::default());
            let left = records_left(asked.await);
            (group, left)
        })
        .buffer_unordered(GROUPS_AT_ONCE)
        .collect()
        .await;
    let known = left.values().flatten();
    let partitions: BTreeSet<TopicPartition> = known.flat_map(BTreeMap::keys).cloned().collect();
    let ends = match partitions.is_empty() {
        true => BTreeMap::new(),
        false => offsets::list(connection, wire, &partitions, OffsetsAt::End).await?,
    };
    let progress = left
        .into_iter()
        .map(|(group, left)| (group, left.map(|left| before_the_ends(left, &ends))));
    Ok(progress.collect())
}

fn records_left(answer: Answer) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
    let answered = match answer {
        Err(KrafkaError::Broker {
            code: ErrorCode::GroupIdNotFound,
            ..
        }) => return Ok(BTreeMap::new()),
        other => other.map_err(failure::of)?,
    };
    let mut left = BTreeMap::new();
    for (partition, offset) in answered {
        if let Some(lag) = offset.map_err(failure::of)?.lag {
            left.insert(names::ours(partition), lag);
        }
    }
    Ok(left)
}

/// Without the partitions whose end is not known.
fn before_the_ends(
    left: BTreeMap<TopicPartition, i64>,
    ends: &PerItem<TopicPartition, i64>,
) -> BTreeMap<TopicPartition, i64> {
    let known = left.into_iter().filter_map(|(partition, left)| {
        let end = *ends.get(&partition)?.as_ref().ok()?;
        Some((partition, (end - left).max(0)))
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_lies_before_the_end() {
        let at = |partition| TopicPartition {
            topic: "orders".into(),
            partition,
        };
        let left = BTreeMap::from([(at(0), 5), (at(1), 0), (at(2), 7)]);
        let away = KafkaError::Unreachable("no leader".to_owned());
        let ends = BTreeMap::from([(at(0), Ok(100)), (at(1), Ok(40)), (at(2), Err(away))]);
        assert_eq!(
            before_the_ends(left, &ends),
            BTreeMap::from([(at(0), 95), (at(1), 40)])
        );
    }

    #[test]
    fn a_share_group_that_does_not_exist_has_come_nowhere() {
        let unknown = Err(KrafkaError::broker(ErrorCode::GroupIdNotFound, "unknown"));
        assert_eq!(records_left(unknown), Ok(BTreeMap::new()));
    }
}
