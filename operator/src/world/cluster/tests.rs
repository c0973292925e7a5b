use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use tokio::{sync::broadcast, time::Instant};

use super::{ClusterHandle, Periods, start};
use crate::{
    kafka::{
        Acl, AclOperation, AclPattern, AclResource, BrokerConfigChange, BrokerId, BrokerQuota,
        Clients, ConfigChange, Credentials, FakeKafka, GroupDescription, GroupType, KafkaError,
        NewPartitions, NewTopic, OffsetsAt, Principal, Reassignment, TailReader, TopicPartition,
    },
    plan::KafkaStep,
    telemetry::{Kind, Metrics},
    world::{ClusterKey, GroupSnapshot, View, ViewState, Wake, Waker},
};

/// No test waits longer than this, in the time of the paused clock.
const DEADLINE: Duration = Duration::from_secs(120);
const VIEW_PERIOD: Duration = Duration::from_secs(15);

struct Cluster {
    kafka: Arc<FakeKafka>,
    handle: ClusterHandle,
    wakes: broadcast::Receiver<Wake>,
    metrics: Metrics,
}

fn key() -> ClusterKey {
    ClusterKey {
        namespace: "kafka".to_owned(),
        name: "main".to_owned(),
    }
}

fn two_brokers() -> Arc<FakeKafka> {
    Arc::new(FakeKafka::new([(0, Some("north")), (1, Some("south"))]))
}

fn watch(kafka: Arc<FakeKafka>) -> Cluster {
    watch_reading(kafka.clone(), kafka)
}

fn watch_reading(kafka: Arc<FakeKafka>, tails: Arc<dyn TailReader>) -> Cluster {
    let credentials = Credentials {
        bootstrap_servers: "localhost:9091".to_owned(),
        ca_pem: String::new(),
        certificate_pem: String::new(),
        key_pem: String::new(),
    };
    let waker = Waker::default();
    let wakes = waker.subscribe();
    let metrics = Metrics::default();
    let periods = Periods {
        view: VIEW_PERIOD,
        groups: Duration::from_secs(2),
    };
    let handle = start(
        key(),
        credentials,
        Clients {
            tails,
            ..kafka.clients()
        },
        periods,
        waker,
        metrics.clone(),
    );
    Cluster {
        kafka,
        handle,
        wakes,
        metrics,
    }
}

impl Cluster {
    async fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn view(&self) -> Option<Arc<View>> {
        match self.handle.view() {
            ViewState::Reachable(view) => Some(view),
            _ => None,
        }
    }

    async fn reachable(&self) -> Arc<View> {
        self.until("reachable", || self.view()).await
    }

    async fn unreachable(&self) -> String {
        self.until("unreachable", || match self.handle.view() {
            ViewState::Unreachable { message } => Some(message),
            _ => None,
        })
        .await
    }

    fn declare(&self, group: &str, topics: &[&str]) {
        let topics = topics.iter().map(|topic| (*topic).to_owned());
        self.handle
            .declare_group(group, GroupType::Consumer, Arc::new(topics.collect()));
    }

    fn woken(&mut self) -> Vec<Wake> {
        let mut wakes = Vec::new();
        while let Ok(wake) = self.wakes.try_recv() {
            wakes.push(wake);
        }
        wakes
    }

    async fn snapshot(
        &self,
        group: &str,
        wanted: impl Fn(&GroupSnapshot) -> bool,
    ) -> Arc<GroupSnapshot> {
        self.until("a look at the group", || {
            self.handle
                .groups()
                .get(group)
                .filter(|look| wanted(look))
                .cloned()
        })
        .await
    }

    fn shows_the_truth(&self) -> bool {
        self.view().is_some_and(|view| {
            let topics: BTreeMap<_, _> = view
                .topics
                .iter()
                .map(|(name, topic)| (name.clone(), (**topic).clone()))
                .collect();
            let configs = view.broker_configs.iter();
            topics == self.kafka.topics()
                && *view.acls == self.kafka.acls()
                && *view.reassignments == self.kafka.reassignments()
                && *view.quotas == self.kafka.quotas()
                && configs
                    .into_iter()
                    .all(|(broker, config)| *config == self.kafka.broker_config(*broker))
        })
    }
}

fn topic(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        assignment: vec![vec![0, 1], vec![1, 0]],
        config: BTreeMap::new(),
    }
}

fn create(name: &str) -> KafkaStep {
    KafkaStep::CreateTopic(topic(name))
}

fn delete(name: &str) -> KafkaStep {
    KafkaStep::DeleteTopic(name.to_owned())
}

fn retention(topic: &str, value: &str) -> ConfigChange {
    ConfigChange {
        topic: topic.to_owned(),
        set: BTreeMap::from([("retention.ms".to_owned(), value.to_owned())]),
        reset: BTreeSet::new(),
    }
}

fn reading(account: &str) -> Acl {
    Acl {
        principal: Principal::service_account("shop", account),
        resource: AclResource::Topic,
        pattern: AclPattern::Literal,
        name: "shop.orders".to_owned(),
        operation: AclOperation::Read,
    }
}

fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition {
        topic: topic.into(),
        partition,
    }
}

