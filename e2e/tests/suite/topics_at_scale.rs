//! Hundreds of Topics at once while something is wrong: nothing is lost, nothing is made twice, nothing is written twice.
//!
//! A watch counts the writes to each Topic, so that "not twice" is exact.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    core::v1::Pod,
    flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration},
};
use kube::Api;
use millrace_e2e::{
    CLUSTER, CLUSTER_NAMESPACE, Case, OPERATOR_NAMESPACE,
    api_server::{self, Counters},
    bulk,
    metrics::growth,
    operator, resources,
    topic_watch::TopicWatch,
    wait,
};
use serde_json::{Value, json};
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(120);
/// Writes to a new Topic: its status, once.
const WRITES: usize = 1;
/// How long a second write is looked for after everything is Ready.
const LATE: Duration = Duration::from_secs(3);
/// How long the API server refuses.
const OUTAGE: Duration = Duration::from_secs(8);
/// Refusals without which it was no outage.
const REFUSALS: f64 = 10.0;
/// What refuses with 429 is called so, and what refuses with 500.
const JAIL: &str = "millrace-e2e-jail";
const FAILING: &str = "millrace-e2e-failing";

/// Every topic is in Kafka, was made once, and its Topic was written `writes` times at most.
async fn once_each(case: &Case, watch: &mut TopicWatch, writes: usize) -> Result<()> {
    watch.listen(Instant::now() + LATE).await?;
    for (name, seen) in watch.topics() {
        assert!(seen.ready, "{name} is no longer Ready: {seen:?}");
        assert_eq!(seen.ids.len(), 1, "{name} was made again: {seen:?}");
        assert!(seen.writes <= writes, "{name} was written again: {seen:?}");
    }
    let prefix = case.name("");
    let answer = case
        .probe
        .ask(&["count-topics", "--prefix", &prefix])
        .await?;
    assert_eq!(answer["count"], watch.topics().len(), "topics in Kafka");
    for (name, seen) in watch.topics().iter().step_by(50) {
        let topic = case.probe.topic(&case.name(name)).await?;
        let topic = topic.with_context(|| format!("{name} is not in Kafka"))?;
        let id = topic["id"].as_str().unwrap_or_default();
        assert!(seen.ids.contains(id), "{name} was made again, as {id}");
    }
    Ok(())
}

/// Makes Topics while `refusal` stands in the API server, and takes that away after a while; `refused` counts how often it refused.
async fn refused_for_a_while(
    case: &Case,
    refusal: &[Value],
    refused: impl Fn(&Counters) -> f64,
) -> Result<()> {
    let names = bulk::names(300);
    let before = refused(&api_server::counters(&case.client).await?);
    let mut watch = TopicWatch::start(&case.client, &case.namespace).await?;
    let outage = async {
        for object in refusal {
            resources::apply(&case.client, object).await?;
        }
        bulk::create(&case.client, &case.namespace, &names).await?;
        let begun = Instant::now();
        wait::answer("the API server refused for a while", DEADLINE, || async {
            let times = refused(&api_server::counters(&case.client).await?) - before;
            Ok(if times >= REFUSALS && begun.elapsed() >= OUTAGE {
                Ok(())
            } else {
                Err(format!("{times} times in {:?}", begun.elapsed()))
            })
        })
        .await
    }
    .await;
    take_away_refusals(case).await?;
    outage?;
    watch.all_ready(names.len(), DEADLINE, |_| {}).await?;
    once_each(case, &mut watch, WRITES).await
}

async fn take_away_refusals(case: &Case) -> Result<()> {
    let client = || case.client.clone();
    resources::delete(&Api::<FlowSchema>::all(client()), JAIL).await?;
    resources::delete(&Api::<PriorityLevelConfiguration>::all(client()), JAIL).await?;
    let webhooks = Api::<ValidatingWebhookConfiguration>::all(client());
    resources::delete(&webhooks, FAILING).await
}

