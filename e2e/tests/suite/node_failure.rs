//! A zone goes away and comes back.

use std::{env, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::ListParams};
use millrace_crds::KafkaCluster;
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, operator, resources, wait};

const PATIENCE: Duration = Duration::from_secs(120);

fn local_cluster(arguments: &[&str]) -> Result<String> {
    let output = Command::new(resources::repository("e2e/cluster/cluster"))
        .args(arguments)
        .output()?;
    ensure!(
        output.status.success(),
        "cluster {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A node of the local cluster, cut off the network until this is dropped.
struct CutOff<'a>(&'a str);

impl<'a> CutOff<'a> {
    fn new(node: &'a str) -> Result<Self> {
        local_cluster(&["node", "cut", node])?;
        Ok(Self(node))
    }
}

impl Drop for CutOff<'_> {
    fn drop(&mut self) {
        if let Err(error) = local_cluster(&["node", "join", self.0]) {
            eprintln!("{} could not be joined again: {error:#}", self.0);
        }
    }
}

fn on_node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// A node with a broker, and without what the case itself stands on: operator and probe. DNS is spread over the zones, so
/// another server of it is left.
async fn node_to_cut(case: &Case) -> Result<String> {
    let mut needed = operator::pods(&case.client).await?;
    let pods: Api<Pod> = Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE);
    needed.push(pods.get(&format!("{CLUSTER}-probe")).await?);
    let needed: Vec<&str> = needed.iter().filter_map(on_node).collect();
    let brokers = pods.list(&ListParams::default()).await?;
    brokers
        .iter()
        .filter(|pod| pod.name_any().starts_with(&format!("{CLUSTER}-nodes-")))
        .filter_map(on_node)
        .find(|node| !needed.contains(node))
        .map(str::to_owned)
        .context("every node holds the operator or the probe")
}

#[tokio::test]
async fn with_one_node_cut_off_records_still_flow_and_the_cluster_recovers() -> Result<()> {
    let case = Case::alone("cut-off").await?;
    if env::var_os("KUBECONFIG").map(PathBuf::from)
        != Some(PathBuf::from(local_cluster(&["kubeconfig"])?))
    {
        eprintln!("not run: only nodes of the local cluster can be cut off");
        return Ok(());
    }
    case.topic("orders", &[]).await?;
    let orders = case.name("orders");
    let clusters: Api<KafkaCluster> = Api::namespaced(case.client.clone(), CLUSTER_NAMESPACE);
    let node = node_to_cut(&case).await?;

    let cut = CutOff::new(&node)?;
    let two_left = |cluster: &KafkaCluster| {
        wait::condition_of(cluster, "BrokersReady").is_some_and(|condition| {
            let message = condition["message"].as_str().unwrap_or_default();
            condition["status"] == "False" && message.contains("2 of 3")
        })
    };
    let what = "two of three brokers are up";
    wait::object(&clusters, CLUSTER, what, PATIENCE, two_left).await?;
    case.probe
        .ask(&[
            "produce",
            "--topic",
            &orders,
            "--count",
            "50",
            "--timeout-s",
            "60",
        ])
        .await?;
    assert_eq!(case.probe.count(&orders).await?, 50);

    drop(cut);
    wait::condition(&clusters, CLUSTER, "Ready", "True", PATIENCE).await?;
    Ok(())
}
