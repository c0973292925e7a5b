#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Many Topics at once, beside an API server and a Kafka in memory: what is written, what is asked, what an operator that dies
//! leaves to the next.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use clap::Parser;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{access, testing::FakeApi, topic};
use crate::{
    config::Config,
    context::Context,
    kafka::{Credentials, FakeKafka, NewTopic},
    telemetry::Metrics,
    world::{ClusterKey, Periods, World, start},
};

const DEADLINE: Duration = Duration::from_secs(600);
/// The brokers, moves, topics, ACLs, quotas and brokers' settings.
const REQUESTS_OF_A_LOOK: usize = 6;

/// What outlives an operator.
struct House {
    api: FakeApi,
    kafka: Arc<FakeKafka>,
}

/// An operator that lives until it is dropped.
struct Operator {
    _tasks: JoinSet<()>,
}

fn house() -> House {
    let kafka = Arc::new(FakeKafka::new([
        (0, Some("a")),
        (1, Some("b")),
        (2, Some("c")),
    ]));
    let api = FakeApi::new(kafka.fuse());
    api.put(
        "namespaces",
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kafka" } }),
    );
    api.put("kafkaclusters", json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster", "metadata": { "name": "main", "namespace": "kafka" }, "spec": {},
        "status": {
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" }],
            "listeners": [{ "name": "internal", "bootstrapServers": "main.kafka.svc:9092" }],
        },
    }));
    House { api, kafka }
}