fn moved(topic: &str, partition: i32, replicas: &[BrokerId]) -> Reassignment {
    Reassignment {
        partition: at(topic, partition),
        replicas: replicas.to_vec(),
    }
}

fn writing(bytes_per_second: f64) -> BrokerQuota {
    BrokerQuota {
        producer_byte_rate: Some(bytes_per_second),
        ..BrokerQuota::default()
    }
}

fn throttle(broker: BrokerId, rate: &str) -> BrokerConfigChange {
    BrokerConfigChange {
        broker,
        set: BTreeMap::from([(
            "leader.replication.throttled.rate".to_owned(),
            rate.to_owned(),
        )]),
        reset: BTreeSet::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_that_was_begun_shows_and_its_end_wakes() {
    let mut cluster = watch(two_brokers());
    cluster.reachable().await;
    let one = NewTopic {
        assignment: vec![vec![0], vec![0]],
        ..topic("orders")
    };
    let moves = KafkaStep::Reassign(vec![moved("orders", 0, &[1]), moved("orders", 1, &[1, 0])]);
    let results = cluster
        .handle
        .apply(vec![moves, KafkaStep::CreateTopic(one)])
        .await;
    assert_eq!(results, [Ok(()), Ok(())]);
    let view = cluster.view().unwrap();
    assert_eq!(view.reassignments[&at("orders", 0)].target(), [1]);
    assert_eq!(view.reassignments[&at("orders", 1)].adding, [1]);
    assert_eq!(view.topics["orders"].partitions[0].replicas, [1, 0]);
    assert!(cluster.woken().contains(&Wake::KafkaLayout(key())));

    cluster.kafka.advance_reassignments();
    cluster
        .until("the moves have ended", || {
            cluster.view()?.reassignments.is_empty().then_some(())
        })
        .await;
    assert!(cluster.woken().contains(&Wake::KafkaLayout(key())));
    assert!(cluster.shows_the_truth());
}

#[tokio::test(start_paused = true)]
async fn moves_of_many_go_in_one_call_and_one_partition_twice_in_turn() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster
        .handle
        .apply(vec![create("a"), create("b"), create("c")])
        .await;
    cluster.kafka.forget_calls();
    let requests = [
        vec![moved("c", 0, &[1]), moved("a", 0, &[1])],
        vec![moved("b", 0, &[1])],
        vec![moved("b", 9, &[1])],
        vec![moved("a", 0, &[0])],
    ];
    let applies = requests.map(|moves| cluster.handle.apply(vec![KafkaStep::Reassign(moves)]));
    let results = join_all(applies).await.concat();
    assert_eq!(results[..2], [Ok(()), Ok(())]);
    assert!(
        results[2]
            .as_ref()
            .is_err_and(|error| error.is("UNKNOWN_TOPIC_OR_PARTITION"))
    );
    assert_eq!(results[3], Ok(()));
    let calls = cluster.kafka.calls();
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| call.kind == "alter_reassignments")
        .collect();
    assert_eq!(
        calls.iter().map(|call| call.items).collect::<Vec<_>>(),
        [4, 1]
    );
    assert_eq!(cluster.kafka.reassignments()[&at("a", 0)].target(), [0]);
    assert!(cluster.shows_the_truth());
}

#[tokio::test(start_paused = true)]
async fn a_move_to_a_broker_that_is_down_is_under_way() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    cluster.kafka.stop_broker(1);
    let step = KafkaStep::Reassign(vec![moved("orders", 0, &[1])]);
    assert_eq!(cluster.handle.apply(vec![step]).await, [Ok(())]);
    let view = cluster.view().unwrap();
    assert_eq!(
        view.reassignments[&at("orders", 0)].removing,
        [0],
        "it waits for broker 1"
    );
}

#[tokio::test(start_paused = true)]
async fn an_elected_leader_shows() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    cluster.kafka.lead_by(&at("orders", 0), 1).unwrap();
    let elect = |partition| KafkaStep::ElectPreferred(BTreeSet::from([at("orders", partition)]));
    let results = cluster.handle.apply(vec![elect(0), elect(7)]).await;
    assert_eq!(results[0], Ok(()));
    assert!(
        results[1]
            .as_ref()
            .is_err_and(|error| error.is("UNKNOWN_TOPIC_OR_PARTITION"))
    );
    assert_eq!(
        cluster.view().unwrap().topics["orders"].partitions[0].leader,
        Some(0)
    );
    assert_eq!(cluster.kafka.count("elect_preferred_leaders"), 1);
}

