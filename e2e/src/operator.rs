//! The operator's own pods.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams},
};
use serde_json::Value;

use crate::OPERATOR_NAMESPACE;

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

/// Resident memory of the operator in bytes, as its node's kubelet measures it.
///
/// # Errors
/// When the kubelet does not know.
pub async fn memory(client: &Client) -> Result<i64> {
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
        .and_then(|stats| stats["containers"][0]["memory"]["rssBytes"].as_i64())
        .with_context(|| format!("the kubelet of {node} has no figures for the operator yet"))
}
