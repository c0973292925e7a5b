use kafka_protocol::messages::{
    ApiKey, ListOffsetsResponse, MetadataRequest, MetadataResponse,
    list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
};

use super::*;
use crate::{
    kafka::client::test_broker::{Identity, Listening, Received, Reply},
    telemetry::Metrics,
};

const UNKNOWN_TOPIC: i16 = 3;

/// `orders`, whose partition 0 is led by broker 1, 1 by broker 2, 2 by nobody. There is no other topic.
fn metadata(received: &Received, ports: [u16; 2]) -> Reply {
    let request = received.decode::<MetadataRequest>();
    assert!(!request.allow_auto_topic_creation);
    let brokers = [1, 2].into_iter().zip(ports).map(|(broker, port)| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(broker))
            .with_host(StrBytes::from_static_str("localhost"))
            .with_port(port.into())
    });
    let topics = request.topics.unwrap().into_iter().map(|topic| {
        let name = topic.name.unwrap();
        let orders = name.as_str() == "orders";
        let described = MetadataResponseTopic::default().with_name(Some(name));
        if !orders {
            return described.with_error_code(UNKNOWN_TOPIC);
        }
        let partitions = [(0, 1), (1, 2), (2, -1)].map(|(partition, leader)| {
            MetadataResponsePartition::default()
                .with_partition_index(partition)
                .with_leader_id(BrokerId(leader))
        });
        described.with_partitions(partitions.to_vec())
    });
    let response = MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_topics(topics.collect());
    received.answer(&response)
}

/// Records were written at the time 1,000 for the last time, the first of them at offset 40. The end is 90.
fn offsets(received: &Received) -> Reply {
    let request = received.decode::<ListOffsetsRequest>();
    assert_eq!(request.replica_id, NO_REPLICA);
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|asked| {
            let offset = match asked.timestamp {
                LATEST => 90,
                0..=1_000 => 40,
                _ => -1,
            };
            ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_offset(offset)
        });
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    received.answer(&ListOffsetsResponse::default().with_topics(topics.collect()))
}

fn named(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition {
        topic: topic.into(),
        partition,
    }
}

#[tokio::test]
async fn a_partition_without_a_record_that_late_answers_its_end() {
    let identity = Identity::new();
    let (first, second) = (Listening::new().await, Listening::new().await);
    let ports = [first.port(), second.port()];
    let first = first.serve(&identity, move |received| match received.api {
        ApiKey::Metadata => metadata(received, ports),
        _ => offsets(received),
    });
    let second = second.serve(&identity, offsets);
    let credentials = identity.credentials(first.address());
    let wire = Wire::new(&credentials, Metrics::default().kafka_wire_requests).unwrap();
    let led = BTreeSet::from([named("orders", 0), named("orders", 1)]);
    for (time, offset, requests) in [(1_000, 40, 1), (1_001, 90, 2), (-1, 40, 1)] {
        let listed = list(&wire, &led, time).await.unwrap();
        assert_eq!(listed[&named("orders", 0)], Ok(offset), "since {time}");
        assert_eq!(listed[&named("orders", 1)], Ok(offset), "since {time}");
        assert_eq!(second.take_requests(), vec![ApiKey::ListOffsets; requests]);
    }
}

#[tokio::test]
async fn what_has_no_leader_is_refused_by_itself() {
    let identity = Identity::new();
    let (broker, gone) = (Listening::new().await, Listening::new().await);
    let ports = [broker.port(), gone.port()];
    drop(gone);
    let broker = broker.serve(&identity, move |received| match received.api {
        ApiKey::Metadata => metadata(received, ports),
        _ => offsets(received),
    });
    let credentials = identity.credentials(broker.address());
    let wire = Wire::new(&credentials, Metrics::default().kafka_wire_requests).unwrap();
    let asked = BTreeSet::from([
        named("orders", 0),
        named("orders", 1),
        named("orders", 2),
        named("orders", 3),
        named("absent", 0),
    ]);
    let listed = list(&wire, &asked, 0).await.unwrap();
    let code = |topic, partition| match &listed[&named(topic, partition)] {
        Err(KafkaError::Refused { code, .. }) => code.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(listed[&named("orders", 0)], Ok(40));
    assert!(matches!(
        listed[&named("orders", 1)],
        Err(KafkaError::Unreachable(_))
    ));
    assert_eq!(code("orders", 2), "LEADER_NOT_AVAILABLE");
    assert_eq!(code("orders", 3), "UNKNOWN_TOPIC_OR_PARTITION");
    assert_eq!(code("absent", 0), "UNKNOWN_TOPIC_OR_PARTITION");
    let nothing = list(&wire, &BTreeSet::new(), 0).await;
    assert_eq!(nothing, Ok(BTreeMap::new()));
}