#[tokio::test(start_paused = true)]
async fn throttles_and_quotas_show_and_wake() {
    let mut cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.woken();
    let who = Principal::service_account("shop", "orders");
    let limit = |quota| KafkaStep::AlterQuotas(BTreeMap::from([(who.clone(), quota)]));
    let results = cluster
        .handle
        .apply(vec![
            limit(writing(1024.0)),
            KafkaStep::AlterBrokerConfig(throttle(0, "5000")),
            KafkaStep::AlterBrokerConfig(throttle(1, "fast")),
        ])
        .await;
    assert_eq!(results[..2], [Ok(()), Ok(())]);
    assert!(
        results[2]
            .as_ref()
            .is_err_and(|error| error.is("INVALID_REQUEST"))
    );
    let view = cluster.view().unwrap();
    assert_eq!(view.quotas[&who], writing(1024.0));
    assert_eq!(
        view.broker_configs[&0]["leader.replication.throttled.rate"],
        "5000"
    );
    assert_eq!(
        cluster.woken(),
        [Wake::KafkaLayout(key()), Wake::KafkaQuotas(key())]
    );

    assert_eq!(
        cluster
            .handle
            .apply(vec![limit(BrokerQuota::default())])
            .await,
        [Ok(())]
    );
    assert!(cluster.view().unwrap().quotas.is_empty());
    assert_eq!(cluster.woken(), [Wake::KafkaQuotas(key())]);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_down_refuses_only_its_own_throttle() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.stop_broker(1);
    let who = Principal::service_account("shop", "orders");
    let steps = vec![
        KafkaStep::AlterBrokerConfig(throttle(1, "5000")),
        KafkaStep::AlterQuotas(BTreeMap::from([(who.clone(), writing(1024.0))])),
    ];
    let results = cluster.handle.apply(steps).await;
    assert!(
        matches!(results[0], Err(KafkaError::Unreachable(_))),
        "{results:?}"
    );
    assert_eq!(results[1], Ok(()));
    assert_eq!(cluster.view().unwrap().quotas[&who], writing(1024.0));
}

#[tokio::test(start_paused = true)]
async fn what_others_limit_or_move_shows_with_the_next_look() {
    let mut cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    let before = cluster.view().unwrap();
    cluster.woken();
    cluster
        .kafka
        .alter_broker_config(&throttle(1, "7"))
        .unwrap();
    let who = Principal::parse("User:somebody");
    cluster.kafka.set_quota(&who, writing(1.0)).unwrap();
    cluster.kafka.reassign(&moved("orders", 1, &[0])).unwrap();
    cluster
        .until("it shows", || cluster.shows_the_truth().then_some(()))
        .await;
    let woken = cluster.woken();
    assert!(woken.contains(&Wake::KafkaLayout(key())), "{woken:?}");
    assert!(woken.contains(&Wake::KafkaQuotas(key())), "{woken:?}");
    let after = cluster.view().unwrap();
    assert!(Arc::ptr_eq(&before.acls, &after.acls));
    assert!(
        Arc::ptr_eq(&before.reassignments, &after.reassignments),
        "that move ended at once"
    );

    cluster.kafka.stop_broker(1);
    cluster
        .until("the broker is gone", || {
            (cluster.view()?.cluster.brokers.len() == 1).then_some(())
        })
        .await;
    let configs = &cluster.view().unwrap().broker_configs;
    assert_eq!(
        configs[&1]["leader.replication.throttled.rate"], "7",
        "as it was last seen"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_of_many_become_one_call_of_each_kind() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.forget_calls();
    let applies = (0..50).map(|i| {
        let name = format!("shop.t{i}");
        let handle = cluster.handle.clone();
        async move {
            let acls = BTreeSet::from([Acl {
                name: name.clone(),
                ..reading("orders")
            }]);
            handle
                .apply(vec![create(&name), KafkaStep::CreateAcls(acls)])
                .await
        }
    });
    for results in join_all(applies).await {
        assert_eq!(results, [Ok(()), Ok(())]);
    }
    let calls: Vec<_> = cluster
        .kafka
        .calls()
        .iter()
        .map(|call| (call.kind, call.items))
        .collect();
    let expected = [
        ("create_topics", 50),
        ("create_acls", 50),
        ("describe_topics", 50),
        ("describe_acls", 0),
    ];
    assert_eq!(calls, expected);
    assert!(cluster.shows_the_truth());
}

#[tokio::test(start_paused = true)]
async fn requests_that_arrive_during_a_batch_go_together_in_the_next() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.forget_calls();
    cluster.kafka.set_latency(Duration::from_millis(100));
    let first = tokio::spawn({
        let handle = cluster.handle.clone();
        async move { handle.apply(vec![create("first")]).await }
    });
    cluster
        .until("the first call", || {
            (cluster.kafka.count("create_topics") == 1).then_some(())
        })
        .await;
    let names = ["a", "b", "c"];
    join_all(names.map(|name| cluster.handle.apply(vec![create(name)]))).await;
    assert_eq!(first.await.unwrap(), [Ok(())]);
    let creations: Vec<_> = cluster
        .kafka
        .calls()
        .iter()
        .filter(|call| call.kind == "create_topics")
        .map(|call| call.items)
        .collect();
    assert_eq!(creations, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_waits_for_more_in_proportion_to_its_last_batch_and_a_lone_request_does_not() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.set_latency(Duration::from_millis(100));
    let burst = |from: u32, count: u32| {
        let handle = cluster.handle.clone();
        let names = (from..from + count).map(|i| format!("t{i}"));
        join_all(names.map(move |name| {
            let handle = handle.clone();
            async move { handle.apply(vec![create(&name)]).await }
        }))
    };
    burst(0, 100).await;
    cluster.kafka.forget_calls();
    let late = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        burst(200, 3).await
    };
    tokio::join!(burst(100, 3), late);
    assert_eq!(cluster.kafka.count("create_topics"), 1);

    let start = Instant::now();
    burst(300, 1).await;
    assert!(
        start.elapsed() < Duration::from_millis(250),
        "two calls and no long wait: {:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn each_request_hears_of_its_own_steps() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    let handle = &cluster.handle;
    assert_eq!(handle.apply(vec![create("shop.orders")]).await, [Ok(())]);
    let acls = |acl: Acl| KafkaStep::CreateAcls(BTreeSet::from([acl]));
    let nameless = Acl {
        name: String::new(),
        ..reading("orders")
    };
    let (good, bad, acl, odd) = tokio::join!(
        handle.apply(vec![
            create("good"),
            KafkaStep::AlterConfig(retention("shop.orders", "5"))
        ]),
        handle.apply(vec![
            create("no good"),
            KafkaStep::AlterConfig(retention("absent", "5")),
            delete("absent"),
        ]),
        handle.apply(vec![acls(reading("orders"))]),
        handle.apply(vec![acls(nameless), create("beside")]),
    );
    assert_eq!(good, [Ok(()), Ok(())]);
    assert!(
        bad[0]
            .as_ref()
            .is_err_and(|error| error.is("INVALID_TOPIC_EXCEPTION")),
        "{bad:?}"
    );
    assert!(
        bad[1]
            .as_ref()
            .is_err_and(|error| error.is("UNKNOWN_TOPIC_OR_PARTITION")),
        "{bad:?}"
    );
    assert_eq!(bad[2], Ok(()), "deleting what is not there is done");
    assert_eq!(acl, [Ok(())]);
    assert!(
        odd[0]
            .as_ref()
            .is_err_and(|error| error.is("INVALID_REQUEST")),
        "{odd:?}"
    );
    assert_eq!(odd[1], Ok(()));
    assert!(cluster.shows_the_truth());
}

#[tokio::test(start_paused = true)]
async fn two_changes_of_one_topic_are_both_made_in_turn() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    let handle = &cluster.handle;
    let (both, again) = tokio::join!(
        handle.apply(vec![
            create("orders"),
            KafkaStep::AlterConfig(retention("orders", "5"))
        ]),
        handle.apply(vec![
            create("orders"),
            KafkaStep::AlterConfig(ConfigChange {
                set: BTreeMap::from([("segment.ms".to_owned(), "7".to_owned())]),
                ..retention("orders", "")
            }),
        ]),
    );
    assert_eq!(both[1], Ok(()));
    assert_eq!(again[1], Ok(()));
    let view = cluster.view().unwrap();
    assert_eq!(
        view.topics["orders"].config.len(),
        2,
        "{:?}",
        view.topics["orders"]
    );
}

