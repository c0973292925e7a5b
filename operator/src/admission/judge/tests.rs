mod hostile;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::ConfigMap;
use millrace_crds::Compatibility;
use serde_json::{Value, json};

use super::*;
use crate::{
    admission::review,
    conformance::SchemaId,
    kafka::{Acl, ObservedBroker, ObservedPartition, ObservedTopic},
    registry::{
        Against, FakeRegistries, KnownId, NewSchema, Registered, RegistryError, SchemaRegistry,
        Verdict,
    },
    resolve::{Amount, Claimant, Limits, Name, Share},
    world::{Claim, Claims, ClusterKey, Holdings, View, ViewState, Wake},
};

const URL: &str = "http://registry.test";
const V1: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"}]}"#;
const BREAKING: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"carrier","type":"string"}]}"#;

/// One KafkaCluster `kafka/main` with a registry, and the namespaces `kafka`, `flights` (granted `flights.`) and `stranger`.
#[derive(Default)]
struct Known {
    granted: Mutex<bool>,
    claims: Claims,
    holdings: Holdings,
    view: Option<ViewState>,
}

impl Views for Known {
    fn view(&self, _: &ClusterKey) -> Option<ViewState> {
        self.view.clone()
    }
}

fn set(flag: &Mutex<bool>) {
    *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
}

impl Facts for Known {
    fn cluster(&self, key: &ClusterKey) -> Option<Arc<KafkaCluster>> {
        let granted = *self.granted.lock().unwrap();
        let mut namespaces = vec![
            json!({ "selector": { "matchLabels": { "team": "flights" } }, "prefixes": ["flights."], "limits": { "topics": 2, "partitions": 10 } }),
        ];
        if granted {
            namespaces.push(json!({ "selector": { "matchLabels": { "team": "stranger" } }, "prefixes": ["stranger."] }));
        }
        let cluster = json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
            "metadata": { "name": "main", "namespace": "kafka" },
            "spec": { "schemaRegistry": { "url": URL }, "namespaces": namespaces },
        });
        (key.to_string() == "kafka/main")
            .then(|| Arc::new(serde_json::from_value(cluster).unwrap()))
    }
    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        Some(BTreeMap::from([("team".to_owned(), namespace.to_owned())]))
    }
    fn topic(&self, _: &str, _: &str) -> Option<Arc<Topic>> {
        None
    }
    fn dlq(&self, _: &str, _: &str) -> Option<Arc<Dlq>> {
        None
    }
    fn schema(&self, _: &str, _: &str) -> Option<Arc<Schema>> {
        None
    }
    fn schema_texts(&self, _: &str, _: &str) -> Option<Arc<ConfigMap>> {
        None
    }
    fn claimants(&self, cluster: &ClusterKey, name: &Name) -> Vec<Claimant> {
        self.claims.claimants(cluster, name)
    }
    fn others_under(
        &self,
        cluster: &ClusterKey,
        prefix: &str,
        home: &str,
    ) -> Vec<(String, Claimant)> {
        self.claims.others_under(cluster, prefix, home)
    }
    fn used_before(
        &self,
        cluster: &ClusterKey,
        me: &Claimant,
        mine: Share,
        limits: Limits,
    ) -> Amount {
        self.holdings.before(cluster, me, mine, limits)
    }
}

fn judge(facts: Arc<Known>, registries: Arc<dyn Registries>) -> Judge {
    let image = || "image".to_owned();
    Judge {
        views: facts.clone(),
        facts,
        waker: Waker::default(),
        registries,
        images: Images {
            broker: image(),
            registry: image(),
            pull_policy: "IfNotPresent".to_owned(),
        },
    }
}

fn plain() -> Judge {
    judge(Arc::default(), Arc::new(FakeRegistries::default()))
}

fn object(kind: &str, namespace: &str, name: &str, mut spec: Value) -> Value {
    spec["clusterRef"] = json!({ "name": "main", "namespace": "kafka" });
    json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": kind,
        "metadata": { "name": name, "namespace": namespace, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": spec,
    })
}

fn review(operation: &str, object: &Value, old: Option<&Value>) -> Vec<u8> {
    reviewed(operation, object, old, false)
}

fn dry_run(operation: &str, object: &Value, old: Option<&Value>) -> Vec<u8> {
    reviewed(operation, object, old, true)
}

