use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI16, AtomicUsize, Ordering},
};

use kafka_protocol::messages::{
    ApiKey, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, FindCoordinatorRequest, FindCoordinatorResponse, OffsetFetchRequest,
    OffsetFetchResponse, ShareGroupDescribeRequest, ShareGroupDescribeResponse,
    consumer_group_describe_response, describe_groups_response,
    find_coordinator_response::Coordinator,
    offset_fetch_response::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
    },
    share_group_describe_response,
};

use super::{rounds::GROUPS_IN_A_REQUEST, *};
use crate::{
    kafka::client::test_broker::{Identity, Listening, Received, Reply, TestBroker},
    telemetry::Metrics,
};

const NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;
const NOT_AUTHORIZED: i16 = 30;
const NOT_FOUND: i16 = 69;

struct Client {
    wire: Wire,
    memory: GroupMemory,
}

impl Client {
    fn new(identity: &Identity, broker: &TestBroker) -> Self {
        let credentials = identity.credentials(broker.address());
        let requests = Metrics::default().kafka_wire_requests;
        Self {
            wire: Wire::new(&credentials, requests).unwrap(),
            memory: GroupMemory::default(),
        }
    }

    async fn committed(&self, groups: &[&str]) -> PerItem<String, Vec<i64>> {
        let groups = of_type(groups, GroupType::Consumer);
        let committed = committed(&self.wire, &self.memory, &groups).await.unwrap();
        let offsets = |offsets: BTreeMap<_, i64>| offsets.into_values().collect();
        committed
            .into_iter()
            .map(|(group, answer)| (group, answer.map(offsets)))
            .collect()
    }

    /// State and number of members of each group.
    async fn described(&self, groups: &[&str], kind: GroupType) -> BTreeMap<String, String> {
        let groups = of_type(groups, kind);
        let described = describe(&self.wire, &self.memory, &groups);
        let words = described.await.unwrap().into_iter().map(|(group, answer)| {
            let GroupDescription { state, members } = answer.unwrap();
            (group, format!("{} of {state}", members.len()))
        });
        words.collect()
    }
}

fn of_type(groups: &[&str], kind: GroupType) -> BTreeMap<String, GroupType> {
    groups
        .iter()
        .map(|group| ((*group).to_owned(), kind))
        .collect()
}

fn refusal_of(answer: &Result<Vec<i64>, KafkaError>) -> Option<&str> {
    match answer {
        Err(KafkaError::Refused { code, .. }) => Some(code),
        _ => None,
    }
}

/// Says where groups are coordinated: at a port, or by which code it is not known.
fn found(received: &Received, port: impl Fn(&str) -> Result<u16, i16>) -> Reply {
    let keys = received.decode::<FindCoordinatorRequest>().coordinator_keys;
    assert!(keys.len() <= GROUPS_IN_A_REQUEST);
    let coordinators = keys.into_iter().map(|key| match port(&key) {
        Ok(port) => Coordinator::default()
            .with_key(key)
            .with_host(StrBytes::from_static_str("localhost"))
            .with_port(port.into()),
        Err(code) => Coordinator::default().with_key(key).with_error_code(code),
    });
    received.answer(&FindCoordinatorResponse::default().with_coordinators(coordinators.collect()))
}

/// Says what groups have committed for two partitions: an offset of the first and nothing of the second, or by which code it does not.
fn fetched(received: &Received, offset: impl Fn(&str) -> Result<i64, i16>) -> Reply {
    let groups = received.decode::<OffsetFetchRequest>().groups;
    assert!(groups.len() <= GROUPS_IN_A_REQUEST);
    let groups = groups.into_iter().map(|group| {
        assert_eq!(group.topics, None, "all topics are wanted");
        let answer = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
        let offset = match offset(&group.group_id) {
            Ok(offset) => offset,
            Err(code) => return answer.with_error_code(code),
        };
        let partitions = [(0, offset), (1, -1)].map(|(partition, offset)| {
            OffsetFetchResponsePartitions::default()
                .with_partition_index(partition)
                .with_committed_offset(offset)
        });
        let topic = OffsetFetchResponseTopics::default()
            .with_name(TopicName(StrBytes::from_static_str("orders")))
            .with_partitions(partitions.to_vec());
        answer.with_topics(vec![topic])
    });
    received.answer(&OffsetFetchResponse::default().with_groups(groups.collect()))
}

