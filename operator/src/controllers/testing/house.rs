use std::{future::Future, sync::Arc, time::Duration};

use clap::Parser;
use millrace_crds::Topic;
use prometheus_client::encoding::text::encode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::FakeApi;
use crate::{
    config::Config,
    context::Context,
    controllers::{access, consumer_group, dlq, redrive, schema, topic},
    kafka::{Credentials, FakeKafka},
    registry::FakeRegistries,
    telemetry::Metrics,
    world::{ClusterKey, Periods, ViewState, World, start},
};

/// Between two looks at Kafka.
const VIEW_PERIOD: Duration = Duration::from_secs(5);
/// No test waits longer than this, in the time of the paused clock.
const DEADLINE: Duration = Duration::from_secs(600);

/// What outlives an operator: the API server, Kafka and the registries. It has a KafkaCluster `kafka/main`, whose namespace may use any name, and a
/// namespace `team` that may use names that begin with `team.`.
pub struct House {
    pub api: FakeApi,
    pub kafka: Arc<FakeKafka>,
    pub registries: Arc<FakeRegistries>,
}

/// An operator that lives.
pub struct Operator {
    pub context: Arc<Context>,
    _tasks: JoinSet<()>,
}

impl House {
    pub fn new() -> Self {
        let brokers = [(0, Some("a")), (1, Some("b")), (2, Some("c"))];
        let kafka = Arc::new(FakeKafka::new(brokers));
        let house = Self {
            api: FakeApi::new(kafka.fuse()),
            kafka,
            registries: Arc::default(),
        };
        for namespace in ["kafka", "team"] {
            house.namespace(namespace);
        }
        house.cluster(&["team."]);
        house
    }

