//! What becomes of a workload where more than one wants to scale it, where it goes and comes, and where the operator dies.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration, apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler, core::v1::Pod,
};
use kube::{
    Api, ResourceExt,
    api::{LogParams, Patch, PatchParams},
};
use millrace_crds::ConsumerGroup;
use millrace_e2e::{
    Case, operator,
    replica_watch::ReplicaWatch,
    resources,
    scaled::{self, Scaled, produce},
    wait,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(90);
/// What changes beside a ConsumerGroup is noticed in this time.
const NOTICED: Duration = Duration::from_secs(30);
/// How long a change that must not come is looked for: three looks of the autoscaler.
const LATE: Duration = Duration::from_secs(6);
/// What keeps requests to scale waiting is called so.
const HELD: &str = "millrace-e2e-held";

/// What a ConsumerGroup says once it cannot scale its target for `reason`.
async fn cannot_scale(case: &Case, name: &str, reason: &str) -> Result<String> {
    let groups = case.api::<ConsumerGroup>();
    let condition = |group: &ConsumerGroup| wait::condition_of(group, "ScaleTargetFound");
    let what = format!("ScaleTargetFound=False {reason}");
    let group = wait::object(&groups, name, &what, PATIENCE, |group: &ConsumerGroup| {
        condition(group).is_some_and(|c| c["status"] == "False" && c["reason"] == reason)
    })
    .await?;
    let condition = condition(&group).unwrap_or_default();
    Ok(condition["message"].as_str().unwrap_or_default().to_owned())
}

async fn can_scale(case: &Case, name: &str) -> Result<()> {
    let groups = case.api::<ConsumerGroup>();
    wait::condition(&groups, name, "ScaleTargetFound", "True", NOTICED)
        .await
        .map(drop)
}

fn always(replicas: i32) -> Value {
    json!({ "minReplicas": replicas, "maxReplicas": replicas })
}

/// Whoever is made after this is younger by its creation time, which is in seconds.
async fn until_another_second(case: &Case, name: &str) -> Result<()> {
    let group = case.api::<ConsumerGroup>().get(name).await?;
    let made = group.creation_timestamp().map(|time| time.0);
    let what = "the second in which the older was made is over";
    wait::answer(what, PATIENCE, || async {
        let seconds = |time: Timestamp| time.as_second();
        let now = Timestamp::now();
        Ok(if made.map(seconds) < Some(seconds(now)) {
            Ok(())
        } else {
            Err(format!("it was made at {made:?}, now it is {now}"))
        })
    })
    .await
}

#[tokio::test]
async fn of_two_groups_on_one_deployment_the_younger_changes_nothing_until_the_older_is_gone()
-> Result<()> {
    let case = Case::shared("two-scalers").await?;
    let older = Scaled::start(&case, "billing", 1_000, always(1)).await?;
    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;
    until_another_second(&case, "billing").await?;
    let spec = scaled::spec(&case, "rival", "billing", &always(2));
    case.apply("ConsumerGroup", "rival", spec).await?;

    let words = cannot_scale(&case, "rival", "Conflict").await?;
    assert!(
        words.contains("ConsumerGroup billing") && words.contains("remove one of the two"),
        "the message does not name the other, or not what to do: {words}"
    );
    let changes = watch.all_until(Instant::now() + LATE).await?;
    assert!(changes.is_empty(), "the younger scaled: {changes:?}");
    case.ready::<ConsumerGroup>("billing").await?;

    resources::delete(&case.api::<ConsumerGroup>(), "billing").await?;
    can_scale(&case, "rival").await?;
    older
        .until_replicas("the younger's two replicas", NOTICED, |replicas| {
            replicas == 2
        })
        .await
}

#[tokio::test]
async fn a_deployment_that_comes_later_is_found_and_scaled_without_anybodys_doing() -> Result<()> {
    let case = Case::shared("target-later").await?;
    let spec = scaled::spec(&case, "billing", "billing", &always(2));
    let group = Scaled::declare(&case, "billing", spec).await?;
    let words = cannot_scale(&case, "billing", "TargetNotFound").await?;
    let missing = format!(
        "there is no Deployment {}/billing: create it",
        case.namespace
    );
    assert!(
        words.contains(&missing),
        "the message does not name it, or not what to do: {words}"
    );
    group.deploy(1_000).await?;
    can_scale(&case, "billing").await?;
    group
        .until_replicas("two replicas", NOTICED, |replicas| replicas == 2)
        .await
}

#[tokio::test]
async fn a_deployment_deleted_while_it_is_scaled_is_missed_by_name_and_scaled_when_it_is_back()
-> Result<()> {
    let case = Case::shared("target-deleted").await?;
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 4, "drainSeconds": 10 });
    let billing = Scaled::start(&case, "billing", 100, autoscaling).await?;
    let shipping = Scaled::start(&case, "shipping", 1_000, always(1)).await?;
    produce(&case, 20).await?;
    billing.until_caught_up(20).await?;
    produce(&case, 8_000).await?;
    let more = "more replicas than one";
    billing.until_replicas(more, PATIENCE, |n| n > 1).await?;

    resources::delete(&case.api::<Deployment>(), "billing").await?;
    let words = cannot_scale(&case, "billing", "TargetNotFound").await?;
    let missing = format!("there is no Deployment {}/billing", case.namespace);
    assert!(
        words.contains(&missing),
        "the message does not name it: {words}"
    );
    let more_of_the_other = json!({ "spec": { "autoscaling": always(2) } });
    case.api::<ConsumerGroup>()
        .patch(
            "shipping",
            &PatchParams::default(),
            &Patch::Merge(&more_of_the_other),
        )
        .await?;
    shipping
        .until_replicas("two replicas of the other group", NOTICED, |n| n == 2)
        .await?;

    billing.deploy(100).await?;
    can_scale(&case, "billing").await?;
    billing.until_replicas(more, PATIENCE, |n| n > 1).await?;
    billing.until_caught_up(8_020).await
}