/// A broker that coordinates all groups, each of which has committed 7.
async fn lone_broker(identity: &Identity) -> TestBroker {
    let listening = Listening::new().await;
    let port = listening.port();
    listening.serve(identity, move |received| match received.api {
        ApiKey::FindCoordinator => found(received, |_| Ok(port)),
        _ => fetched(received, |_| Ok(7)),
    })
}

#[tokio::test]
async fn many_groups_are_asked_for_in_few_requests_and_found_once() {
    let identity = Identity::new();
    let broker = lone_broker(&identity).await;
    let client = Client::new(&identity, &broker);
    let groups: Vec<String> = (0..2_500).map(|group| format!("group-{group}")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let finds = [ApiKey::FindCoordinator; 3];
    let fetches = [ApiKey::OffsetFetch; 3];

    let committed = client.committed(&groups).await;
    assert_eq!(committed.len(), 2_500);
    assert!(committed.values().all(|offsets| *offsets == Ok(vec![7])));
    assert_eq!(broker.take_requests(), [finds, fetches].concat());

    let committed = client.committed(&groups).await;
    assert_eq!(committed.len(), 2_500);
    assert_eq!(broker.take_requests(), fetches);
    assert_eq!(broker.connections(), 1);

    client.committed(&[groups[0], "new"]).await;
    assert_eq!(
        broker.take_requests(),
        [ApiKey::FindCoordinator, ApiKey::OffsetFetch],
        "only the new one is looked for"
    );
}

#[tokio::test]
async fn a_group_whose_coordinator_has_changed_is_found_again() {
    let identity = Identity::new();
    let (first, second) = (Listening::new().await, Listening::new().await);
    let ports = (first.port(), second.port());
    let moved = Arc::new(AtomicBool::new(false));
    let has_moved = {
        let moved = moved.clone();
        move |group: &str| group == "billing" && moved.load(Ordering::Relaxed)
    };
    let first = first.serve(&identity, move |received| match received.api {
        ApiKey::FindCoordinator => found(received, |group| {
            Ok(if has_moved(group) { ports.1 } else { ports.0 })
        }),
        _ => fetched(received, |group| match has_moved(group) {
            true => Err(NOT_COORDINATOR),
            false => Ok(1),
        }),
    });
    let second = second.serve(&identity, |received| fetched(received, |_| Ok(2)));
    let client = Client::new(&identity, &first);
    let groups = ["billing", "shipping"];

    let committed = client.committed(&groups).await;
    assert_eq!(committed["billing"], Ok(vec![1]));
    first.take_requests();

    moved.store(true, Ordering::Relaxed);
    let committed = client.committed(&groups).await;
    assert_eq!(committed["billing"], Ok(vec![2]));
    assert_eq!(committed["shipping"], Ok(vec![1]));
    assert_eq!(
        first.take_requests(),
        [ApiKey::OffsetFetch, ApiKey::FindCoordinator]
    );
    assert_eq!(second.take_requests(), [ApiKey::OffsetFetch]);

    client.committed(&groups).await;
    assert_eq!(first.take_requests(), [ApiKey::OffsetFetch]);
    assert_eq!(second.take_requests(), [ApiKey::OffsetFetch]);
}

#[tokio::test]
async fn a_group_is_asked_about_twice_at_most_and_refused_by_itself() {
    let identity = Identity::new();
    let refusal = Arc::new(AtomicI16::new(NOT_COORDINATOR));
    let code = refusal.clone();
    let listening = Listening::new().await;
    let port = listening.port();
    let broker = listening.serve(&identity, move |received| match received.api {
        ApiKey::FindCoordinator => found(received, |group| match group {
            "unfound" => Err(NOT_AVAILABLE),
            _ => Ok(port),
        }),
        _ => fetched(received, |group| match group {
            "billing" => Err(code.load(Ordering::Relaxed)),
            _ => Ok(1),
        }),
    });
    let client = Client::new(&identity, &broker);
    let committed = client.committed(&["billing", "shipping", "unfound"]).await;
    assert_eq!(committed["shipping"], Ok(vec![1]));
    assert_eq!(refusal_of(&committed["billing"]), Some("NOT_COORDINATOR"));
    assert_eq!(
        refusal_of(&committed["unfound"]),
        Some("COORDINATOR_NOT_AVAILABLE")
    );
    let round = [ApiKey::FindCoordinator, ApiKey::OffsetFetch];
    assert_eq!(broker.take_requests(), [round, round].concat());

    refusal.store(NOT_AUTHORIZED, Ordering::Relaxed);
    let committed = client.committed(&["billing", "shipping"]).await;
    assert_eq!(
        refusal_of(&committed["billing"]),
        Some("GROUP_AUTHORIZATION_FAILED")
    );
    assert_eq!(
        broker.take_requests(),
        [ApiKey::FindCoordinator, ApiKey::OffsetFetch],
        "its coordinator was forgotten, and its word is final"
    );
}

#[tokio::test]
async fn a_coordinator_whose_connection_breaks_is_found_again() {
    let identity = Identity::new();
    let (anyone, coordinator) = (Listening::new().await, Listening::new().await);
    let port = coordinator.port();
    let anyone = anyone.serve(&identity, move |received| found(received, |_| Ok(port)));
    let asked = AtomicUsize::new(0);
    let coordinator = coordinator.serve(&identity, move |received| {
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::Close,
            _ => fetched(received, |_| Ok(1)),
        }
    });
    let client = Client::new(&identity, &anyone);
    let committed = client.committed(&["billing"]).await;
    assert_eq!(committed["billing"], Ok(vec![1]));
    assert_eq!(anyone.take_requests(), [ApiKey::FindCoordinator; 2]);
    assert_eq!(coordinator.take_requests(), [ApiKey::OffsetFetch; 2]);
    assert_eq!((anyone.connections(), coordinator.connections()), (1, 2));
}

