use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::{
    messages::{
        MetadataRequest, TopicName, metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseTopic,
    },
    protocol::StrBytes,
};
use krafka::error::ErrorCode;
use tokio::time::Instant;

use crate::kafka::{
    BrokerId, KafkaError, TopicPartition,
    client::{failure, wire::Wire},
};

/// Metadata since Kafka 2.4.
const VERSION: i16 = 9;

/// Who leads which partition, as the brokers have it now.
pub(super) struct Leaders {
    /// `host:port` of each broker.
    brokers: BTreeMap<BrokerId, String>,
    topics: BTreeMap<String, MetadataResponseTopic>,
}

impl Leaders {
    /// Asks for the topics of `partitions`.
    pub(super) async fn find(
        wire: &Wire,
        partitions: &BTreeSet<TopicPartition>,
        deadline: Instant,
    ) -> Result<Self, KafkaError> {
        let request = request(partitions);
        let metadata = wire
            .ask(wire.bootstrap_servers(), &request, VERSION, deadline)
            .await
            .map_err(|error| KafkaError::Unreachable(error.to_string()))?;
        let brokers = metadata.brokers.into_iter();
        let topics = metadata.topics.into_iter();
        Ok(Self {
            brokers: brokers
                .map(|broker| (broker.node_id.0, format!("{}:{}", broker.host, broker.port)))
                .collect(),
            topics: topics
                .filter_map(|topic| Some((topic.name.as_ref()?.to_string(), topic)))
                .collect(),
        })
    }

    /// `host:port` of the leader of a partition.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION` and `LEADER_NOT_AVAILABLE`, among others that are said of a topic.
    pub(super) fn of(&self, partition: &TopicPartition) -> Result<&str, KafkaError> {
        let unknown = || failure::refused(ErrorCode::UnknownTopicOrPartition, String::new());
        let topic = self.topics.get(&*partition.topic).ok_or_else(unknown)?;
        failure::answer(topic.error_code, None)?;
        let mut partitions = topic.partitions.iter();
        let found = partitions
            .find(|found| found.partition_index == partition.partition)
            .ok_or_else(unknown)?;
        failure::answer(found.error_code, None)?;
        let leader = self.brokers.get(&found.leader_id.0);
        let none = || failure::refused(ErrorCode::LeaderNotAvailable, String::new());
        leader.map(String::as_str).ok_or_else(none)
    }
}

fn request(partitions: &BTreeSet<TopicPartition>) -> MetadataRequest {
    let topics: BTreeSet<&str> = partitions.iter().map(|named| &*named.topic).collect();
    let topics = topics.into_iter().map(|topic| {
        let name = TopicName(StrBytes::from_string(topic.to_owned()));
        MetadataRequestTopic::default().with_name(Some(name))
    });
    MetadataRequest::default()
        .with_topics(Some(topics.collect()))
        .with_allow_auto_topic_creation(false)
}
