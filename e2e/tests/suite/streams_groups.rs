//! An application of Kafka Streams (KIP-1071) is a ConsumerGroup like others: WordCountDemo, which Kafka itself brings.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use millrace_crds::{ConsumerGroup, ConsumerGroupStatus, Topic};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, resources, wait};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(90);
/// Names that WordCountDemo has written into it, and the beginning of them all.
const LINES: &str = "streams-plaintext-input";
const COUNTS: &str = "streams-wordcount-output";
const APPLICATION: &str = "streams-wordcount";
const PREFIX: &str = "streams-";

/// Applies a Topic, which is accepted once the operator knows of the prefix.
async fn topic(case: &Case, name: &str, topic_name: &str, partitions: i32) -> Result<()> {
    let spec = json!({
        "topicName": topic_name,
        "partitions": partitions,
        "producers": [{ "serviceAccountName": "app" }],
    });
    wait::answer("the prefix is granted", PATIENCE, || async {
        let applied = case.apply("Topic", name, spec.clone()).await;
        Ok(applied.map_err(|error| format!("{error:#}")))
    })
    .await?;
    case.ready::<Topic>(name).await.map(drop)
}

/// Runs the application with the group's binding: Java and Kafka's clients are in the broker's image, Kafka Streams in the probe's.
fn application(case: &Case) -> Value {
    let start = "cat /bindings/words-group/java.properties > /tmp/app.properties \
        && echo 'commit.interval.ms=1000' >> /tmp/app.properties \
        && echo 'dsl.store.suppliers.class=org.apache.kafka.streams.state.BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers' >> /tmp/app.properties \
        && exec java -Xmx128m -Dlog4j2.configurationFile=/opt/kafka/log4j2.properties \
            -Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file:///var/run/secrets/millrace/token \
            -cp '/streams/*:/opt/kafka/libs/*' org.apache.kafka.streams.examples.wordcount.WordCountDemo /tmp/app.properties";
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "words", "namespace": case.namespace },
        "spec": {
            "serviceAccountName": "app",
            "automountServiceAccountToken": false,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "securityContext": { "runAsUser": 1001, "runAsGroup": 1001, "fsGroup": 1001 },
            "initContainers": [{
                "name": "streams",
                "image": resources::image("millrace/probe:dev"),
                "imagePullPolicy": "IfNotPresent",
                "command": ["cp", "-r", "/usr/local/share/streams/.", "/streams"],
                "volumeMounts": [{ "name": "streams", "mountPath": "/streams" }],
            }],
            "containers": [{
                "name": "words",
                "image": resources::image("millrace/broker:4.3.1"),
                "imagePullPolicy": "IfNotPresent",
                "command": ["bash", "-c", start],
                "volumeMounts": [
                    { "name": "streams", "mountPath": "/streams", "readOnly": true },
                    { "name": "binding", "mountPath": "/bindings/words-group", "readOnly": true },
                    { "name": "token", "mountPath": "/var/run/secrets/millrace", "readOnly": true },
                ],
            }],
            "volumes": [
                { "name": "streams", "emptyDir": {} },
                { "name": "binding", "configMap": { "name": "words-group" } },
                { "name": "token", "projected": { "sources": [{ "serviceAccountToken": {
                    "path": "token",
                    "audience": format!("{CLUSTER}.{CLUSTER_NAMESPACE}.millrace.dev"),
                    "expirationSeconds": 3600,
                } }] } },
            ],
        },
    })
}

async fn produce(case: &Case, count: &str) -> Result<()> {
    let words = ["produce", "--topic", LINES, "--count", count];
    case.probe.ask(&words).await.map(drop)
}

async fn status_that(
    case: &Case,
    what: &str,
    test: impl Fn(&ConsumerGroupStatus) -> bool + Send + Sync,
) -> Result<ConsumerGroupStatus> {
    let groups = case.api::<ConsumerGroup>();
    let seen = |group: &ConsumerGroup| group.status.as_ref().is_some_and(&test);
    let group = wait::object(&groups, "words", what, PATIENCE, seen).await?;
    group.status.context("no status")
}

fn records(status: &ConsumerGroupStatus) -> Option<i64> {
    status.lag.as_ref().map(|lag| lag.records)
}

#[tokio::test]
async fn an_application_of_kafka_streams_makes_its_topics_by_its_own_access_and_its_lag_is_told()
-> Result<()> {
    let case = Case::shared("words").await?;
    for left in ["delete-many", "delete-groups"] {
        case.probe.ask(&[left, "--prefix", PREFIX]).await?;
    }
    case.grant(json!({ "prefixes": [PREFIX] })).await?;
    case.account("app").await?;
    topic(&case, "lines", LINES, 2).await?;
    topic(&case, "counts", COUNTS, 1).await?;
    let spec = json!({
        "groupId": APPLICATION, "type": "Streams", "topics": [{ "name": "lines" }], "serviceAccountName": "app",
    });
    case.apply("ConsumerGroup", "words", spec).await?;
    case.ready::<ConsumerGroup>("words").await?;
    let bound = |status: &ConsumerGroupStatus| status.binding.is_some();
    status_that(&case, "a binding", bound).await?;

    produce(&case, "3").await?;
    resources::apply(&case.client, &application(&case)).await?;
    let what = "one member, and all is processed, the application's own topic too";
    status_that(&case, what, |status| {
        let lag = status.lag.as_ref();
        let repartition = lag.is_some_and(|lag| {
            let mut topics = lag.topics.iter();
            topics.any(|lag| lag.topic.ends_with("-repartition"))
        });
        let stable = status.state.as_deref() == Some("Stable") && status.members == Some(1);
        stable && records(status) == Some(0) && repartition
    })
    .await?;
    // Each of the three records is two words.
    let counted = case.probe.count(COUNTS).await?;
    assert!(counted >= 6, "{counted} counts");
    let topics = case.probe.ask(&["list-topics"]).await?.to_string();
    assert!(
        topics.contains("streams-wordcount-KSTREAM") && topics.contains("-changelog"),
        "{topics}"
    );

    resources::delete(&case.api::<Pod>(), "words").await?;
    wait::gone(&case.api::<Pod>(), "words", PATIENCE).await?;
    produce(&case, "4").await?;
    status_that(&case, "a lag of 4", |status| records(status) == Some(4)).await?;
    Ok(())
}
