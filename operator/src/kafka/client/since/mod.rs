//! Offsets by time, over [`Wire`]: krafka takes a partition without a record that late for one that cannot tell yet, and asks on
//! until its time is over.

mod leaders;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use futures::future::join_all;
use kafka_protocol::{
    messages::{
        BrokerId, ListOffsetsRequest, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};
use tokio::time::Instant;

use self::leaders::Leaders;
use super::{connection::CALL_TIMEOUT, failure, wire::Wire};
use crate::kafka::{KafkaError, PerItem, TopicPartition};

/// ListOffsets since Kafka 2.8.
const VERSION: i16 = 7;
/// The time that stands for the end of a partition.
const LATEST: i64 = -1;
/// Who asks is no replica.
const NO_REPLICA: BrokerId = BrokerId(-1);

/// The offsets of the first records of `time` (milliseconds since the epoch) or later; where there are none, the ends. Two
/// requests at most to each leader, and one for who leads.
pub(super) async fn list(
    wire: &Wire,
    partitions: &BTreeSet<TopicPartition>,
    time: i64,
) -> Result<PerItem<TopicPartition, i64>, KafkaError> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let deadline = Instant::now() + CALL_TIMEOUT;
    let leaders = Leaders::find(wire, partitions, deadline).await?;
    let mut answers = BTreeMap::new();
    let mut led: BTreeMap<&str, BTreeSet<TopicPartition>> = BTreeMap::new();
    for partition in partitions {
        match leaders.of(partition) {
            Ok(leader) => {
                led.entry(leader).or_default().insert(partition.clone());
            }
            Err(error) => {
                answers.insert(partition.clone(), Err(error));
            }
        }
    }
    // Less than nothing would stand for something else.
    let time = time.max(0);
    let asked = led.into_iter().map(|(address, led)| async move {
        let leader = Leader {
            wire,
            address,
            deadline,
        };
        let answered = leader.since(&led, time).await;
        answered.unwrap_or_else(|error| {
            let error = KafkaError::Unreachable(error.to_string());
            let unanswered = led.into_iter().map(|named| (named, Err(error.clone())));
            unanswered.collect()
        })
    });
    answers.extend(join_all(asked).await.into_iter().flatten());
    failure::unless_all_unreachable(answers)
}

/// The broker that leads some partitions.
struct Leader<'a> {
    wire: &'a Wire,
    address: &'a str,
    deadline: Instant,
}

impl Leader<'_> {
    async fn since(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        time: i64,
    ) -> io::Result<PerItem<TopicPartition, i64>> {
        let mut answers = self.offsets(partitions, time).await?;
        let none = answers
            .iter()
            .filter(|(_, offset)| matches!(offset, Ok(offset) if *offset < 0));
        let without: BTreeSet<TopicPartition> = none.map(|(named, _)| named.clone()).collect();
        if !without.is_empty() {
            answers.extend(self.offsets(&without, LATEST).await?);
        }
        Ok(answers)
    }

    async fn offsets(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        time: i64,
    ) -> io::Result<PerItem<TopicPartition, i64>> {
        let request = request(partitions, time);
        let response = self
            .wire
            .ask(self.address, &request, VERSION, self.deadline)
            .await?;
        let of_topics = response.topics.into_iter().flat_map(|topic| {
            let name: Arc<str> = topic.name.as_str().into();
            let partitions = topic.partitions.into_iter();
            partitions.map(move |partition| {
                let named = TopicPartition {
                    topic: name.clone(),
                    partition: partition.partition_index,
                };
                let offset = failure::answer(partition.error_code, None);
                (named, offset.map(|()| partition.offset))
            })
        });
        Ok(of_topics.collect())
    }
}

fn request(partitions: &BTreeSet<TopicPartition>, time: i64) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for named in partitions {
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(named.partition)
            .with_timestamp(time);
        topics.entry(&named.topic).or_default().push(wanted);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        ListOffsetsTopic::default()
            .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
            .with_partitions(partitions)
    });
    ListOffsetsRequest::default()
        .with_replica_id(NO_REPLICA)
        .with_topics(topics.collect())
}
