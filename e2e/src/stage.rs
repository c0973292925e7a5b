//! What all cases share: one KafkaCluster of three nodes, the one of `docs/examples/flights`, and whose turn it is.

use std::{env, time::Duration};

use anyhow::{Result, anyhow};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams},
};
use millrace_crds::KafkaCluster;
use tokio::sync::OnceCell;

use crate::{
    resources,
    turns::{Manner, Turn, Turns},
    wait,
};

/// Name of the shared KafkaCluster.
pub const CLUSTER: &str = "events";
/// Namespace of the shared KafkaCluster.
pub const CLUSTER_NAMESPACE: &str = "millrace-demo";
/// Namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "millrace-system";
/// Label of the namespaces that cases make.
pub const CASE_LABEL: &str = "e2e.millrace.dev/case";

static SHARED_CLUSTER: OnceCell<Result<(), String>> = OnceCell::const_new();
static TURNS: Turns = Turns::new();
/// Cases that run at a time, where `MILLRACE_E2E_CASES` does not say.
const CASES: usize = 6;

/// A client of the cluster that `KUBECONFIG` names.
///
/// # Errors
/// When there is no usable configuration.
pub async fn client() -> Result<Client> {
    // Several crates bring a provider for rustls; the first to install one wins, and they are all the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::try_default().await?)
}

/// A place among the others, with the shared KafkaCluster up.
///
/// # Errors
/// When the KafkaCluster does not become ready.
pub async fn shared(client: &Client) -> Result<Turn> {
    place(client, Manner::Shared).await
}

/// The whole stage, with the shared KafkaCluster up: for cases that measure time or disturb what is shared.
///
/// # Errors
/// When the KafkaCluster does not become ready.
pub async fn alone(client: &Client) -> Result<Turn> {
    place(client, Manner::Alone).await
}

async fn place(client: &Client, manner: Manner) -> Result<Turn> {
    shared_cluster(client).await?;
    let most = env::var("MILLRACE_E2E_CASES").map_or(Ok(CASES), |number| number.parse())?;
    Ok(TURNS.wait(manner, most).await)
}

async fn shared_cluster(client: &Client) -> Result<()> {
    let up = SHARED_CLUSTER
        .get_or_init(|| async {
            async {
                remove_old_cases(client).await?;
                cluster_ready(client).await
            }
            .await
            .map_err(|error: anyhow::Error| format!("{error:#}"))
        })
        .await;
    up.clone()
        .map_err(|error| anyhow!("the shared KafkaCluster is not up: {error}"))
}

/// Applies the KafkaCluster of the example and waits until it is ready.
///
/// # Errors
/// When it is not within five minutes.
pub async fn cluster_ready(client: &Client) -> Result<()> {
    resources::apply_file(client, "docs/examples/flights/1-cluster.yaml").await?;
    let clusters: Api<KafkaCluster> = Api::namespaced(client.clone(), CLUSTER_NAMESPACE);
    wait::condition(
        &clusters,
        CLUSTER,
        "Ready",
        "True",
        Duration::from_secs(300),
    )
    .await?;
    Ok(())
}

/// Namespaces that an earlier run left behind.
async fn remove_old_cases(client: &Client) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for old in namespaces
        .list(&ListParams::default().labels(CASE_LABEL))
        .await?
    {
        namespaces
            .delete(&old.name_any(), &DeleteParams::default())
            .await?;
    }
    Ok(())
}
