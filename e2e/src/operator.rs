//! The operator's own pods.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    OPERATOR_NAMESPACE,
    exec::exec,
    metrics::{Labels, Metrics},
    wait,
};

pub mod clock;

/// Name of its Deployment, of its ServiceAccount and of its Lease.
pub const NAME: &str = "millrace";
/// The metric that counts its admin calls to Kafka.
pub const CALLS: &str = "millrace_kafka_requests_total";
const LABELS: &str = "app.kubernetes.io/name=millrace,app.kubernetes.io/component=operator";

/// The operator's pods.
///
/// # Errors
/// When they cannot be listed, or there is none.
pub async fn pods(client: &Client) -> Result<Vec<Pod>> {
    let api: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let pods = api.list(&ListParams::default().labels(LABELS)).await?.items;
    (!pods.is_empty())
        .then_some(pods)
        .context("no pod of the operator; is it installed in namespace millrace-system?")
}

/// Kills the operator's pods with no time to clean up, as a failing node would.
///
/// # Errors
/// When they cannot be deleted.
pub async fn kill(client: &Client) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    for pod in pods(client).await? {
        let name = pod.metadata.name.context("a pod without a name")?;
        api.delete(&name, &DeleteParams::default().grace_period(0))
            .await?;
    }
    Ok(())
}

/// What the operator's container uses, as its node's kubelet measured it last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub resident: i64,
    /// Processor time since it started.
    pub processor: Duration,
    /// When the processor time was measured; the kubelet does so every ten seconds or so.
    pub measured: Timestamp,
}

/// What it uses.
///
/// # Errors
/// When the kubelet does not know.
pub async fn usage(client: &Client) -> Result<Usage> {
    let pod = pods(client).await?.swap_remove(0);
    let node = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.node_name.as_deref())
        .context("the operator is on no node yet")?;
    let request =
        http::Request::get(format!("/api/v1/nodes/{node}/proxy/stats/summary")).body(Vec::new())?;
    let summary: Value = serde_json::from_str(&client.request_text(request).await?)?;
    let name = pod.metadata.name.as_deref();
    summary["pods"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|stats| {
            stats["podRef"]["name"].as_str() == name
                && stats["podRef"]["namespace"] == OPERATOR_NAMESPACE
        })
        .and_then(|stats| container(&stats["containers"][0]))
        .with_context(|| format!("the kubelet of {node} has no figures for the operator yet"))
}

/// The kubelet's figures of one container; none while one of them is missing.
fn container(stats: &Value) -> Option<Usage> {
    let processor = &stats["cpu"];
    Some(Usage {
        resident: stats["memory"]["rssBytes"].as_i64()?,
        processor: Duration::from_nanos(processor["usageCoreNanoSeconds"].as_u64()?),
        measured: processor["time"].as_str()?.parse().ok()?,
    })
}

/// The most memory that the leader has had resident since it started, or since [`forget_peak_memory`], in bytes, as the kernel counts
/// it.
///
/// # Errors
/// When nobody leads, or its process cannot be looked at.
pub async fn peak_memory(client: &Client) -> Result<i64> {
    let api: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let pod = leader(client).await?.pod;
    let (status, errors) = exec(&api, &pod, &["cat", "/proc/1/status"], "").await?;
    peak(&status).with_context(|| format!("no peak memory of {pod}: {status}{errors}"))
}

/// Lets [`peak_memory`] count from now on, by the leader's process (proc_pid_clear_refs(5)).
///
/// # Errors
/// When nobody leads, or its process does not take it.
pub async fn forget_peak_memory(client: &Client) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let pod = leader(client).await?.pod;
    let forget = ["sh", "-c", "echo 5 >/proc/1/clear_refs && echo done"];
    let (output, errors) = exec(&api, &pod, &forget, "").await?;
    ensure!(output.trim() == "done", "peak memory of {pod}: {errors}");
    Ok(())
}

/// `VmHWM` of `/proc/PID/status` in bytes (proc_pid_status(5)).
fn peak(status: &str) -> Option<i64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1_024)
}

/// What it uses, measured later than `since`.
///
/// # Errors
/// When the kubelet has no such figures in time.
pub async fn usage_after(client: &Client, since: Timestamp, within: Duration) -> Result<Usage> {
    let what = "the kubelet measures the operator again";
    wait::answer(what, within, || async {
        Ok(match usage(client).await {
            Ok(usage) if usage.measured > since => Ok(usage),
            Ok(usage) => Err(format!("its last figures are of {}", usage.measured)),
            Err(error) => Err(format!("{error:#}")),
        })
    })
    .await
}

/// The replica that leads, and what it has counted since it started.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Name of its pod.
    pub pod: String,
    metrics: Metrics,
}

impl Leader {
    /// The letters of a DLQ, `namespace/name`, that it has counted.
    pub fn dead_letters(&self, dlq: &str) -> f64 {
        let of_it = |labels: &Labels| labels.get("dlq").is_some_and(|label| label == dlq);
        self.metrics.sum("millrace_dlq_letters", of_it)
    }

    /// Writes to the API server so far, by kind.
    pub fn kubernetes_writes(&self) -> BTreeMap<String, f64> {
        self.by_kind("millrace_kubernetes_writes_total")
    }

    /// Admin calls to Kafka so far, by the call's name, such as `describe_topics`.
    pub fn kafka_requests(&self) -> BTreeMap<String, f64> {
        self.by_kind(CALLS)
    }