fn reviewed(operation: &str, object: &Value, old: Option<&Value>, dry_run: bool) -> Vec<u8> {
    let named = old.unwrap_or(object);
    let kind = json!({ "group": "millrace.dev", "version": "v1alpha1", "kind": named["kind"] });
    let request = json!({
        "uid": "1", "kind": kind, "resource": { "group": "millrace.dev", "version": "v1alpha1", "resource": "x" },
        "requestKind": kind, "requestResource": { "group": "millrace.dev", "version": "v1alpha1", "resource": "x" },
        "name": named["metadata"]["name"], "namespace": named["metadata"]["namespace"], "operation": operation,
        "userInfo": {}, "object": object, "oldObject": old, "dryRun": dry_run,
    });
    let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request });
    serde_json::to_vec(&review).unwrap()
}

#[derive(Debug, PartialEq)]
enum Said {
    Admitted,
    Warned(String),
    Denied(String),
}

async fn ask(judge: &Judge, body: &[u8]) -> Said {
    let answer = serde_json::to_value(review::answer(judge, body).await.unwrap()).unwrap();
    let response = &answer["response"];
    assert_eq!(response["uid"], "1");
    match (
        response["allowed"].as_bool().unwrap(),
        response["warnings"][0].as_str(),
    ) {
        (true, None) => Said::Admitted,
        (true, Some(warning)) => Said::Warned(warning.to_owned()),
        (false, _) => Said::Denied(response["status"]["message"].as_str().unwrap().to_owned()),
    }
}

/// The warnings of an answer that admits.
async fn told(judge: &Judge, body: &[u8]) -> Vec<String> {
    let answer = serde_json::to_value(review::answer(judge, body).await.unwrap()).unwrap();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    serde_json::from_value(answer["response"]["warnings"].clone()).unwrap_or_default()
}

async fn create(judge: &Judge, object: &Value) -> Said {
    ask(judge, &review("CREATE", object, None)).await
}

fn denied(said: Said, part: &str) {
    match said {
        Said::Denied(message) if message.contains(part) => {}
        other => panic!("a refusal with {part:?} was expected: {other:?}"),
    }
}

fn warned(said: Said, part: &str) {
    match said {
        Said::Warned(message) if message.contains(part) => {}
        other => panic!("a warning with {part:?} was expected: {other:?}"),
    }
}

fn topic(namespace: &str, name: &str) -> Value {
    object("Topic", namespace, name, json!({ "partitions": 1 }))
}

fn schema(text: &str, level: &str) -> Value {
    let mut schema = object(
        "Schema",
        "flights",
        "departures",
        json!({ "subject": "flights.departures-value", "schema": text, "compatibility": level }),
    );
    schema["status"] = json!({ "subject": "flights.departures-value" });
    schema
}

async fn with_version(text: &str, level: Compatibility) -> Judge {
    let registries = FakeRegistries::default();
    let registry = registries.fake(URL);
    let new = NewSchema {
        schema_type: millrace_crds::SchemaType::Avro,
        text: text.to_owned(),
        references: Vec::new(),
    };
    registry
        .register("flights.departures-value", &new)
        .await
        .unwrap();
    registry
        .set_level("flights.departures-value", level)
        .await
        .unwrap();
    judge(Arc::default(), Arc::new(registries))
}