#[tokio::test]
async fn without_any_broker_there_is_no_answer_at_all() {
    let identity = Identity::new();
    let broker = lone_broker(&identity).await;
    let client = Client::new(&identity, &broker);
    drop(broker);
    let groups = of_type(&["billing"], GroupType::Consumer);
    let answer = committed(&client.wire, &client.memory, &groups).await;
    assert!(
        matches!(answer, Err(KafkaError::Unreachable(_))),
        "{answer:?}"
    );
    let nothing = committed(&client.wire, &client.memory, &BTreeMap::new()).await;
    assert_eq!(nothing, Ok(BTreeMap::new()));
}

/// A coordinator of groups of consumers, each with one member; of which protocol, its letters say.
async fn coordinator_of(
    identity: &Identity,
    consumers: Arc<Mutex<BTreeSet<String>>>,
) -> TestBroker {
    let listening = Listening::new().await;
    let port = listening.port();
    listening.serve(identity, move |received| {
        let is_consumer = |group: &str| consumers.lock().unwrap().contains(group);
        match received.api {
            ApiKey::FindCoordinator => found(received, |_| Ok(port)),
            ApiKey::ConsumerGroupDescribe => {
                use consumer_group_describe_response::{DescribedGroup, Member};
                let ids = received.decode::<ConsumerGroupDescribeRequest>().group_ids;
                let groups = ids.into_iter().map(|id| {
                    let group = DescribedGroup::default().with_group_id(id.clone());
                    match is_consumer(&id) {
                        true => group
                            .with_group_state(StrBytes::from_static_str("Reconciling"))
                            .with_members(vec![Member::default()]),
                        false => group.with_error_code(NOT_FOUND),
                    }
                });
                let groups = groups.collect();
                received.answer(&ConsumerGroupDescribeResponse::default().with_groups(groups))
            }
            _ => {
                use describe_groups_response::{DescribedGroup, DescribedGroupMember};
                let ids = received.decode::<DescribeGroupsRequest>().groups;
                let groups = ids.into_iter().map(|id| {
                    let group = DescribedGroup::default().with_group_id(id.clone());
                    match is_consumer(&id) || *id == *"absent" {
                        true => group.with_group_state(StrBytes::from_static_str(DEAD)),
                        false => group
                            .with_group_state(StrBytes::from_static_str("Stable"))
                            .with_members(vec![DescribedGroupMember::default()]),
                    }
                });
                let groups = groups.collect();
                received.answer(&DescribeGroupsResponse::default().with_groups(groups))
            }
        }
    })
}

