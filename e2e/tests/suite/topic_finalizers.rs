//! A Topic waits for Kafka where its records shall go with it, and never keeps a namespace from ending.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Namespace, Pod, ResourceQuota},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use millrace_crds::{Dlq, KafkaCluster, Topic};
use millrace_e2e::{
    CLUSTER, Case, Kind,
    probe::{Answer, Probe},
    resources, wait,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// A KafkaCluster of one node comes up, or is back.
const KAFKA_IS_BACK: Duration = Duration::from_secs(180);
const FINALIZER: &str = "millrace.dev/topic";

fn resource(namespace: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
    })
}

async fn end(case: &Case, namespace: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(case.client.clone());
    resources::delete(&namespaces, namespace).await?;
    wait::gone(&namespaces, namespace, PATIENCE).await
}

/// Puts Millrace's finalizer on a resource, as `manager`.
async fn hold<K: Kind>(case: &Case, namespace: &str, name: &str, manager: &str) -> Result<()> {
    let api: Api<K> = Api::namespaced(case.client.clone(), namespace);
    let held = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "finalizers": [FINALIZER] },
    });
    api.patch(name, &PatchParams::apply(manager), &Patch::Apply(&held))
        .await?;
    Ok(())
}

/// A Topic and a DLQ of a KafkaCluster that does not exist, with the finalizer that they got from `manager` while it did.
async fn end_without_cluster(case: &Case, manager: &str) -> Result<()> {
    let home = case.other_namespace("home", false).await?;
    let spec =
        json!({ "clusterRef": { "name": "nowhere" }, "partitions": 1, "deletionPolicy": "Delete" });
    for kind in ["Topic", "DLQ"] {
        resources::apply(&case.client, &resource(&home, kind, "orders", &spec)).await?;
    }
    hold::<Topic>(case, &home, "orders", manager).await?;
    hold::<Dlq>(case, &home, "orders", manager).await?;
    let topics: Api<Topic> = Api::namespaced(case.client.clone(), &home);
    let lost = |ready: Value| ready["reason"] == "ClusterNotFound" && ready["status"] != "True";
    wait::object(&topics, "orders", "ClusterNotFound", PATIENCE, |topic| {
        wait::condition_of(topic, "Ready").is_some_and(lost)
    })
    .await?;
    let dlqs: Api<Dlq> = Api::namespaced(case.client.clone(), &home);
    wait::object(&dlqs, "orders", "ClusterNotFound", PATIENCE, |dlq| {
        wait::condition_of(dlq, "Ready").is_some_and(lost)
    })
    .await?;
    end(case, &home).await
}

#[tokio::test]
async fn resources_of_a_kafka_cluster_that_is_not_there_do_not_keep_their_namespace() -> Result<()>
{
    let case = Case::shared("no-cluster").await?;
    end_without_cluster(&case, "millrace-finalizer").await
}

/// A backup brings the finalizer back under its own name, and server-side apply takes away only what the one who applies owns.
#[tokio::test]
async fn resources_restored_with_their_finalizer_do_not_keep_their_namespace() -> Result<()> {
    let case = Case::shared("restored").await?;
    end_without_cluster(&case, "backup").await
}