    /// All counters of requests to Kafka so far: by the metric's name, and by what the request was.
    pub fn all_kafka_requests(&self) -> BTreeMap<String, BTreeMap<String, f64>> {
        self.metrics.totals("millrace_kafka_")
    }

    /// How many consumer groups it has looked at, of those whose ids begin with `prefix`.
    pub fn groups_seen(&self, prefix: &str) -> usize {
        let of_prefix = |group: &&String| group.starts_with(prefix);
        let seen = self.metrics.by("millrace_group_lag_records", |labels| {
            labels.get("group").filter(of_prefix).cloned()
        });
        seen.len()
    }

    /// Records that the audit of a Schema (namespace/name) has sampled so far, by what was found.
    pub fn sampled_records(&self, schema: &str) -> BTreeMap<String, f64> {
        let of_schema = |labels: &Labels| labels.get("schema").is_some_and(|s| s == schema);
        self.metrics
            .by("millrace_schema_sampled_records_total", |labels| {
                labels.get("result").filter(|_| of_schema(labels)).cloned()
            })
    }

    fn by_kind(&self, name: &str) -> BTreeMap<String, f64> {
        self.metrics.by(name, |labels| labels.get("kind").cloned())
    }
}

/// The replica that leads.
///
/// # Errors
/// When none does, or its metrics cannot be read.
pub async fn leader(client: &Client) -> Result<Leader> {
    for pod in pods(client).await? {
        let pod = pod.metadata.name.context("a pod without a name")?;
        // A pod that comes up or goes does not answer, and does not lead.
        let Ok(text) = get(client, &pod, "metrics").await else {
            continue;
        };
        let metrics = Metrics::parse(&text, &["millrace_"]);
        if metrics.sum("millrace_leader", |_| true) == 1.0 {
            return Ok(Leader { pod, metrics });
        }
    }
    Err(anyhow!("no replica of the operator leads"))
}

/// The replica that leads, once one does.
///
/// # Errors
/// When none does in time.
pub async fn led(client: &Client, within: Duration) -> Result<Leader> {
    wait::answer("a replica of the operator leads", within, || async {
        Ok(leader(client).await.map_err(|error| format!("{error:#}")))
    })
    .await
}

/// Whether a pod of the operator answers `/readyz` with 200.
pub async fn is_ready(client: &Client, pod: &str) -> bool {
    get(client, pod, "readyz").await.is_ok()
}

async fn get(client: &Client, pod: &str, path: &str) -> Result<String> {
    let uri = format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/{path}");
    let request = http::Request::get(uri).body(Vec::new())?;
    Ok(client.request_text(request).await?)
}

/// The number of replicas its Deployment asks for.
///
/// # Errors
/// When there is no such Deployment.
pub async fn replicas(client: &Client) -> Result<i32> {
    let scale = deployments(client).get_scale(NAME).await?;
    Ok(scale.spec.and_then(|spec| spec.replicas).unwrap_or(0))
}

/// Sets the number of replicas, and returns once there are no pods too many.
///
/// # Errors
/// When the Deployment cannot be scaled, or pods are left over in the end.
pub async fn scale(client: &Client, replicas: i32, within: Duration) -> Result<()> {
    let patch = json!({ "spec": { "replicas": replicas } });
    deployments(client)
        .patch_scale(NAME, &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    let api: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let what = "no pod of the operator too many is left";
    wait::answer(what, within, || async {
        let left = api.list(&ListParams::default().labels(LABELS)).await?.items;
        Ok(match i32::try_from(left.len()) {
            Ok(count) if count <= replicas => Ok(()),
            _ => Err(format!("{} are there", left.len())),
        })
    })
    .await
}

fn deployments(client: &Client) -> Api<Deployment> {
    Api::namespaced(client.clone(), OPERATOR_NAMESPACE)
}

/// Asks the pods to stop, as a rollout does, and returns once they are gone.
///
/// # Errors
/// When they cannot be deleted, or are there still after `within`.
pub async fn restart(client: &Client, within: Duration) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let old = pods(client).await?;
    for pod in &old {
        let name = pod
            .metadata
            .name
            .as_deref()
            .context("a pod without a name")?;
        api.delete(name, &DeleteParams::default()).await?;
    }
    for pod in &old {
        wait::gone(
            &api,
            pod.metadata.name.as_deref().unwrap_or_default(),
            within,
        )
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Usage, container, peak};

    #[test]
    fn the_peak_is_told_from_what_is_resident_now() {
        let status = "VmPeak:\t  900000 kB\nVmHWM:\t   40960 kB\nVmRSS:\t   30000 kB\n";
        assert_eq!(peak(status), Some(41_943_040));
        assert_eq!(peak("Name:\tmillrace\n"), None);
    }

    #[test]
    fn a_container_that_was_not_measured_yet_has_no_figures() {
        let stats = json!({
            "name": "operator",
            "cpu": { "time": "2026-01-31T12:00:00Z", "usageNanoCores": 5, "usageCoreNanoSeconds": 1_500_000_000_u64 },
            "memory": { "time": "2026-01-31T12:00:01Z", "rssBytes": 4096 },
        });
        let usage = Usage {
            resident: 4096,
            processor: Duration::from_millis(1_500),
            measured: "2026-01-31T12:00:00Z".parse().unwrap(),
        };
        assert_eq!(container(&stats), Some(usage));
        assert_eq!(container(&json!({ "memory": stats["memory"] })), None);
        assert_eq!(container(&Value::Null), None);
    }
}