    pub fn namespace(&self, name: &str) {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "team": name } } });
        self.api.put("namespaces", namespace);
    }

    /// Lets a namespace be on its way out, with its content not gone yet.
    pub fn terminate_namespace(&self, name: &str) {
        self.api.hold("namespaces", "", name);
        self.api.delete("namespaces", "", name);
    }

    /// Lets namespace `team` use names with these prefixes.
    pub fn cluster(&self, prefixes: &[&str]) {
        let namespaces: Vec<Value> = prefixes
            .iter()
            .map(|prefix| json!({ "selector": { "matchLabels": { "team": "team" } }, "prefixes": [prefix] }))
            .collect();
        self.api.put(
            "kafkaclusters",
            json!({
                "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
                "metadata": { "name": "main", "namespace": "kafka" },
                "spec": { "namespaces": namespaces },
            }),
        );
    }

    /// Lets the KafkaCluster have this schema registry, and nobody but its own namespace use it.
    pub fn registry(&self, url: &str) {
        self.api.put(
            "kafkaclusters",
            json!({
                "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
                "metadata": { "name": "main", "namespace": "kafka" },
                "spec": { "schemaRegistry": { "url": url } },
            }),
        );
    }

    /// Applies a Topic, DLQ, ConsumerGroup, Schema or Redrive.
    pub fn put(&self, kind: &str, namespace: &str, name: &str, spec: Value) {
        self.put_annotated(kind, namespace, name, json!({}), spec);
    }

    pub fn put_annotated(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        annotations: Value,
        mut spec: Value,
    ) {
        spec["clusterRef"] = json!({ "name": "main", "namespace": "kafka" });
        self.api.put(
            plural(kind),
            json!({
                "apiVersion": "millrace.dev/v1alpha1", "kind": kind,
                "metadata": { "name": name, "namespace": namespace, "annotations": annotations },
                "spec": spec,
            }),
        );
    }

    pub fn delete(&self, kind: &str, namespace: &str, name: &str) {
        self.api.delete(plural(kind), namespace, name);
    }

    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.api.get(plural(kind), namespace, name)
    }

    /// A condition as `True/Reason: message`; empty where there is none.
    pub fn condition(&self, kind: &str, namespace: &str, name: &str, condition: &str) -> String {
        let object = self.get(kind, namespace, name).unwrap_or_default();
        let conditions = object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions.iter().find(|c| c["type"] == condition);
        let text = |c: &Value, field: &str| c[field].as_str().unwrap_or_default().to_owned();
        found
            .map(|c| {
                format!(
                    "{}/{}: {}",
                    text(c, "status"),
                    text(c, "reason"),
                    text(c, "message")
                )
            })
            .unwrap_or_default()
    }

    /// Runs `life` beside a new operator, on a clock of their own. All tasks of the operator end with it, wherever they are.
    pub fn live<T>(&self, life: impl AsyncFnOnce(&Operator) -> T) -> T {
        block_on(async {
            let operator = self.start().await;
            life(&operator).await
        })
    }

    /// Lives until the fuse is blown, or nothing happens any more; says whether it came to rest.
    pub fn live_until_dead_or_quiet(&self, life: impl AsyncFnOnce(&Operator)) -> bool {
        let fuse = self.kafka.fuse();
        block_on(async {
            let whole = async {
                let operator = self.start().await;
                life(&operator).await;
                self.quiet().await;
            };
            tokio::select! {
                () = fuse.blown() => false,
                () = whole => true,
            }
        })
    }

    async fn start(&self) -> Operator {
        let client = self.api.client();
        let mut tasks = JoinSet::new();
        let world = World::open(&client, &mut tasks);
        world.ready().await.unwrap();
        let metrics = Metrics::default();
        let periods = Periods {
            view: VIEW_PERIOD,
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
        let (mut context, requests) = Context::new(client, config(), world, metrics).unwrap();
        context.registries = self.registries.clone();
        let context = Arc::new(context);
        let stop = CancellationToken::new();
        tasks.spawn(access::run(context.clone(), requests, stop.clone()));
        // It listens before there is something to hear.
        tokio::task::yield_now().await;
        let handle = start(
            key.clone(),
            credentials,
            self.kafka.clients(),
            periods,
            context.world.waker.clone(),
            context.metrics.clone(),
        );
        context.world.clusters.insert(key, handle.clone());
        while matches!(handle.view(), ViewState::Pending) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tasks.spawn(topic::run(context.clone(), stop.clone()));
        tasks.spawn(dlq::run(context.clone(), stop.clone()));
        tasks.spawn(consumer_group::run(context.clone(), stop.clone()));
        tasks.spawn(redrive::run(context.clone(), stop.clone()));
        tasks.spawn(schema::run(context.clone(), stop));
        Operator {
            context,
            _tasks: tasks,
        }
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while !is_so() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{what}: not within {DEADLINE:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing has been written for longer than a look takes to come.
    pub async fn quiet(&self) {
        let mut before = None;
        loop {
            let now = (self.api.version(), self.kafka.topics(), self.kafka.acls());
            if before.as_ref() == Some(&now) {
                return;
            }
            before = Some(now);
            tokio::time::sleep(VIEW_PERIOD * 2).await;
        }
    }
}

impl Operator {
    /// The Topics as the operator knows them.
    pub fn topics(&self) -> Vec<Arc<Topic>> {
        self.context.world.stores.topics.state()
    }

    /// How often objects of a kind were reconciled, as the metrics have it.
    pub fn reconciles(&self, kind: &str) -> String {
        let mut text = String::new();
        encode(&mut text, &self.context.metrics.registry()).unwrap();
        let line = format!("millrace_reconcile_duration_seconds_count{{kind=\"{kind}\"}} ");
        let mut lines = text.lines();
        let found = lines.find_map(|found| found.strip_prefix(&line));
        found.unwrap_or("0").to_owned()
    }
}

fn plural(kind: &str) -> &'static str {
    match kind {
        "Topic" => "topics",
        "DLQ" => "dlqs",
        "ConsumerGroup" => "consumergroups",
        "ConfigMap" => "configmaps",
        "Redrive" => "redrives",
        _ => "schemas",
    }
}

fn config() -> Config {
    Config::parse_from([
        "millrace-operator",
        "--broker-image=broker",
        "--registry-image=registry",
        "--namespace=millrace",
        "--pod-name=millrace-0",
    ])
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