/// The real API server's own 429s: a priority level of API Priority and Fairness without seats, which rejects what it has no seat for,
/// takes what the operator writes in this namespace. Its Lease and its watches stay as they were.
#[tokio::test]
async fn an_api_server_that_answers_429_for_a_while_costs_no_topic_and_no_second_write()
-> Result<()> {
    let case = Case::alone("throttled").await?;
    let level = json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "PriorityLevelConfiguration",
        "metadata": { "name": JAIL },
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": { "type": "Reject" },
            },
        },
    });
    let schema = json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": { "name": JAIL },
        "spec": {
            "priorityLevelConfiguration": { "name": JAIL },
            "matchingPrecedence": 50,
            "rules": [{
                "subjects": [{
                    "kind": "ServiceAccount",
                    "serviceAccount": { "namespace": OPERATOR_NAMESPACE, "name": operator::NAME },
                }],
                "resourceRules": [{
                    "verbs": ["create", "update", "patch", "delete"],
                    "apiGroups": ["millrace.dev", "events.k8s.io"],
                    "resources": ["*"],
                    "namespaces": [case.namespace],
                }],
            }],
        },
    });
    refused_for_a_while(&case, &[level, schema], |counters| {
        counters.refused_for_priority(JAIL)
    })
    .await
}

/// The real API server's own 500s: it has to ask a webhook that nobody answers before it writes the status of a Topic of this namespace.
#[tokio::test]
async fn an_api_server_that_answers_500_for_a_while_costs_no_topic_and_no_second_write()
-> Result<()> {
    let case = Case::alone("failing").await?;
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": FAILING },
        "webhooks": [{
            "name": "failing.e2e.millrace.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 1,
            "clientConfig": { "url": "https://127.0.0.1:1/nobody" },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": case.namespace } },
            "rules": [{
                "operations": ["UPDATE"],
                "apiGroups": ["millrace.dev"],
                "apiVersions": ["*"],
                "resources": ["topics/status"],
                "scope": "Namespaced",
            }],
        }],
    });
    refused_for_a_while(&case, &[webhook], |counters| {
        counters.topic_status_writes("500")
    })
    .await
}

/// Stops the Java process of the pod whose uid is in POD_UID, for 8 s, which is less than the session of a broker (9 s).
const STOP: &str = r#"
stopped=()
trap '((${#stopped[@]} == 0)) || kill -CONT "${stopped[@]}"' EXIT
for process in /proc/[0-9]*; do
    { read -r comm <"$process/comm"; } 2>/dev/null || continue
    [[ $comm == java ]] || continue
    cgroup=$(cat "$process/cgroup")
    if [[ $cgroup == *"$POD_UID"* || $cgroup == *"${POD_UID//-/_}"* ]]; then
        stopped+=("${process#/proc/}")
    fi
done
((${#stopped[@]} > 0)) || { echo "no Java process of pod $POD_UID is seen"; exit 1; }
kill -STOP "${stopped[@]}"
sleep 8
"#;

/// A pod that stops the first broker as soon as it runs, and lets it go on however it ends.
///
/// The kernel lets nobody inside a pod stop that pod's first process, which the broker is. So this one sees the node's processes
/// (`hostPID`), as the broker's user and with no right besides.
fn stopper(case: &Case, broker: &Pod) -> Result<Value> {
    let node = broker.spec.as_ref().and_then(|s| s.node_name.as_deref());
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "stopper", "namespace": case.namespace },
        "spec": {
            "nodeName": node.context("the broker is on no node")?,
            "hostPID": true,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 60,
            "automountServiceAccountToken": false,
            "securityContext": { "runAsNonRoot": true, "runAsUser": 1001, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "stopper",
                "image": resources::image("millrace/probe:dev"),
                "imagePullPolicy": "IfNotPresent",
                "command": ["bash", "-euc", STOP],
                "env": [{ "name": "POD_UID", "value": broker.metadata.uid }],
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    }))
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status.and_then(|s| s.phase.as_deref()).unwrap_or_default()
}

/// Not run where a namespace may have no pod that sees its node's processes.
#[tokio::test]
async fn a_broker_that_stands_still_for_seconds_costs_no_topic_and_no_second_creation() -> Result<()>
{
    let case = Case::alone("slow-broker").await?;
    let pods: Api<Pod> = Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE);
    let broker = pods.get(&format!("{CLUSTER}-nodes-0")).await?;
    let names = bulk::names(300);
    let mut watch = TopicWatch::start(&case.client, &case.namespace).await?;
    match resources::apply(&case.client, &stopper(&case, &broker)?).await {
        Err(error) if resources::refusal(&error).is_some_and(|words| words.contains("hostPID")) => {
            eprintln!("not run: {error:#}");
            return Ok(());
        }
        result => drop(result?),
    }
    let stoppers = case.api::<Pod>();
    let stands = |pod: &Pod| ["Running", "Failed"].contains(&phase(pod));
    wait::object(
        &stoppers,
        "stopper",
        "the broker stands still",
        DEADLINE,
        stands,
    )
    .await?;
    bulk::create(&case.client, &case.namespace, &names).await?;
    watch.all_ready(names.len(), DEADLINE, |_| {}).await?;
    let ended = |pod: &Pod| ["Succeeded", "Failed"].contains(&phase(pod));
    let stopper = wait::object(&stoppers, "stopper", "it goes on", DEADLINE, ended).await?;
    if phase(&stopper) == "Failed" {
        let words = stoppers.logs("stopper", &Default::default()).await?;
        bail!("the broker could not be stopped: {words}");
    }
    // A status may be written before and after the broker stood still: that it was, is news.
    once_each(&case, &mut watch, 2 * WRITES + 1).await
}