#[tokio::test(start_paused = true)]
async fn only_a_topic_exactly_as_wanted_counts_as_created() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.create_topic(&topic("same")).unwrap();
    let other = NewTopic {
        assignment: vec![vec![1]],
        ..topic("other")
    };
    cluster.kafka.create_topic(&other).unwrap();
    let results = cluster
        .handle
        .apply(vec![create("same"), create("other")])
        .await;
    assert_eq!(results[0], Ok(()));
    assert!(
        results[1]
            .as_ref()
            .is_err_and(|error| error.is("TOPIC_ALREADY_EXISTS")),
        "{results:?}"
    );
    assert!(
        cluster.shows_the_truth(),
        "the topic of somebody else is in the view"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_asked_for_shows_what_was_made_since_the_last() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.create_topic(&topic("by-hand")).unwrap();
    let look = KafkaStep::LookAt("by-hand".to_owned());
    assert_eq!(cluster.handle.apply(vec![look]).await, [Ok(())]);
    let ViewState::Reachable(view) = cluster.handle.view() else {
        panic!("Kafka answers");
    };
    assert!(view.topics.contains_key("by-hand"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_until_leaders_show_and_deleted_topics_are_gone() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.set_slow_to_show(5);
    let results = cluster.handle.apply(vec![create("orders")]).await;
    assert_eq!(results, [Ok(())]);
    let view = cluster.view().unwrap();
    assert!(
        view.topics["orders"]
            .partitions
            .iter()
            .all(|partition| partition.leader.is_some())
    );
    assert_eq!(cluster.handle.apply(vec![delete("orders")]).await, [Ok(())]);
    assert!(cluster.view().unwrap().topics.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_show_in_time_is_told() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.set_slow_to_show(u32::MAX);
    let start = Instant::now();
    let results = cluster.handle.apply(vec![create("orders")]).await;
    assert!(
        results[0]
            .as_ref()
            .is_err_and(|error| error.is("REQUEST_TIMED_OUT")),
        "{results:?}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(11),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn large_batches_are_parted() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.forget_calls();
    let steps: Vec<_> = (0..2_500).map(|i| create(&format!("t{i}"))).collect();
    let results = cluster.handle.apply(steps).await;
    assert!(results.len() == 2_500 && results.iter().all(Result::is_ok));
    let creations: Vec<_> = cluster
        .kafka
        .calls()
        .iter()
        .filter(|call| call.kind == "create_topics")
        .map(|call| call.items)
        .collect();
    assert_eq!(creations, [1_000, 1_000, 500]);
}

#[tokio::test(start_paused = true)]
async fn many_requests_are_answered_batch_by_batch() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.forget_calls();
    let applies = (0..1_500).map(|i| {
        let handle = cluster.handle.clone();
        async move { handle.apply(vec![create(&format!("t{i}"))]).await }
    });
    let results = join_all(applies).await;
    assert!(results.iter().flatten().all(Result::is_ok));
    let calls = cluster
        .kafka
        .calls()
        .iter()
        .map(|call| (call.kind, call.items))
        .collect::<Vec<_>>();
    let expected = [("create_topics", 500), ("describe_topics", 500)].repeat(3);
    assert_eq!(calls, expected);
}

#[tokio::test(start_paused = true)]
async fn drift_wakes_whom_it_concerns_and_the_rest_stays_shared() {
    let mut cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster
        .handle
        .apply(vec![create("orders"), create("logs"), create("doomed")])
        .await;
    let before = cluster.view().unwrap();
    cluster.woken();

    cluster
        .kafka
        .alter_config(&retention("orders", "7"))
        .unwrap();
    cluster.kafka.delete_topic("doomed").unwrap();
    cluster.kafka.add_acl(reading("somebody"));
    cluster
        .until("drift shows", || cluster.shows_the_truth().then_some(()))
        .await;
    let mut woken = cluster.woken();
    woken.sort_by_key(|wake| format!("{wake:?}"));
    let expected = [
        Wake::KafkaAcls(key()),
        Wake::KafkaTopic(key(), "doomed".to_owned()),
        Wake::KafkaTopic(key(), "orders".to_owned()),
    ];
    assert_eq!(woken, expected);
    let after = cluster.view().unwrap();
    assert!(Arc::ptr_eq(&before.topics["logs"], &after.topics["logs"]));

    tokio::time::sleep(3 * VIEW_PERIOD).await;
    assert!(
        cluster.woken().is_empty(),
        "nothing changed, nobody is woken"
    );
    assert!(Arc::ptr_eq(&after, &cluster.view().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_stops_wakes_the_cluster_and_its_topics() {
    let mut cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    cluster.woken();
    cluster.kafka.stop_broker(1);
    cluster
        .until("the broker is gone", || {
            (cluster.view()?.cluster.brokers.len() == 1).then_some(())
        })
        .await;
    let woken = cluster.woken();
    assert!(woken.contains(&Wake::Cluster(key())), "{woken:?}");
    assert!(
        woken.contains(&Wake::KafkaTopic(key(), "orders".to_owned())),
        "{woken:?}"
    );
    cluster.kafka.start_broker(1);
    cluster
        .until("the broker is back", || {
            (cluster.view()?.cluster.brokers.len() == 2).then_some(())
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_a_silent_broker_held_up_is_soon_followed_by_another() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.forget_calls();
    cluster.kafka.set_latency(Duration::from_secs(6));
    cluster
        .until("a look of 12 s", || {
            (cluster.kafka.count("describe_acls") == 1).then_some(())
        })
        .await;
    cluster.kafka.set_latency(Duration::ZERO);
    let start = Instant::now();
    cluster
        .until("the next look", || {
            (cluster.kafka.count("describe_cluster") == 2).then_some(())
        })
        .await;
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_goes_away_comes_back_by_itself() {
    let kafka = two_brokers();
    kafka.set_reachable(false);
    let mut cluster = watch(kafka);
    assert!(cluster.unreachable().await.contains("unreachable"));
    cluster.kafka.forget_calls();
    let start = Instant::now();
    let results = cluster
        .handle
        .apply(vec![create("orders"), delete("logs")])
        .await;
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(KafkaError::Unreachable(_)))),
        "{results:?}"
    );
    assert_eq!(results.len(), 2);
    assert!(
        start.elapsed() < Duration::from_millis(100),
        "nobody waits for a cluster that is known to be away"
    );
    assert_eq!(cluster.kafka.count("create_topics"), 0);

    tokio::time::sleep(Duration::from_secs(60)).await;
    let tries = cluster.kafka.count("describe_cluster");
    assert!((6..=12).contains(&tries), "{tries} tries in a minute");
    let woken = cluster.woken();
    assert_eq!(
        woken,
        [Wake::Cluster(key())],
        "once, however often it was tried"
    );

    cluster.kafka.set_reachable(true);
    cluster.reachable().await;
    assert_eq!(cluster.woken(), [Wake::Cluster(key())]);
    assert_eq!(cluster.handle.apply(vec![create("orders")]).await, [Ok(())]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_lost_during_a_batch_refuses_all_of_it() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.kafka.set_reachable(false);
    cluster.kafka.forget_calls();
    let acls = KafkaStep::CreateAcls(BTreeSet::from([reading("orders")]));
    let results = cluster
        .handle
        .apply(vec![create("orders"), acls, delete("logs")])
        .await;
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(KafkaError::Unreachable(_)))),
        "{results:?}"
    );
    assert_eq!(
        cluster.kafka.count("create_acls") + cluster.kafka.count("delete_topics"),
        0
    );
    cluster.unreachable().await;
}

#[tokio::test(start_paused = true)]
async fn groups_are_read_committed_offsets_first() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster
        .handle
        .apply(vec![create("orders"), create("logs")])
        .await;
    cluster.kafka.set_offsets(at("orders", 0), 10, 90, 100);
    cluster.kafka.set_offsets(at("orders", 1), 5, 7, 7);
    cluster.kafka.commit("billing", at("orders", 0), 40);
    cluster.kafka.commit("billing", at("elsewhere", 0), 1);
    let members = BTreeMap::from([("m".to_owned(), BTreeSet::from([at("orders", 0)]))]);
    let description = GroupDescription {
        state: "Stable".to_owned(),
        members,
    };
    cluster.kafka.set_group("billing", description.clone());
    cluster.kafka.forget_calls();
    cluster.declare("billing", &["orders"]);
    let look = cluster.snapshot("billing", |_| true).await;

    assert!(look.complete);
    assert_eq!(look.description, description);
    assert_eq!(look.partitions.len(), 2);
    let first = look.partitions[&at("orders", 0)];
    assert_eq!(
        (first.committed, first.log_start, first.end),
        (Some(40), 10, 90)
    );
    let second = look.partitions[&at("orders", 1)];
    assert_eq!(
        (second.committed, second.log_start, second.end),
        (None, 5, 7)
    );

    let calls: Vec<_> = cluster
        .kafka
        .calls()
        .iter()
        .map(|call| (call.kind, call.items))
        .collect();
    let expected = [
        ("describe_groups", 1),
        ("committed_offsets", 1),
        ("list_offsets(last stable)", 2),
        ("list_offsets(log start)", 2),
    ];
    assert_eq!(calls[..4], expected);
    cluster
        .until("the next look", || {
            (cluster.kafka.calls().len() >= 8).then_some(())
        })
        .await;
    let next = cluster.kafka.calls()[7];
    assert_eq!(
        (next.kind, next.items),
        ("list_offsets(log start)", 1),
        "only where nothing is committed"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_makes_a_look_incomplete() {
    let mut cluster = watch(two_brokers());
    cluster.reachable().await;
    let alone = NewTopic {
        assignment: vec![vec![0], vec![1]],
        ..topic("orders")
    };
    cluster
        .handle
        .apply(vec![KafkaStep::CreateTopic(alone)])
        .await;
    cluster.declare("billing", &["orders"]);
    cluster.declare("absent", &["no-such-topic"]);
    cluster.snapshot("billing", |look| look.complete).await;
    let absent = cluster.snapshot("absent", |_| true).await;
    assert!(!absent.complete && absent.partitions.is_empty());
    assert_eq!(absent.description.state, "Dead");

    cluster.kafka.stop_broker(1);
    let look = cluster
        .snapshot("billing", |look| look.partitions.len() == 1)
        .await;
    assert!(!look.complete);
    cluster.kafka.start_broker(1);
    let look = cluster.snapshot("billing", |look| look.complete).await;

    cluster.kafka.set_reachable(false);
    cluster.unreachable().await;
    cluster.woken();
    let stale = cluster.handle.groups()["billing"].clone();
    assert_eq!(
        (stale.time, &stale.partitions),
        (stale.time.max(look.time), &look.partitions)
    );

    cluster.kafka.set_reachable(true);
    cluster.declare("billing", &[]);
    cluster
        .until("the group is forgotten", || {
            let groups = cluster.handle.groups();
            (!groups.contains_key("billing") && groups.contains_key("absent")).then_some(())
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_made_anew_does_not_keep_its_log_start() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    for partition in 0..2 {
        cluster
            .kafka
            .set_offsets(at("orders", partition), 500, 900, 900);
        cluster
            .kafka
            .commit("billing", at("orders", partition), 700);
    }
    cluster.declare("billing", &["orders"]);
    cluster.snapshot("billing", |look| look.complete).await;
    cluster.handle.apply(vec![delete("orders")]).await;
    cluster.handle.apply(vec![create("orders")]).await;
    let look = cluster
        .snapshot("billing", |look| {
            look.complete && look.partitions[&at("orders", 0)].end == 0
        })
        .await;
    assert_eq!(look.partitions[&at("orders", 0)].log_start, 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_looked_at_as_the_type_it_is_declared() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    cluster.kafka.commit("billing", at("orders", 0), 40);
    cluster.kafka.set_group_type("billing", GroupType::Share);
    cluster.declare("billing", &["orders"]);
    let look = cluster.snapshot("billing", |_| true).await;
    assert_eq!(look.description.state, "Dead");
    assert_eq!(look.partitions[&at("orders", 0)].committed, None);
    let topics = BTreeSet::from(["orders".to_owned()]);
    let handle = &cluster.handle;
    handle.declare_group("billing", GroupType::Share, topics.into());
    let look = cluster
        .snapshot("billing", |look| look.description.state == "Empty")
        .await;
    assert_eq!(look.partitions[&at("orders", 0)].committed, Some(40));
}

#[tokio::test(start_paused = true)]
async fn offsets_are_set_and_groups_deleted_when_somebody_asks_for_it() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    cluster.kafka.produce(at("orders", 0), 30, 1_000);
    cluster.kafka.produce(at("orders", 0), 30, 2_000);
    let admin = cluster.handle.group_admin();
    let partitions = BTreeSet::from([at("orders", 0)]);
    let since = admin.list_offsets(&partitions, OffsetsAt::Since(1_500));
    let offsets: BTreeMap<_, _> = since
        .await
        .unwrap()
        .into_iter()
        .map(|(partition, offset)| (partition, offset.unwrap()))
        .collect();
    assert_eq!(offsets, BTreeMap::from([(at("orders", 0), 30)]));
    let set = admin.commit_offsets("billing", &offsets).await.unwrap();
    assert_eq!(set[&at("orders", 0)], Ok(()));
    let committed = admin.committed_offsets("billing", GroupType::Consumer);
    assert_eq!(committed.await, Ok(offsets));
    let groups = BTreeSet::from(["billing".to_owned()]);
    let deleted = admin.delete_groups(&groups).await.unwrap();
    assert_eq!(deleted["billing"], Ok(()));
    let committed = admin.committed_offsets("billing", GroupType::Consumer);
    assert_eq!(committed.await, Ok(BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn the_tasks_end_with_the_last_handle() {
    let Cluster { kafka, handle, .. } = watch(two_brokers());
    let second = handle.clone();
    drop(handle);
    assert_eq!(second.apply(vec![create("orders")]).await, [Ok(())]);
    assert!(Arc::strong_count(&kafka) > 1);
    drop(second);
    let deadline = Instant::now() + DEADLINE;
    while Arc::strong_count(&kafka) > 1 {
        assert!(Instant::now() < deadline, "a task still holds the client");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_kind() {
    let cluster = watch(two_brokers());
    cluster.reachable().await;
    cluster.handle.apply(vec![create("orders")]).await;
    let count = |kind: &str| {
        let kind = Kind {
            kind: kind.to_owned(),
        };
        cluster.metrics.kafka_requests.get_or_create(&kind).get()
    };
    assert_eq!(count("describe_cluster"), 1);
    assert_eq!(count("create_topics"), 1);
    assert_eq!(count("describe_topics"), 2);
    assert_eq!(count("delete_topics"), 0);
}

mod tails;

mod sizes {
    use super::*;

    const MIB: u64 = 1 << 20;
    const MINUTE: Duration = Duration::from_secs(60);

    impl Cluster {
        fn weigh(&self, partitions: &[u64]) {
            for (partition, bytes) in (0..).zip(partitions) {
                self.kafka.set_size(at("orders", partition), *bytes);
            }
        }

        /// Lets the next look at the sizes go by.
        async fn weighed(&self) {
            let before = self.kafka.count("describe_log_dirs");
            self.until("a look at the sizes", || {
                (self.kafka.count("describe_log_dirs") > before).then_some(())
            })
            .await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        fn woken_for_orders(&mut self) -> usize {
            let orders = Wake::KafkaTopic(key(), "orders".to_owned());
            self.woken().iter().filter(|wake| **wake == orders).count()
        }
    }

    async fn with_orders(partitions: &[u64]) -> Cluster {
        let mut cluster = watch(two_brokers());
        cluster.reachable().await;
        cluster.handle.apply(vec![create("orders")]).await;
        cluster.weigh(partitions);
        cluster.weighed().await;
        cluster.woken();
        cluster
    }

    #[tokio::test(start_paused = true)]
    async fn every_broker_is_asked_once_a_minute_and_every_5_s_while_replicas_move() {
        let cluster = with_orders(&[7, 8]).await;
        let sizes = cluster.handle.sizes();
        assert_eq!(sizes.bytes(&at("orders", 1), 0), Some(8));
        assert_eq!(sizes.bytes(&at("orders", 2), 0), None);
        let asked = || cluster.kafka.count("describe_log_dirs");
        let before = asked();
        tokio::time::sleep(5 * MINUTE).await;
        assert_eq!(asked() - before, 5);
        assert!(
            cluster
                .kafka
                .calls()
                .iter()
                .all(|call| call.kind != "describe_log_dirs" || call.items == 2)
        );

        let shrink = KafkaStep::Reassign(vec![moved("orders", 0, &[0])]);
        let one = KafkaStep::Reassign(vec![moved("orders", 0, &[1])]);
        cluster.handle.apply(vec![shrink]).await;
        cluster.handle.apply(vec![one]).await;
        cluster.kafka.set_copied(&at("orders", 0), 1, 3).unwrap();
        let before = asked();
        tokio::time::sleep(MINUTE).await;
        assert!(
            (11..=13).contains(&(asked() - before)),
            "{}",
            asked() - before
        );
        assert_eq!(cluster.handle.sizes().bytes(&at("orders", 0), 1), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hot_partition_wakes_its_topic_once() {
        let mut cluster = with_orders(&[40 * MIB, 40 * MIB]).await;
        assert!(!cluster.handle.sizes().skew("orders").unwrap().skewed);
        cluster.weigh(&[10 * MIB, 90 * MIB]);
        cluster.weighed().await;
        assert_eq!(cluster.woken_for_orders(), 1);
        let sizes = cluster.handle.sizes();
        let skew = sizes.skew("orders").unwrap();
        assert_eq!((skew.skewed, skew.partition, skew.share), (true, 1, 90));
        cluster.weigh(&[11 * MIB, 92 * MIB]);
        cluster.weighed().await;
        cluster.weighed().await;
        assert_eq!(
            cluster.woken_for_orders(),
            0,
            "a little more is nothing new"
        );
        cluster.kafka.delete_topic("orders").unwrap();
        cluster.weighed().await;
        cluster.weighed().await;
        assert!(cluster.handle.sizes().skew("orders").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn records_are_counted_where_there_are_any() {
        let cluster = with_orders(&[0, 0]).await;
        assert_eq!(cluster.kafka.count("list_offsets(end)"), 0);
        cluster.weigh(&[MIB, MIB]);
        cluster
            .kafka
            .set_offsets(at("orders", 0), 5_000, 25_000, 25_000);
        cluster.kafka.set_offsets(at("orders", 1), 0, 10, 10);
        cluster.weighed().await;
        let sizes = cluster.handle.sizes();
        let skew = sizes.skew("orders").unwrap();
        assert_eq!((skew.partition, skew.share), (0, 100));
        assert_eq!(cluster.kafka.count("list_offsets(end)"), 1);
        assert_eq!(cluster.kafka.count("list_offsets(log start)"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_is_down_takes_only_its_own_sizes_with_it() {
        let cluster = with_orders(&[7, 8]).await;
        cluster.kafka.stop_broker(1);
        cluster.weighed().await;
        cluster.weighed().await;
        let sizes = cluster.handle.sizes();
        assert_eq!(sizes.bytes(&at("orders", 0), 0), Some(7));
        assert_eq!(sizes.bytes(&at("orders", 0), 1), None);
        let before = sizes.time;
        cluster.kafka.set_reachable(false);
        tokio::time::sleep(5 * MINUTE).await;
        assert_eq!(cluster.handle.sizes().time, before, "what was known stays");
    }
}

mod random {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "c.d", "c_d", "not a name"]).prop_map(str::to_owned)
    }

    fn step() -> impl Strategy<Value = KafkaStep> {
        let replicas = || prop::sample::select(vec![vec![0, 1], vec![1, 0], vec![0], vec![9]]);
        let assignment = || prop::collection::vec(replicas(), 1..4);
        let acls = || {
            let account = prop::sample::select(vec!["x", "y", "z"]);
            prop::collection::btree_set(account.prop_map(reading), 1..3)
        };
        prop_oneof![
            (name(), assignment()).prop_map(|(name, assignment)| {
                KafkaStep::CreateTopic(NewTopic {
                    name,
                    assignment,
                    config: BTreeMap::new(),
                })
            }),
            name().prop_map(KafkaStep::DeleteTopic),
            (name(), 1..5_usize, assignment()).prop_map(|(topic, total, assignment)| {
                KafkaStep::CreatePartitions(NewPartitions {
                    topic,
                    total,
                    assignment,
                })
            }),
            (name(), prop::sample::select(vec!["1", "2", "soon"]))
                .prop_map(|(topic, value)| KafkaStep::AlterConfig(retention(&topic, value))),
            acls().prop_map(KafkaStep::CreateAcls),
            acls().prop_map(KafkaStep::DeleteAcls),
            (name(), 0..3, replicas()).prop_map(|(topic, partition, replicas)| {
                KafkaStep::Reassign(vec![moved(&topic, partition, &replicas)])
            }),
            (name(), 0..3).prop_map(|(topic, partition)| {
                KafkaStep::ElectPreferred(BTreeSet::from([at(&topic, partition)]))
            }),
            (0..3, prop::sample::select(vec!["1", "2", "fast"]))
                .prop_map(|(broker, rate)| KafkaStep::AlterBrokerConfig(throttle(broker, rate))),
            (prop::sample::select(vec!["x", "y"]), 0..3_u8).prop_map(|(account, rate)| {
                let who = Principal::service_account("shop", account);
                KafkaStep::AlterQuotas(BTreeMap::from([(who, writing(rate.into()))]))
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is asked, by however many at a time: each is answered step by step, and the view is the truth.
        #[test]
        fn the_view_is_the_truth_after_every_answer(
            rounds in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(step(), 0..4), 1..4), 1..5),
            slow in 0..3_u32,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let cluster = watch(two_brokers());
                cluster.reachable().await;
                cluster.kafka.set_slow_to_show(slow);
                for requests in rounds {
                    let lengths: Vec<_> = requests.iter().map(Vec::len).collect();
                    let answers = join_all(requests.into_iter().map(|steps| cluster.handle.apply(steps))).await;
                    let answered: Vec<_> = answers.iter().map(Vec::len).collect();
                    prop_assert_eq!(lengths, answered);
                    prop_assert!(cluster.shows_the_truth(), "{:?} is not {:?}", cluster.view(), cluster.kafka.topics());
                }
                Ok(())
            })?;
        }
    }
}