#[tokio::test]
async fn a_namespace_whose_grant_is_withdrawn_loses_access_and_can_be_deleted() -> Result<()> {
    let case = Case::shared("withdrawn").await?;
    let tenant = case.other_namespace("tenant", true).await?;
    let writer = case.account_in(&tenant, "writer").await?;
    let orders = format!("{tenant}.orders");
    let spec = json!({
        "topicName": orders,
        "partitions": 1,
        "deletionPolicy": "Delete",
        "producers": [{ "serviceAccountName": "writer" }],
    });
    case.apply_in(&tenant, "Topic", "orders", spec).await?;
    case.ready_in::<Topic>(&tenant, "orders").await?;
    let write = ["produce", "--topic", &orders, "--count", "1"];
    case.probe_until(&writer, &write, "the producer writes", Answer::is_ok)
        .await?;
    let written = case.probe.count(&orders).await?;

    let namespaces: Api<Namespace> = Api::all(case.client.clone());
    let unlabelled = json!({ "metadata": { "labels": { "kafka": null } } });
    namespaces
        .patch(&tenant, &PatchParams::default(), &Patch::Merge(&unlabelled))
        .await?;
    let topics: Api<Topic> = Api::namespaced(case.client.clone(), &tenant);
    wait::object(
        &topics,
        "orders",
        "NamespaceNotGranted",
        PATIENCE,
        |topic| {
            wait::condition_of(topic, "Ready").is_some_and(|ready| {
                ready["status"] == "False" && ready["reason"] == "NamespaceNotGranted"
            })
        },
    )
    .await?;
    case.probe_until(&writer, &write, "the producer is refused", Answer::is_err)
        .await?;

    // Nothing is done for a namespace that may do nothing: its topic stays, for whoever runs Kafka to decide.
    end(&case, &tenant).await?;
    assert_eq!(case.probe.count(&orders).await?, written);
    assert_eq!(case.probe.allowed_on(&orders).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_ends_takes_along_what_has_the_policy_delete_and_nothing_else()
-> Result<()> {
    let case = Case::shared("ends").await?;
    let tenant = case.other_namespace("tenant", true).await?;
    let topic = |name: &str, policy: &str| json!({ "topicName": format!("{tenant}.{name}"), "partitions": 1, "deletionPolicy": policy });
    case.apply_in(&tenant, "Topic", "goes", topic("goes", "Delete"))
        .await?;
    case.apply_in(&tenant, "Topic", "stays", topic("stays", "Retain"))
        .await?;
    case.apply_in(&tenant, "DLQ", "letters", topic("letters", "Delete"))
        .await?;
    case.ready_in::<Topic>(&tenant, "goes").await?;
    case.ready_in::<Topic>(&tenant, "stays").await?;
    case.ready_in::<Dlq>(&tenant, "letters").await?;

    end(&case, &tenant).await?;
    for gone in ["goes", "letters"] {
        assert_eq!(case.probe.topic(&format!("{tenant}.{gone}")).await?, None);
    }
    case.probe.topic_id(&format!("{tenant}.stays")).await?;
    Ok(())
}

/// A KafkaCluster of one node in the case's namespace, whose pod can be kept away.
struct Single<'a>(&'a Case);

impl Single<'_> {
    async fn up(&self, tenant: &str) -> Result<KafkaCluster> {
        let spec = json!({
            "namespaces": [{ "selector": { "matchLabels": { "kubernetes.io/metadata.name": tenant } } }],
            "combined": { "nodes": 1 },
            "storage": { "size": "1Gi" },
            "resources": { "requests": { "cpu": "50m", "memory": "400Mi" }, "limits": { "memory": "768Mi" } },
        });
        let document = resource(&self.0.namespace, "KafkaCluster", "single", &spec);
        resources::apply(&self.0.client, &document).await?;
        self.ready().await
    }

    async fn ready(&self) -> Result<KafkaCluster> {
        let clusters = self.0.api::<KafkaCluster>();
        wait::condition(&clusters, "single", "Ready", "True", KAFKA_IS_BACK).await
    }

    /// Takes the pod away. A quota of no pods keeps the StatefulSet from making another, on any Kubernetes.
    async fn keep_away(&self) -> Result<()> {
        let quota = json!({
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": { "name": "no-pods", "namespace": self.0.namespace },
            "spec": { "hard": { "pods": "0" } },
        });
        resources::apply(&self.0.client, &quota).await?;
        let quotas = self.0.api::<ResourceQuota>();
        wait::object(&quotas, "no-pods", "the quota counts", PATIENCE, |quota| {
            let status = quota.status.as_ref();
            status.is_some_and(|status| status.hard.is_some())
        })
        .await?;
        let pods = self.0.api::<Pod>();
        resources::delete(&pods, "single-nodes-0").await?;
        wait::gone(&pods, "single-nodes-0", PATIENCE).await
    }

    async fn let_back(&self) -> Result<()> {
        resources::delete(&self.0.api::<ResourceQuota>(), "no-pods").await?;
        // The StatefulSet's controller has been backing off: a change makes it try at once.
        let nudge = json!({ "metadata": { "annotations": { "e2e.millrace.dev/nudge": "yes" } } });
        self.0
            .api::<StatefulSet>()
            .patch(
                "single-nodes",
                &PatchParams::default(),
                &Patch::Merge(&nudge),
            )
            .await?;
        Ok(())
    }
}