#[tokio::test]
async fn the_operator_killed_among_five_hundred_creations_makes_none_twice_and_writes_none_twice()
-> Result<()> {
    let case = Case::alone("cold-cache").await?;
    let names = bulk::names(500);
    let mut watch = TopicWatch::start(&case.client, &case.namespace).await?;
    let killed = async {
        watch.all_ready(1, DEADLINE, |_| {}).await?;
        operator::kill(&case.client).await?;
        anyhow::Ok(watch.topics().values().filter(|seen| seen.ready).count())
    };
    let creation = bulk::create(&case.client, &case.namespace, &names);
    let ((), ready) = tokio::try_join!(creation, killed)?;
    ensure!(
        ready < names.len(),
        "all were Ready before the operator was killed"
    );
    watch.all_ready(names.len(), DEADLINE, |_| {}).await?;
    once_each(&case, &mut watch, WRITES).await
}

#[tokio::test]
async fn three_hundred_edits_at_once_reach_kafka_in_few_requests() -> Result<()> {
    let case = Case::alone("edits").await?;
    let names = bulk::names(300);
    let mut watch = TopicWatch::start(&case.client, &case.namespace).await?;
    bulk::create(&case.client, &case.namespace, &names).await?;
    watch.all_ready(names.len(), DEADLINE, |_| {}).await?;

    let mut watch = TopicWatch::start(&case.client, &case.namespace).await?;
    let before = operator::leader(&case.client).await?;
    bulk::set_retentions(&case.client, &case.namespace, &names, 7_200_000).await?;
    watch.all_ready(names.len(), DEADLINE, |_| {}).await?;
    let after = operator::leader(&case.client).await?;
    assert_eq!(
        before.pod, after.pod,
        "the operator was restarted meanwhile"
    );

    let calls = growth(&before.kafka_requests(), &after.kafka_requests());
    let edits = names.len() as f64;
    let changes = calls
        .get("alter_topic_configs")
        .copied()
        .unwrap_or_default();
    assert!(changes > 0.0, "nothing was changed in Kafka: {calls:?}");
    assert!(changes <= edits / 4.0, "too many changes: {calls:?}");
    let all: f64 = calls.values().sum();
    assert!(all <= edits / 2.0, "too many requests: {calls:?}");
    for name in names.iter().step_by(50) {
        let topic = case
            .probe
            .topic(&case.name(name))
            .await?
            .unwrap_or_default();
        assert_eq!(
            topic["config"]["retention.ms"], "7200000",
            "{name} in Kafka"
        );
    }
    // The edit itself, and the status after it.
    once_each(&case, &mut watch, 1 + WRITES).await
}
