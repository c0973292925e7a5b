//! The workload follows the lag.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use millrace_crds::{ConsumerGroup, Topic};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, resources, wait};
use serde_json::{Value, json};

/// From the lag showing in Kafka to more replicas asked for.
const SCALES_UP_WITHIN: Duration = Duration::from_secs(10);
/// What measuring and writing may add to a configured time.
const SLACK: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(90);

/// A topic of six partitions and a Deployment of consumers, each at most `rate` records a second, that scales as `autoscaling` says.
async fn scaled_workload(case: &Case, rate: &str, autoscaling: Value) -> Result<()> {
    case.account("reader").await?;
    case.apply(
        "Topic",
        "orders",
        json!({ "topicName": case.name("orders"), "partitions": 6 }),
    )
    .await?;
    case.ready::<Topic>("orders").await?;
    let group = json!({
        "groupId": case.name("billing"),
        "topics": [{ "name": "orders" }],
        "serviceAccountName": "reader",
        "scaleTargetRef": { "name": "billing" },
        "objective": { "lagSeconds": 10 },
        "autoscaling": autoscaling,
    });
    case.apply("ConsumerGroup", "billing", group).await?;
    resources::apply(&case.client, &deployment(case, rate)).await?;
    case.ready::<ConsumerGroup>("billing").await?;
    Ok(())
}

fn deployment(case: &Case, rate: &str) -> Value {
    let (topic, group) = (case.name("orders"), case.name("billing"));
    let bootstrap = format!("{CLUSTER}-kafka.{CLUSTER_NAMESPACE}.svc:9092");
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "billing", "namespace": case.namespace },
        "spec": {
            "selector": { "matchLabels": { "app": "billing" } },
            "template": {
                "metadata": { "labels": { "app": "billing" } },
                "spec": {
                    "serviceAccountName": "reader",
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 5,
                    "containers": [{
                        "name": "consume",
                        "image": resources::image("millrace/probe:dev"),
                        "imagePullPolicy": "IfNotPresent",
                        "args": [
                            "work", "--bootstrap", bootstrap, "--ca", "/binding/ca.crt", "--token-file", "/token/token",
                            "--topic", topic, "--group", group, "--rate", rate,
                        ],
                        "volumeMounts": [
                            { "name": "binding", "mountPath": "/binding", "readOnly": true },
                            { "name": "token", "mountPath": "/token", "readOnly": true },
                        ],
                    }],
                    "volumes": [
                        { "name": "binding", "configMap": { "name": "billing-group" } },
                        { "name": "token", "projected": { "sources": [{ "serviceAccountToken": {
                            "path": "token",
                            "audience": format!("{CLUSTER}.{CLUSTER_NAMESPACE}.millrace.dev"),
                            "expirationSeconds": 3600,
                        } }] } },
                    ],
                },
            },
        },
    })
}

fn replicas(deployment: &Deployment) -> i32 {
    deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or_default()
}

async fn produce(case: &Case, count: &str) -> Result<()> {
    case.probe
        .ask(&["produce", "--topic", &case.name("orders"), "--count", count])
        .await
        .map(drop)
}

async fn until_replicas(
    case: &Case,
    what: &str,
    within: Duration,
    test: impl Fn(i32) -> bool + Send + Sync,
) -> Result<()> {
    wait::object(
        &case.api::<Deployment>(),
        "billing",
        what,
        within,
        |deployment: &Deployment| test(replicas(deployment)),
    )
    .await
    .map(drop)
}

async fn until_caught_up(case: &Case, records: i64) -> Result<()> {
    let (topic, group) = (case.name("orders"), case.name("billing"));
    wait::answer("the group has caught up", PATIENCE, || async {
        let offsets = case
            .probe
            .ask(&["lag", "--group", &group, "--topic", &topic])
            .await?;
        let partitions = offsets["partitions"].as_array().context("no partitions")?;
        let sum = |key: &str| {
            partitions
                .iter()
                .filter_map(|partition| partition[key].as_i64())
                .sum::<i64>()
        };
        Ok(if sum("end") == records && sum("lag") == 0 {
            Ok(())
        } else {
            Err(offsets.to_string())
        })
    })
    .await
}