#[tokio::test(start_paused = true)]
async fn names_without_a_grant_are_refused() {
    assert_eq!(
        create(&plain(), &topic("flights", "flights.departures")).await,
        Said::Admitted
    );
    denied(
        create(&plain(), &topic("flights", "departures")).await,
        "must begin with `flights.`",
    );
    denied(
        create(&plain(), &topic("stranger", "stranger.x")).await,
        "namespace `stranger` may not use KafkaCluster kafka/main",
    );
    denied(
        create(&plain(), &topic("kafka", "__mine")).await,
        "are the cluster's own",
    );
    let group = object(
        "ConsumerGroup",
        "flights",
        "late",
        json!({ "topics": [{ "name": "x" }], "serviceAccountName": "a" }),
    );
    denied(create(&plain(), &group).await, "group id `late`");
    let dlq = object("DLQ", "flights", "dead", json!({ "partitions": 1 }));
    denied(create(&plain(), &dlq).await, "topic `dead`");
    let subject = object(
        "Schema",
        "flights",
        "s",
        json!({ "subject": "theirs-value", "schema": V1 }),
    );
    denied(create(&plain(), &subject).await, "subject `theirs-value`");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_resource_holds_is_refused() {
    let known = Known::default();
    let holder: Topic = serde_json::from_value(topic("flights", "flights.departures")).unwrap();
    known.claims.put(vec![Claim::of(
        &holder,
        &holder.spec.cluster_ref,
        Name::Topic("flights.departures".into()),
    )]);
    let judge = judge(Arc::new(known), Arc::new(FakeRegistries::default()));
    let mut second = topic("flights", "second");
    second["spec"]["topicName"] = json!("flights.departures");
    second["metadata"]["creationTimestamp"] = json!("2026-01-02T00:00:00Z");
    denied(
        create(&judge, &second).await,
        "is held by Topic flights/flights.departures",
    );
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_arrives_a_moment_later_counts() {
    let known = Arc::new(Known::default());
    let judge = judge(known.clone(), Arc::new(FakeRegistries::default()));
    let waker = judge.waker.clone();
    let stranger = topic("stranger", "stranger.x");
    let late = async {
        tokio::time::sleep(NEWS_DEADLINE / 2).await;
        set(&known.granted);
        waker.wake(Wake::Cluster(ClusterKey {
            namespace: "kafka".into(),
            name: "main".into(),
        }));
    };
    let (said, ()) = tokio::join!(create(&judge, &stranger), late);
    assert_eq!(said, Said::Admitted);
}

#[tokio::test]
async fn what_cannot_be_told_yet_is_admitted() {
    let mut elsewhere = topic("flights", "departures");
    elsewhere["spec"]["clusterRef"]["name"] = json!("not-yet");
    assert_eq!(create(&plain(), &elsewhere).await, Said::Admitted);
}

#[tokio::test]
async fn only_a_changed_spec_is_looked_at() {
    let old = topic("stranger", "x");
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({ "a": "b" });
    assert_eq!(
        ask(&plain(), &review("UPDATE", &labelled, Some(&old))).await,
        Said::Admitted
    );
    let mut going = old.clone();
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    going["spec"]["partitions"] = json!(2);
    assert_eq!(
        ask(&plain(), &review("UPDATE", &going, Some(&old))).await,
        Said::Admitted
    );
    assert_eq!(
        ask(&plain(), &review("DELETE", &Value::Null, Some(&old))).await,
        Said::Admitted
    );
}

#[tokio::test]
async fn a_breaking_schema_is_refused_in_the_registrys_words() {
    let judge = with_version(V1, Compatibility::Backward).await;
    let said = ask(
        &judge,
        &review(
            "UPDATE",
            &schema(BREAKING, "Backward"),
            Some(&schema(V1, "Backward")),
        ),
    )
    .await;
    denied(
        said,
        "incompatible with version 1 of subject `flights.departures-value` at the level Backward: ",
    );
    assert_eq!(
        create(&judge, &schema(V1, "Backward")).await,
        Said::Admitted
    );
}

#[tokio::test]
async fn a_text_that_is_no_schema_is_refused() {
    let unnamed = r#"{"type":"record"}"#;
    denied(
        create(&plain(), &schema(unnamed, "Backward")).await,
        "subject `flights.departures-value`: spec.schema is not an Avro schema",
    );
    denied(
        create(&plain(), &schema("{", "Backward")).await,
        "spec.schema is not an Avro schema",
    );
}

#[tokio::test]
async fn judging_writes_nothing() {
    let registries = Arc::new(FakeRegistries::default());
    let judge = judge(Arc::default(), registries.clone());
    assert_eq!(create(&judge, &schema(V1, "Full")).await, Said::Admitted);
    assert!(registries.fake(URL).take_writes().is_empty());
}

#[tokio::test]
async fn a_level_that_is_not_stored_yet_cannot_be_judged_by() {
    let judge = with_version(V1, Compatibility::Full).await;
    warned(
        create(&judge, &schema(BREAKING, "Backward")).await,
        "only when subject",
    );
    assert_eq!(
        create(&judge, &schema(BREAKING, "None")).await,
        Said::Admitted
    );
}

#[tokio::test]
async fn a_dry_run_hears_of_the_steps_in_the_registry() {
    let judge = with_version(V1, Compatibility::Full).await;
    let asked = |text: &str, level: &str| dry_run("CREATE", &schema(text, level), None);
    assert_eq!(
        told(&judge, &asked(V1, "Full")).await,
        ["plan: nothing to do in Kafka"]
    );
    assert_eq!(
        told(&judge, &asked(BREAKING, "None")).await,
        [
            "plan: set the level of subject `flights.departures-value` to None",
            "plan: register the schema as version 2 of subject `flights.departures-value`",
        ]
    );
    denied(
        ask(&judge, &asked(BREAKING, "Full")).await,
        "the schema is incompatible with version 1",
    );
    let mut waiting = schema(V1, "Full");
    waiting["spec"]["references"] =
        json!([{ "name": "dev.Carrier", "schemaRef": { "name": "carrier" } }]);
    let said = told(&judge, &dry_run("CREATE", &waiting, None)).await;
    assert!(
        said[0]
            .starts_with("plan: not known, ReferenceNotFound: there is no Schema flights/carrier"),
        "{said:?}"
    );
    assert_eq!(create(&judge, &waiting).await, Said::Admitted);
}

#[tokio::test]
async fn a_version_that_is_missing_is_warned_of() {
    let judge = with_version(V1, Compatibility::Full).await;
    let mut waiting = schema(V1, "Full");
    waiting["spec"]["references"] = json!([
        { "name": "dev.Carrier", "subject": "flights.carrier", "version": 4 }
    ]);
    warned(
        create(&judge, &waiting).await,
        "version 4 of subject `flights.carrier`",
    );
}

#[tokio::test]
async fn a_foreign_subject_is_warned_of() {
    let judge = with_version(V1, Compatibility::Backward).await;
    let mut foreign = schema(V1, "Backward");
    foreign["status"] = Value::Null;
    warned(create(&judge, &foreign).await, "adopt: true");
}

#[tokio::test]
async fn a_registry_that_is_away_refuses_nothing() {
    let registries = FakeRegistries::default();
    registries.fake(URL).set_unreachable(true);
    let judge = judge(Arc::default(), Arc::new(registries));
    warned(
        create(&judge, &schema(r#"{"type":"record"}"#, "Backward")).await,
        "could not be checked",
    );
}

/// A registry that never answers.
struct Silent;

impl Registries for Silent {
    fn at(&self, _: &str) -> Arc<dyn SchemaRegistry> {
        Arc::new(Silent)
    }
}

#[async_trait]
impl SchemaRegistry for Silent {
    async fn versions(&self, _: &str) -> Result<Vec<i32>, RegistryError> {
        std::future::pending().await
    }
    async fn lookup(&self, _: &str, _: &NewSchema) -> Result<Option<Registered>, RegistryError> {
        std::future::pending().await
    }
    async fn check(&self, _: &str, _: &NewSchema, _: Against) -> Result<Verdict, RegistryError> {
        std::future::pending().await
    }
    async fn register(&self, _: &str, _: &NewSchema) -> Result<Registered, RegistryError> {
        std::future::pending().await
    }
    async fn level(&self, _: &str) -> Result<Option<Compatibility>, RegistryError> {
        std::future::pending().await
    }
    async fn set_level(&self, _: &str, _: Compatibility) -> Result<(), RegistryError> {
        std::future::pending().await
    }
    async fn delete(&self, _: &str, _: bool) -> Result<(), RegistryError> {
        std::future::pending().await
    }
    async fn subjects_of(&self, _: SchemaId) -> Result<KnownId, RegistryError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_hangs_does_not_hold_the_apply_up() {
    let begun = tokio::time::Instant::now();
    let judge = judge(Arc::default(), Arc::new(Silent));
    warned(
        create(&judge, &schema(V1, "Backward")).await,
        "within 2 seconds",
    );
    assert!(begun.elapsed() <= DEADLINE + Duration::from_millis(10));
}

#[tokio::test]
async fn a_cluster_with_overlapping_prefixes_or_an_unknown_version_is_refused() {
    let grant = |prefix: &str| json!({ "selector": {}, "prefixes": [prefix] });
    let overlapping = object(
        "KafkaCluster",
        "kafka",
        "main",
        json!({ "namespaces": [grant("a."), grant("a.b.")] }),
    );
    denied(create(&plain(), &overlapping).await, "`a.`");
    let old = object(
        "KafkaCluster",
        "kafka",
        "main",
        json!({ "version": "2.0.0" }),
    );
    denied(create(&plain(), &old).await, "spec.version");
}

#[tokio::test]
async fn a_body_that_is_no_review_is_told_so() {
    for body in [
        &b"{"[..],
        b"[]",
        b"{}",
        br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
        b"\xff",
    ] {
        let refusal = review::answer(&plain(), body).await.unwrap_err();
        let message = refusal.response.unwrap().result.message;
        assert!(message.contains("AdmissionReview"), "{message}");
    }
    let mut unreadable = topic("kafka", "x");
    unreadable["spec"]["partitions"] = json!("many");
    warned(
        create(&plain(), &unreadable).await,
        "cannot read the resource",
    );
}

/// Enters what topics of namespace `flights` that are there have, with their partitions.
fn holding(topics: &[(&str, usize)]) -> Arc<Known> {
    let known = Known::default();
    for (name, partitions) in topics {
        let who = Claimant {
            created: "2025-01-01T00:00:00Z".parse().unwrap(),
            uid: (*name).to_owned(),
            kind: "Topic".to_owned(),
            namespace: "flights".to_owned(),
            name: (*name).to_owned(),
        };
        let cluster = ClusterKey {
            namespace: "kafka".to_owned(),
            name: "main".to_owned(),
        };
        let share = Share::of(*partitions, Some(*partitions));
        known.holdings.put(&who, cluster, share);
    }
    Arc::new(known)
}

#[tokio::test(start_paused = true)]
async fn a_topic_over_the_limit_is_refused_and_growth_over_it_is_warned_of() {
    let registries = || Arc::new(FakeRegistries::default());
    let full = judge(holding(&[("flights.a", 3), ("flights.b", 3)]), registries());
    denied(
        create(&full, &topic("flights", "flights.c")).await,
        "namespace `flights` has 2 of at most 2 topics on KafkaCluster kafka/main",
    );
    denied(
        create(&full, &object("DLQ", "flights", "flights.dead", json!({}))).await,
        "limits.topics",
    );
    let mut grown = object("Topic", "flights", "flights.a", json!({ "partitions": 9 }));
    grown["status"] = json!({ "topicName": "flights.a", "partitions": 3 });
    let mut before = grown.clone();
    before["spec"]["partitions"] = json!(3);
    warned(
        ask(&full, &review("UPDATE", &grown, Some(&before))).await,
        "asks for 9 partitions and has 3: namespace `flights` has 6 of at most 10 partitions",
    );
    let room = judge(holding(&[("flights.a", 3)]), registries());
    assert_eq!(
        create(&room, &topic("flights", "flights.c")).await,
        Said::Admitted
    );
}

/// A judge that sees three brokers, `flights.departures` with two partitions, and what `flights/feed` may do to it.
fn with_view() -> Judge {
    let broker = |id: i32| (id, ObservedBroker { rack: None });
    let mut view = View::default();
    view.cluster.brokers = [broker(0), broker(1), broker(2)].into();
    let partition = ObservedPartition {
        leader: Some(0),
        replicas: vec![0, 1, 2],
        isr: vec![0, 1, 2],
    };
    let topic = ObservedTopic {
        id: "id".to_owned(),
        partitions: vec![partition; 2],
        ..ObservedTopic::default()
    };
    view.topics = [("flights.departures".to_owned(), Arc::new(topic))].into();
    view.acls = Arc::new(feeding("flights.departures"));
    let known = Known {
        view: Some(ViewState::Reachable(Arc::new(view))),
        ..Known::default()
    };
    judge(Arc::new(known), Arc::new(FakeRegistries::default()))
}

fn feeding(topic: &str) -> BTreeSet<Acl> {
    let mut made = object(
        "Topic",
        "flights",
        topic,
        json!({ "partitions": 1, "producers": [{ "serviceAccountName": "feed" }] }),
    );
    made["spec"]["topicName"] = json!(topic);
    let made: Topic = serde_json::from_value(made).unwrap();
    resolve::topic(&made, &Known::default()).unwrap().grants
}

fn managed(spec: Value) -> Value {
    let mut topic = object("Topic", "flights", "flights.departures", spec);
    topic["status"] = json!({ "topicName": "flights.departures" });
    topic
}

#[tokio::test]
async fn a_dry_run_is_told_the_plan() {
    let new = object(
        "Topic",
        "flights",
        "flights.late",
        json!({ "partitions": 2, "replicas": 2, "producers": [{ "serviceAccountName": "feed" }] }),
    );
    let words = told(&with_view(), &dry_run("CREATE", &new, None)).await;
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words[0].starts_with(
            "plan: create topic `flights.late` with 2 partitions of 2 replicas (partition 0 on brokers "
        ),
        "{words:?}"
    );
    assert_eq!(
        words[1],
        "plan: allow `User:system:serviceaccount:flights:feed` to write and describe topic `flights.late`"
    );
}

#[tokio::test]
async fn a_dry_run_is_told_what_is_not_done_beside_what_is() {
    let before = managed(json!({ "partitions": 2 }));
    let after = managed(json!({ "partitions": 1, "config": { "retention.ms": 1000 } }));
    let words = told(&with_view(), &dry_run("UPDATE", &after, Some(&before))).await;
    assert_eq!(
        words[0],
        "plan: set retention.ms=1000 on topic `flights.departures`"
    );
    assert!(
        words[1].starts_with(
            "plan: not done, PartitionsCannotShrink: topic `flights.departures` has 2 partitions"
        ),
        "{words:?}"
    );
}

#[tokio::test]
async fn a_dry_run_is_told_what_access_goes() {
    let before =
        managed(json!({ "partitions": 2, "producers": [{ "serviceAccountName": "feed" }] }));
    let after = managed(json!({ "partitions": 2 }));
    let words = told(&with_view(), &dry_run("UPDATE", &after, Some(&before))).await;
    assert_eq!(
        words,
        [
            "plan: no longer allow `User:system:serviceaccount:flights:feed` to write and describe topic `flights.departures`, unless another resource asks for it"
        ]
    );
}

#[tokio::test]
async fn a_dry_run_that_changes_nothing_in_kafka_is_told_so() {
    let before = managed(json!({ "partitions": 2 }));
    let after = managed(json!({ "partitions": 2, "owner": "ops" }));
    assert_eq!(
        told(&with_view(), &dry_run("UPDATE", &after, Some(&before))).await,
        ["plan: nothing to do in Kafka"]
    );
}

#[tokio::test]
async fn a_dry_run_says_that_a_topic_somebody_else_made_is_left_alone() {
    let foreign = topic("flights", "flights.departures");
    let words = told(&with_view(), &dry_run("CREATE", &foreign, None)).await;
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(
        words[0].starts_with("plan: not done, NotAdopted: "),
        "{words:?}"
    );
}

#[tokio::test]
async fn a_dry_run_of_what_is_only_observed_or_paused_is_told_so() {
    let before = managed(json!({ "partitions": 2 }));
    let observed = managed(json!({ "partitions": 4, "managementPolicy": "Observe" }));
    let mut paused = managed(json!({ "partitions": 4 }));
    paused["metadata"]["annotations"] = json!({ "millrace.dev/paused": "true" });
    for after in [observed, paused] {
        let words = told(&with_view(), &dry_run("UPDATE", &after, Some(&before))).await;
        assert_eq!(words, ["plan: nothing to do in Kafka"]);
    }
}

#[tokio::test]
async fn a_dry_run_says_when_the_plan_cannot_be_known() {
    let known = Known {
        view: Some(ViewState::Unreachable {
            message: "timed out".to_owned(),
        }),
        ..Known::default()
    };
    let judge = judge(Arc::new(known), Arc::new(FakeRegistries::default()));
    let words = told(
        &judge,
        &dry_run("CREATE", &topic("flights", "flights.late"), None),
    )
    .await;
    assert_eq!(
        words,
        ["plan: not known, KafkaUnreachable: KafkaCluster kafka/main does not answer (timed out)"]
    );
    let mut elsewhere = topic("flights", "flights.late");
    elsewhere["spec"]["clusterRef"]["name"] = json!("not-yet");
    let words = told(&judge, &dry_run("CREATE", &elsewhere, None)).await;
    assert!(
        words[0].starts_with("plan: not known, ClusterNotFound: "),
        "{words:?}"
    );
}

#[tokio::test]
async fn only_a_dry_run_is_told_the_plan() {
    let body = review("CREATE", &topic("flights", "flights.late"), None);
    assert!(told(&with_view(), &body).await.is_empty());
}

#[tokio::test]
async fn a_dry_run_of_a_dead_letter_queue_is_told_the_plan() {
    let dlq = object("DLQ", "flights", "flights.dead", json!({ "partitions": 1 }));
    let words = told(&with_view(), &dry_run("CREATE", &dlq, None)).await;
    assert!(
        words[0].starts_with("plan: create topic `flights.dead` with 1 partition of 3 replicas, retention.ms=1209600000"),
        "{words:?}"
    );
}