/// Says that Kafka does not answer, and is not ready.
fn waits_for_kafka(topic: &Topic) -> bool {
    wait::condition_of(topic, "Ready").is_some_and(|ready| {
        let reason = ready["reason"].as_str().unwrap_or_default();
        ready["status"] != "True" && ["KafkaUnreachable", "ClusterNotReady"].contains(&reason)
    })
}

/// One KafkaCluster of its own serves four questions, because it takes a while to come up.
#[tokio::test]
async fn topics_wait_while_their_kafka_is_away_go_once_it_is_gone_and_leave_namesakes_elsewhere_alone()
-> Result<()> {
    let case = Case::shared("away").await?;
    let orders = case.name("orders");
    let single = Single(&case);
    let tenant = case.other_namespace("tenant", false).await?;
    single.up(&tenant).await?;
    let topic = |name: &str, topic: &str, cluster: &Value| {
        let spec = json!({
            "clusterRef": cluster,
            "topicName": case.name(topic),
            "partitions": 1,
            "deletionPolicy": "Delete",
        });
        resource(&case.namespace, "Topic", name, &spec)
    };
    let here = json!({ "name": "single" });
    let there = serde_json::to_value(case.cluster_ref())?;
    resources::apply(&case.client, &topic("orders", "orders", &here)).await?;
    resources::apply(&case.client, &topic("namesake", "orders", &there)).await?;
    case.ready::<Topic>("orders").await?;
    case.ready::<Topic>("namesake")
        .await
        .with_context(|| format!("one name on two KafkaClusters, single and {CLUSTER}"))?;
    let elsewhere = case.probe.topic_id(&orders).await?;
    let spec = json!({
        "clusterRef": { "name": "single", "namespace": case.namespace },
        "topicName": format!("{tenant}.orders"),
        "partitions": 1,
        "deletionPolicy": "Delete",
    });
    resources::apply(&case.client, &resource(&tenant, "Topic", "orders", &spec)).await?;
    case.ready_in::<Topic>(&tenant, "orders").await?;

    single.keep_away().await?;
    let topics = case.api::<Topic>();
    resources::delete(&topics, "orders").await?;
    resources::apply(&case.client, &topic("later", "later", &here)).await?;
    let what = "deleted, and says that it waits for Kafka";
    let waiting = wait::object(&topics, "orders", what, KAFKA_IS_BACK, |topic| {
        topic.metadata.deletion_timestamp.is_some() && waits_for_kafka(topic)
    })
    .await?;
    assert!(
        waiting.finalizers().iter().any(|one| one == FINALIZER),
        "let go before its topic was deleted"
    );
    let what = "says that it waits for Kafka";
    wait::object(&topics, "later", what, PATIENCE, waits_for_kafka).await?;
    // A namespace as a whole does not wait: what cannot be deleted is left.
    end(&case, &tenant).await?;

    single.let_back().await?;
    wait::gone(&topics, "orders", KAFKA_IS_BACK).await?;
    single.ready().await?;
    wait::condition(&topics, "later", "Ready", "True", KAFKA_IS_BACK).await?;
    let probe = Probe::start(case.client.clone(), &case.namespace, "single").await?;
    assert_eq!(probe.topic(&orders).await?, None);
    assert_eq!(
        case.probe.topic_id(&orders).await?,
        elsewhere,
        "the topic of the same name on another KafkaCluster"
    );
    case.ready::<Topic>("namesake").await?;

    // With the KafkaCluster there is nothing left to delete the topic from.
    let clusters = case.api::<KafkaCluster>();
    resources::delete(&clusters, "single").await?;
    wait::gone(&clusters, "single", KAFKA_IS_BACK).await?;
    resources::delete(&topics, "later").await?;
    wait::gone(&topics, "later", PATIENCE).await?;
    case.ready::<Topic>("namesake").await?;
    Ok(())
}