impl House {
    fn topic(&self, name: &str, partitions: usize) {
        self.api.put("topics", json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "Topic", "metadata": { "name": name, "namespace": "kafka" },
            "spec": { "clusterRef": { "name": "main" }, "partitions": partitions },
        }));
    }

    fn produced_topic(&self, name: &str) {
        self.api.put("topics", json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "Topic", "metadata": { "name": name, "namespace": "kafka" },
            "spec": { "clusterRef": { "name": "main" }, "partitions": 1, "producers": [{ "serviceAccountName": "writer" }] },
        }));
    }

    fn ready(&self, name: &str) -> Option<String> {
        let object = self.api.get("topics", "kafka", name)?;
        let conditions = object["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|c| c["type"] == "Ready")?;
        let text = |field: &str| ready[field].as_str().unwrap_or_default();
        let current = ready["observedGeneration"] == object["metadata"]["generation"];
        current.then(|| format!("{}/{}", text("status"), text("reason")))
    }

    fn is_ready(&self, name: &str) -> bool {
        self.ready(name)
            .is_some_and(|ready| ready.starts_with("True/"))
    }

    /// What the list of topics being made says while one is.
    fn being_made(&self, name: &str) -> String {
        let topic = self.api.get("topics", "kafka", name).unwrap();
        format!("{} {name}\n", topic["metadata"]["uid"].as_str().unwrap())
    }

    fn journal(&self) -> String {
        let journal = self
            .api
            .get("configmaps", "kafka", "main-creating")
            .unwrap_or_default();
        journal["data"]["topics"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Topics in creation calls.
    fn created(&self) -> usize {
        let calls = self.kafka.calls();
        calls
            .iter()
            .filter(|call| call.kind == "create_topics")
            .map(|call| call.items)
            .sum()
    }

    async fn operate(&self) -> Operator {
        let client = self.api.client();
        let mut tasks = JoinSet::new();
        let world = World::open(&client, &mut tasks);
        world.ready().await.unwrap();
        let metrics = Metrics::default();
        let periods = Periods {
            view: Duration::from_secs(15),
            groups: Duration::from_secs(2),
        };
        let credentials = Credentials {
            bootstrap_servers: String::new(),
            ca_pem: String::new(),
            certificate_pem: String::new(),
            key_pem: String::new(),
        };
        let key = ClusterKey {
            namespace: "kafka".to_owned(),
            name: "main".to_owned(),
        };
        let handle = start(
            key.clone(),
            credentials,
            self.kafka.clients(),
            periods,
            world.waker.clone(),
            metrics.clone(),
        );
        world.clusters.insert(key, handle);
        let config = Config::parse_from([
            "millrace",
            "--broker-image=b",
            "--registry-image=r",
            "--namespace=m",
            "--pod-name=m-0",
        ]);
        let (context, requests) = Context::new(client, config, world, metrics).unwrap();
        let (context, stop) = (Arc::new(context), CancellationToken::new());
        tasks.spawn(access::run(context.clone(), requests, stop.clone()));
        tasks.spawn(topic::run(context, stop));
        Operator { _tasks: tasks }
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("topic-{i:05}")).collect()
}

#[tokio::test(start_paused = true)]
async fn many_topics_cost_one_write_each_and_few_requests_and_then_nothing() {
    let count = 2_500;
    let (house, names) = (house(), names(2_500));
    let operator = house.operate().await;
    for name in &names {
        house.topic(name, 1);
    }
    let all = || names.iter().all(|name| house.is_ready(name));
    house.until("all are ready", all).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let mut writes = house.api.take_writes();
    let lists = writes.remove("configmaps").unwrap();
    assert_eq!(
        writes,
        BTreeMap::from([("topics/status".to_owned(), count)])
    );
    assert!(
        lists <= 12,
        "{lists} writes of the list of topics being made"
    );
    assert_eq!(house.journal(), "");
    assert_eq!(house.created(), count);
    let creations = house.kafka.count("create_topics");
    assert!(
        creations <= 8,
        "{creations} requests to create {count} topics"
    );

    house.kafka.forget_calls();
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(house.api.take_writes(), BTreeMap::new(), "idle");
    let asked = house.kafka.calls().len();
    assert!(
        asked <= (300 / 15 + 1) * REQUESTS_OF_A_LOOK + 300 / 60 + 1,
        "{asked} requests in five idle minutes"
    );

    let edited = Instant::now();
    house.topic(&names[1_234], 3);
    house
        .until("the edit is ready", || house.is_ready(&names[1_234]))
        .await;
    assert!(edited.elapsed() < Duration::from_secs(1));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        house.api.take_writes(),
        BTreeMap::from([("topics/status".to_owned(), 1)])
    );

    drop(operator);
    house.kafka.forget_calls();
    let _next = house.operate().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        house.api.take_writes(),
        BTreeMap::new(),
        "a restart writes nothing"
    );
    assert_eq!(house.created(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_binding_is_written_once_and_again_when_somebody_changed_it() {
    let house = house();
    house.produced_topic("orders");
    let binding = || house.api.get("configmaps", "kafka", "orders-topic");
    let operator = house.operate().await;
    house.until("ready", || house.is_ready("orders")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let written = binding().unwrap();
    assert_eq!(written["data"]["bootstrap.servers"], "main.kafka.svc:9092");

    drop(operator);
    house.api.take_writes();
    let _next = house.operate().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(house.api.take_writes(), BTreeMap::new(), "a restart");

    let mut changed = written.clone();
    changed["data"]["topic"] = json!("payments");
    house.api.put("configmaps", changed);
    let mended = || binding().is_some_and(|is| is["data"] == written["data"]);
    house.until("the binding is as before", mended).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let once = BTreeMap::from([("configmaps".to_owned(), 1)]);
    assert_eq!(house.api.take_writes(), once);
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_dies_before_the_creation_is_followed_by_one_that_makes_the_topic_once() {
    let house = house();
    house.topic("orders", 1);
    house.kafka.set_latency(Duration::from_millis(50));
    let operator = house.operate().await;
    house
        .until("it is written down", || !house.journal().is_empty())
        .await;
    assert_eq!(house.journal(), house.being_made("orders"));
    drop(operator);
    assert!(house.kafka.topics().is_empty());
    assert_eq!(house.ready("orders"), None);

    house.kafka.forget_calls();
    let _next = house.operate().await;
    house.until("ready", || house.is_ready("orders")).await;
    assert_eq!(house.created(), 1);
    house
        .until("nothing is being made", || house.journal().is_empty())
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_dies_before_the_status_is_followed_by_one_that_knows_the_topic() {
    let house = house();
    house.topic("orders", 1);
    house
        .api
        .fail(|write| (write == "topics/status").then_some(500));
    let operator = house.operate().await;
    house
        .until("made", || house.kafka.topics().contains_key("orders"))
        .await;
    let made = house.kafka.topics()["orders"].id.clone();
    tokio::time::sleep(Duration::from_secs(30)).await;
    drop(operator);
    assert_eq!(house.ready("orders"), None);
    assert_eq!(
        house.journal(),
        house.being_made("orders"),
        "what is in no status stays written down"
    );

    house.api.mend();
    let _next = house.operate().await;
    house.until("ready", || house.is_ready("orders")).await;
    assert_eq!(house.created(), 1);
    assert_eq!(house.kafka.topics()["orders"].id, made);
    let topic = house.api.get("topics", "kafka", "orders").unwrap();
    assert_eq!(topic["status"]["topicName"], "orders");
}

#[tokio::test(start_paused = true)]
async fn a_topic_somebody_else_made_is_not_taken() {
    let house = house();
    let theirs = NewTopic {
        name: "orders".to_owned(),
        assignment: vec![vec![0, 1, 2]],
        config: BTreeMap::new(),
    };
    house.kafka.create_topic(&theirs).unwrap();
    house.topic("orders", 1);
    let _operator = house.operate().await;
    house
        .until("told", || house.ready("orders").is_some())
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(house.ready("orders").unwrap(), "False/NotAdopted");
    assert_eq!((house.created(), house.journal()), (0, String::new()));
    let writes = house.api.take_writes();
    assert_eq!(writes["topics/status"], 1);
    let topic = house.api.get("topics", "kafka", "orders").unwrap();
    assert_eq!(topic["status"]["topicName"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_in_trouble_loses_nothing_and_is_written_to_once() {
    let (house, names) = (house(), names(300));
    let refusals = Arc::new(Mutex::new(0_usize));
    let counted = refusals.clone();
    house.api.fail(move |_| {
        let mut refusals = counted.lock().unwrap();
        *refusals += 1;
        (*refusals < 1_000).then(|| [429, 500, 0][*refusals % 3])
    });
    let _operator = house.operate().await;
    for name in &names {
        house.topic(name, 1);
    }
    let all = || names.iter().all(|name| house.is_ready(name));
    house.until("all are ready", all).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(*refusals.lock().unwrap() >= 1_000);
    let mut writes = house.api.take_writes();
    writes.remove("configmaps").unwrap();
    assert_eq!(
        writes,
        BTreeMap::from([("topics/status".to_owned(), names.len())])
    );
    assert_eq!(house.created(), names.len());
}
