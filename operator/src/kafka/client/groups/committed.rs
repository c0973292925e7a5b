use std::{collections::BTreeMap, io, sync::Arc};

use kafka_protocol::messages::{
    OffsetFetchRequest, offset_fetch_request::OffsetFetchRequestGroup,
    offset_fetch_response::OffsetFetchResponseGroup,
};

use super::{
    ids,
    rounds::{Broker, Question},
};
use crate::kafka::{KafkaError, PerItem, TopicPartition, client::failure};

/// OffsetFetch of many groups (KIP-709), since Kafka 3.0.
const VERSION: i16 = 8;

/// The committed offsets of all partitions. A group that does not exist has none.
pub(super) struct Offsets;

impl Question for Offsets {
    type Answer = BTreeMap<TopicPartition, i64>;

    async fn ask(
        &self,
        broker: &Broker<'_>,
        groups: &[String],
    ) -> io::Result<PerItem<String, BTreeMap<TopicPartition, i64>>> {
        let all_partitions = ids(groups).into_iter().map(|group| {
            OffsetFetchRequestGroup::default()
                .with_group_id(group)
                .with_topics(None)
        });
        let request = OffsetFetchRequest::default().with_groups(all_partitions.collect());
        let response = broker.ask(&request, VERSION).await?;
        let fetched = response.groups.into_iter();
        Ok(fetched
            .map(|group| (group.group_id.to_string(), offsets(group)))
            .collect())
    }
}

fn offsets(group: OffsetFetchResponseGroup) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
    failure::answer(group.error_code, None)?;
    let mut offsets = Vec::new();
    for topic in group.topics {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in topic.partitions {
            failure::answer(partition.error_code, None)?;
            if partition.committed_offset >= 0 {
                let named = TopicPartition {
                    topic: name.clone(),
                    partition: partition.partition_index,
                };
                offsets.push((named, partition.committed_offset));
            }
        }
    }
    // At once: a tree that grows in its order is left half empty.
    Ok(offsets.into_iter().collect())
}