#[tokio::test]
async fn a_horizontal_pod_autoscaler_on_the_deployment_is_left_to_it_until_it_is_deleted()
-> Result<()> {
    let case = Case::shared("other-scaler").await?;
    let other = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "theirs", "namespace": case.namespace },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "billing" },
            "minReplicas": 1,
            "maxReplicas": 1,
        },
    });
    resources::apply(&case.client, &other).await?;
    let spec = scaled::spec(&case, "billing", "billing", &always(2));
    let group = Scaled::declare(&case, "billing", spec).await?;
    group.deploy(1_000).await?;
    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;

    let words = cannot_scale(&case, "billing", "Conflict").await?;
    assert!(
        words.contains("HorizontalPodAutoscaler theirs"),
        "the message does not name the other: {words}"
    );
    let changes = watch.all_until(Instant::now() + LATE).await?;
    assert!(changes.is_empty(), "it was scaled: {changes:?}");

    resources::delete(&case.api::<HorizontalPodAutoscaler>(), "theirs").await?;
    can_scale(&case, "billing").await?;
    group
        .until_replicas("two replicas", NOTICED, |replicas| replicas == 2)
        .await
}

#[tokio::test]
async fn replicas_changed_back_by_hand_twice_are_contested_and_then_left_alone() -> Result<()> {
    let case = Case::shared("contested").await?;
    let group = Scaled::start(&case, "billing", 1_000, always(2)).await?;
    for _ in 0..2 {
        group
            .until_replicas("two replicas", PATIENCE, |replicas| replicas == 2)
            .await?;
        group.scale_by_hand(1).await?;
    }
    let groups = case.api::<ConsumerGroup>();
    let contested = wait::condition(&groups, "billing", "ReplicasContested", "True", PATIENCE);
    let condition = wait::condition_of(&contested.await?, "ReplicasContested").unwrap_or_default();
    let words = condition["message"].as_str().unwrap_or_default();
    assert!(
        words.contains("Deployment billing") && words.contains("mode Recommend"),
        "the message does not name the workload, or not what to do: {words}"
    );
    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;
    let changes = watch.all_until(Instant::now() + LATE).await?;
    assert!(changes.is_empty(), "it was scaled: {changes:?}");
    assert_eq!(group.replicas().await?, 1);
    Ok(())
}

/// Makes whoever scales a Deployment of the case wait: the API server asks a webhook that takes its connection and never says a word,
/// until it gives up and refuses.
async fn hold_scaling(case: &Case) -> Result<()> {
    let namespace = &case.namespace;
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "silent", "namespace": namespace, "labels": { "app": "silent" } },
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "silent",
                "image": resources::image("millrace/probe:dev"),
                "imagePullPolicy": "IfNotPresent",
                "args": ["silence", "--port", "8443"],
            }],
        },
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "silent", "namespace": namespace },
        "spec": {
            "selector": { "app": "silent" },
            "ports": [{ "port": 443, "targetPort": 8443 }],
        },
    });
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": HELD },
        "webhooks": [{
            "name": "held.e2e.millrace.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 30,
            "clientConfig": { "service": { "namespace": namespace, "name": "silent" } },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "rules": [{
                "operations": ["UPDATE"],
                "apiGroups": ["apps"],
                "apiVersions": ["*"],
                "resources": ["deployments/scale"],
                "scope": "Namespaced",
            }],
        }],
    });
    for object in [&pod, &service, &webhook] {
        resources::apply(&case.client, object).await?;
    }
    let deployments = case.api::<Deployment>();
    let dry_run = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({ "spec": { "replicas": 2 } }));
    let what = "a request to scale is kept waiting";
    wait::answer(what, PATIENCE, || async {
        let asked = deployments.patch_scale("billing", &dry_run, &patch);
        Ok(match timeout(Duration::from_secs(2), asked).await {
            Err(_) => Ok(()),
            Ok(Ok(_)) => Err("it was let through".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
        })
    })
    .await
}

/// Requests to scale that have been kept waiting so far: a connection for each.
async fn held(case: &Case) -> Result<usize> {
    let pods = case.api::<Pod>();
    let said = pods.logs("silent", &LogParams::default()).await?;
    Ok(said.lines().count())
}

#[tokio::test]
async fn the_operator_killed_between_decision_and_patch_scales_once_and_to_the_right_number()
-> Result<()> {
    let case = Case::alone("killed-scale").await?;
    // So many records ask for more than two replicas, whatever is known of the consumers.
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 2, "drainSeconds": 10 });
    let group = Scaled::start(&case, "billing", 100, autoscaling).await?;
    produce(&case, 20).await?;
    group.until_caught_up(20).await?;
    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;

    let killed = async {
        hold_scaling(&case).await?;
        let before = held(&case).await?;
        produce(&case, 8_000).await?;
        wait::answer("the operator asks for replicas", PATIENCE, || async {
            let now = held(&case).await?;
            Ok(if now > before {
                Ok(())
            } else {
                Err(format!("{now} requests are kept waiting, as before"))
            })
        })
        .await?;
        operator::kill(&case.client).await
    }
    .await;
    let webhooks = Api::<ValidatingWebhookConfiguration>::all(case.client.clone());
    resources::delete(&webhooks, HELD).await?;
    killed?;

    group.until_caught_up(8_020).await?;
    let changes = watch.all_until(Instant::now() + LATE).await?;
    assert_eq!(changes, [2], "not scaled once to the right number");
    Ok(())
}