#[tokio::test]
async fn the_protocol_that_described_a_group_is_asked_first() {
    let identity = Identity::new();
    let consumers = Arc::new(Mutex::new(BTreeSet::new()));
    let broker = coordinator_of(&identity, consumers.clone()).await;
    let client = Client::new(&identity, &broker);
    let described = async || {
        let described = client.described(&["billing"], GroupType::Classic).await;
        (described["billing"].clone(), broker.take_requests())
    };
    use ApiKey::{ConsumerGroupDescribe, DescribeGroups, FindCoordinator};

    let (words, requests) = described().await;
    assert_eq!(words, "1 of Stable");
    assert_eq!(
        requests,
        [FindCoordinator, ConsumerGroupDescribe, DescribeGroups]
    );
    assert_eq!(described().await.1, [DescribeGroups]);

    consumers.lock().unwrap().insert("billing".to_owned());
    let (words, requests) = described().await;
    assert_eq!(words, "1 of Reconciling", "it was migrated");
    assert_eq!(requests, [DescribeGroups, ConsumerGroupDescribe]);
    assert_eq!(described().await.1, [ConsumerGroupDescribe]);

    consumers.lock().unwrap().clear();
    let (words, requests) = described().await;
    assert_eq!(words, "1 of Stable", "and back");
    assert_eq!(requests, [ConsumerGroupDescribe, DescribeGroups]);
}

#[tokio::test]
async fn groups_of_both_protocols_and_of_none_are_described() {
    let identity = Identity::new();
    let consumers = Arc::new(Mutex::new(BTreeSet::from(["new".to_owned()])));
    let broker = coordinator_of(&identity, consumers).await;
    let client = Client::new(&identity, &broker);
    for _ in 0..2 {
        let described = client
            .described(&["new", "old", "absent"], GroupType::Consumer)
            .await;
        let told: Vec<_> = described
            .iter()
            .map(|(group, words)| format!("{group}: {words}"))
            .collect();
        assert_eq!(
            told,
            [
                "absent: 0 of Dead",
                "new: 1 of Reconciling",
                "old: 1 of Stable"
            ]
        );
    }
}

#[tokio::test]
async fn share_groups_are_described_with_their_members() {
    let identity = Identity::new();
    let listening = Listening::new().await;
    let port = listening.port();
    let broker = listening.serve(&identity, move |received| match received.api {
        ApiKey::FindCoordinator => found(received, |_| Ok(port)),
        ApiKey::ShareGroupDescribe => {
            use share_group_describe_response::{
                Assignment, DescribedGroup, Member, TopicPartitions,
            };
            let ids = received.decode::<ShareGroupDescribeRequest>().group_ids;
            let assigned = TopicPartitions::default()
                .with_topic_name(TopicName(StrBytes::from_static_str("orders")))
                .with_partitions(vec![0, 1]);
            let member = Member::default()
                .with_member_id(StrBytes::from_static_str("m"))
                .with_assignment(Assignment::default().with_topic_partitions(vec![assigned]));
            let groups = ids.into_iter().map(|id| {
                let group = DescribedGroup::default().with_group_id(id.clone());
                match *id == *"absent" {
                    true => group.with_error_code(NOT_FOUND),
                    false => group
                        .with_group_state(StrBytes::from_static_str("Stable"))
                        .with_members(vec![member.clone()]),
                }
            });
            received.answer(&ShareGroupDescribeResponse::default().with_groups(groups.collect()))
        }
        other => panic!("{other:?} was asked"),
    });
    let client = Client::new(&identity, &broker);
    let groups = of_type(&["billing", "absent"], GroupType::Share);
    let described = describe(&client.wire, &client.memory, &groups)
        .await
        .unwrap();
    assert_eq!(described["absent"], Ok(dead()));
    let billing = described["billing"].clone().unwrap();
    let assigned: Vec<i32> = billing.members["m"].iter().map(|p| p.partition).collect();
    assert_eq!((billing.state.as_str(), assigned), ("Stable", vec![0, 1]));

    use ApiKey::{FindCoordinator, ShareGroupDescribe};
    assert_eq!(
        broker.take_requests(),
        [FindCoordinator, ShareGroupDescribe]
    );
}