#[tokio::test]
async fn a_lag_burst_raises_replicas_within_ten_seconds() -> Result<()> {
    let case = Case::alone("burst").await?;
    scaled_workload(&case, "100", json!({ "minReplicas": 1, "maxReplicas": 4, "drainSeconds": 10, "scaleDownWindowSeconds": 15 })).await?;
    produce(&case, "20").await?;
    until_caught_up(&case, 20).await?;

    let burst = async {
        produce(&case, "8000").await?;
        anyhow::Ok(Instant::now())
    };
    let scaled = async {
        until_replicas(&case, "more replicas than one", PATIENCE, |replicas| {
            replicas > 1
        })
        .await?;
        anyhow::Ok(Instant::now())
    };
    let (lag_shows, scaled) = tokio::try_join!(burst, scaled)?;
    let took = scaled.saturating_duration_since(lag_shows);
    assert!(
        took <= SCALES_UP_WITHIN,
        "replicas went up {took:?} after the lag showed in Kafka"
    );

    until_caught_up(&case, 8020).await?;
    until_replicas(&case, "one replica again", PATIENCE, |replicas| {
        replicas == 1
    })
    .await
}

#[tokio::test]
async fn an_idle_group_goes_to_zero_in_its_time_and_wakes_with_the_next_record() -> Result<()> {
    const IDLE: Duration = Duration::from_secs(15);
    let case = Case::alone("idle").await?;
    let autoscaling = json!({ "minReplicas": 0, "maxReplicas": 3, "idleSeconds": IDLE.as_secs(), "scaleDownWindowSeconds": 5 });
    scaled_workload(&case, "1000", autoscaling).await?;
    produce(&case, "20").await?;
    until_caught_up(&case, 20).await?;
    let idle_since = Instant::now();
    until_replicas(&case, "no replica", IDLE + SLACK, |replicas| replicas == 0).await?;
    let took = idle_since.elapsed();
    assert!(
        took <= IDLE + SLACK,
        "it went to zero {took:?} after it fell idle"
    );

    produce(&case, "1").await?;
    until_replicas(&case, "a replica", SCALES_UP_WITHIN, |replicas| {
        replicas > 0
    })
    .await?;
    until_caught_up(&case, 21).await
}

#[tokio::test]
async fn a_schedule_wakes_a_group_and_keeps_it_awake_until_it_ends() -> Result<()> {
    let case = Case::shared("schedule").await?;
    // It holds all year, but for the last minute of it.
    let schedule = json!({ "start": "0 0 1 1 *", "end": "59 23 31 12 *", "minReplicas": 3 });
    let with = |schedules: Value| json!({ "minReplicas": 0, "maxReplicas": 6, "idleSeconds": 5, "scaleDownWindowSeconds": 5, "schedules": schedules });
    scaled_workload(&case, "1000", with(json!([schedule]))).await?;
    until_replicas(&case, "three replicas", PATIENCE, |replicas| replicas == 3).await?;
    let over = json!({ "spec": { "autoscaling": with(json!([])) } });
    let groups = case.api::<ConsumerGroup>();
    groups
        .patch("billing", &PatchParams::default(), &Patch::Merge(&over))
        .await?;
    until_replicas(&case, "no replica", PATIENCE, |replicas| replicas == 0).await
}

#[tokio::test]
async fn a_recommendation_scales_nothing() -> Result<()> {
    let case = Case::shared("recommend").await?;
    scaled_workload(
        &case,
        "1000",
        json!({ "mode": "Recommend", "minReplicas": 3, "maxReplicas": 3 }),
    )
    .await?;
    wait::object(
        &case.api::<ConsumerGroup>(),
        "billing",
        "three replicas are recommended",
        PATIENCE,
        |group: &ConsumerGroup| {
            group
                .status
                .as_ref()
                .and_then(|status| status.scaling.as_ref())
                .is_some_and(|scaling| scaling.desired_replicas == 3)
        },
    )
    .await?;
    let deployment: Deployment = case.api().get("billing").await?;
    assert_eq!(replicas(&deployment), 1);
    Ok(())
}
