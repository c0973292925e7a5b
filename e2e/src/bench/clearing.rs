//! Takes away what a part of the bench made.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use millrace_crds::{ConsumerGroup, Topic};

use crate::{bulk, probe::Probe, resources, wait};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Takes away a namespace with all that is in it, and the topics and groups in Kafka that have its prefix. Each is tried though
/// another fails.
///
/// # Errors
/// When something is left after some minutes.
pub async fn take_away(client: &Client, probe: &Probe, namespace: &str) -> Result<()> {
    let prefix = format!("{namespace}.");
    // Consumers leave their groups when their pods go, so the groups come after the namespace.
    let resources = remove_resources(client, namespace).await;
    let topics = probe.delete_topics(&prefix, PATIENCE).await;
    let groups = probe.delete_groups(&prefix, PATIENCE).await;
    resources.and(topics).and(groups).with_context(|| {
        format!(
            "what the bench made could not be taken away: delete namespace {namespace}, and in Kafka what begins with `{prefix}`, \
             with `probe delete-many` and `probe delete-groups`"
        )
    })
}

async fn remove_resources(client: &Client, namespace: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_opt(namespace).await?.is_none() {
        return Ok(());
    }
    bulk::delete_all::<ConsumerGroup>(client, namespace, PATIENCE).await?;
    bulk::delete_all::<Topic>(client, namespace, PATIENCE).await?;
    resources::delete(&namespaces, namespace).await?;
    wait::gone(&namespaces, namespace, PATIENCE).await
}
