#![allow(clippy::unwrap_used, clippy::expect_used)]

//! Many Topics at once, beside an API server and a Kafka in memory: what is written, what is asked, what an operator that dies
//! leaves to the next.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use clap::Parser;
use futures::stream;
use kube::Client;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{access, topic};
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

/// Plural, namespace and name.
type Key = (String, String, String);
/// Told each write, such as `topics/status`; gives the code to fail it with, 0 for a connection that breaks.
type Trouble = Arc<dyn Fn(&str) -> Option<u16> + Send + Sync>;

#[derive(Default)]
struct Inner {
    version: u64,
    objects: BTreeMap<Key, Value>,
    history: Vec<(u64, String, String)>,
    writes: BTreeMap<String, usize>,
    trouble: Option<Trouble>,
}

/// An API server as far as these tests need one.
#[derive(Clone)]
struct Api {
    inner: Arc<Mutex<Inner>>,
    latest: watch::Sender<u64>,
}

impl Api {
    fn new() -> Self {
        Self {
            inner: Arc::default(),
            latest: watch::channel(0).0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { api.answer(request).await }
        });
        Client::new(service, "default")
    }

    fn put(&self, plural: &str, mut object: Value) {
        let mut inner = self.lock();
        let text = |field: &str| {
            object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let key = (plural.to_owned(), text("namespace"), text("name"));
        let generation = inner
            .objects
            .get(&key)
            .and_then(|o| o["metadata"]["generation"].as_i64())
            .unwrap_or(0);
        let status = inner.objects.get(&key).map(|o| o["status"].clone());
        object["metadata"]["uid"] = json!(format!("uid-of-{}", key.2));
        object["metadata"]["generation"] = json!(generation + 1);
        object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        if let Some(status) = status {
            object["status"] = status;
        }
        inner.store(&key, object);
        self.latest.send_replace(inner.version);
    }

    fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        self.lock().objects.get(&key).cloned()
    }

    fn fail(&self, trouble: impl Fn(&str) -> Option<u16> + Send + Sync + 'static) {
        self.lock().trouble = Some(Arc::new(trouble));
    }

    fn mend(&self) {
        self.lock().trouble = None;
    }

    /// Writes that succeeded, by kind, since this was last asked.
    fn take_writes(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.lock().writes)
    }

    async fn answer(
        &self,
        request: Request<kube::client::Body>,
    ) -> Result<Response<Body>, std::io::Error> {
        let (head, body) = request.into_parts();
        let parts: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
        let rest = if parts[0] == "api" {
            &parts[2..]
        } else {
            &parts[3..]
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let query = head.uri.query().unwrap_or_default();
        let plural = rest[0].to_owned();
        if head.method == Method::GET {
            return Ok(match rest.get(1) {
                Some(name) => match self.get(&plural, namespace, name) {
                    Some(object) => told(StatusCode::OK, &object),
                    None => failed(404),
                },
                None if query.contains("watch=true") => self.watch(plural, query),
                None => self.list(&plural),
            });
        }
        let write = [&[plural.as_str()][..], &rest[2.min(rest.len())..]]
            .concat()
            .join("/");
        let trouble = self.lock().trouble.clone();
        match trouble.and_then(|trouble| trouble(&write)) {
            Some(0) => return Err(std::io::Error::other("connection reset")),
            Some(code) => return Ok(failed(code)),
            None => {}
        }
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        let sent: Value = serde_json::from_slice(&body).unwrap();
        let mut inner = self.lock();
        *inner.writes.entry(write).or_default() += 1;
        if plural == "events" {
            return Ok(told(StatusCode::CREATED, &sent));
        }
        let key = (plural, namespace.to_owned(), rest[1].to_owned());
        let Some(mut object) = inner.objects.get(&key).cloned().or_else(|| {
            (key.0 == "configmaps")
                .then(|| json!({ "metadata": { "name": key.2, "namespace": key.1 } }))
        }) else {
            return Ok(failed(404));
        };
        let named = &sent["metadata"]["resourceVersion"];
        if named.is_string() && *named != object["metadata"]["resourceVersion"] {
            return Ok(failed(409));
        }
        match (rest.get(2), key.0.as_str()) {
            (Some(&"status"), _) => object["status"] = sent["status"].clone(),
            (_, "configmaps") => object = sent.clone(),
            _ => object["metadata"]["finalizers"] = sent["metadata"]["finalizers"].clone(),
        }
        let object = inner.store(&key, object);
        self.latest.send_replace(inner.version);
        Ok(told(StatusCode::OK, &object))
    }

    fn list(&self, plural: &str) -> Response<Body> {
        let inner = self.lock();
        let items: Vec<&Value> = inner
            .objects
            .iter()
            .filter(|(key, _)| key.0 == plural)
            .map(|(_, object)| object)
            .collect();
        let version = inner.version.to_string();
        told(
            StatusCode::OK,
            &json!({ "kind": "List", "metadata": { "resourceVersion": version }, "items": items }),
        )
    }

    fn watch(&self, plural: String, query: &str) -> Response<Body> {
        let since = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("resourceVersion="));
        let state = (
            self.clone(),
            self.latest.subscribe(),
            since.unwrap().parse().unwrap(),
        );
        let lines = stream::unfold(
            state,
            move |(api, mut latest, since): (Api, watch::Receiver<u64>, u64)| {
                let plural = plural.clone();
                async move {
                    loop {
                        latest.borrow_and_update();
                        let (lines, seen) = api.lock().since(&plural, since);
                        if !lines.is_empty() {
                            return Some((
                                Ok::<_, Infallible>(Bytes::from(lines)),
                                (api, latest, seen),
                            ));
                        }
                        latest.changed().await.ok()?;
                    }
                }
            },
        );
        Response::new(Body::from_stream(lines))
    }
}

impl Inner {
    fn store(&mut self, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if self.objects.contains_key(key) {
            "MODIFIED"
        } else {
            "ADDED"
        };
        let event = json!({ "type": kind, "object": object }).to_string();
        self.history
            .push((self.version, key.0.clone(), event + "\n"));
        self.objects.insert(key.clone(), object.clone());
        object
    }

    fn since(&self, plural: &str, version: u64) -> (String, u64) {
        let from = self.history.partition_point(|(at, _, _)| *at <= version);
        let later = self.history[from..]
            .iter()
            .filter(|(_, of, _)| of == plural);
        (
            later.map(|(_, _, line)| line.as_str()).collect(),
            self.version,
        )
    }
}

fn told(status: StatusCode, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn failed(code: u16) -> Response<Body> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "trouble",
        "reason": match code { 404 => "NotFound", 409 => "Conflict", _ => "Trouble" },
        "code": code, "details": { "retryAfterSeconds": if code == 429 { 1 } else { 0 } },
    });
    told(StatusCode::from_u16(code).unwrap(), &body)
}

/// What outlives an operator.
struct House {
    api: Api,
    kafka: Arc<FakeKafka>,
}

/// An operator that lives until it is dropped.
struct Operator {
    _tasks: JoinSet<()>,
}

fn house() -> House {
    let api = Api::new();
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
    let kafka = Arc::new(FakeKafka::new([
        (0, Some("a")),
        (1, Some("b")),
        (2, Some("c")),
    ]));
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
    assert_eq!(house.journal(), "uid-of-orders orders\n");
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
        "uid-of-orders orders\n",
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
