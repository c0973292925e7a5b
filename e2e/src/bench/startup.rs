//! From `helm install` to Ready.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
};
use kube::{Api, Client, api::ListParams};
use tokio::process::Command;

use super::Figure;
use crate::{OPERATOR_NAMESPACE, resources, wait};

const FLOOR_NAMESPACE: &str = "millrace-bench";
const PATIENCE: Duration = Duration::from_secs(180);

/// The operator installed anew, against a pod that sleeps, installed by helm as well.
///
/// # Errors
/// When helm fails or a Deployment does not become ready.
pub async fn install_to_ready(client: &Client) -> Result<Figure> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let floor = {
        let chart = resources::repository("e2e/floor").display().to_string();
        let image = format!("image={}", resources::image("millrace/probe:dev"));
        let install = [
            "upgrade",
            "--install",
            "floor",
            &chart,
            "--namespace",
            FLOOR_NAMESPACE,
            "--create-namespace",
            "--set-string",
            &image,
        ];
        let took = timed(client, FLOOR_NAMESPACE, "floor", command("helm", &install)).await;
        resources::delete(&namespaces, FLOOR_NAMESPACE).await?;
        wait::gone(&namespaces, FLOOR_NAMESPACE, PATIENCE).await?;
        took?
    };
    let uninstall = [
        "uninstall",
        "millrace",
        "--namespace",
        OPERATOR_NAMESPACE,
        "--wait",
    ];
    run(command("helm", &uninstall)).await?;
    no_pods(client, OPERATOR_NAMESPACE).await?;
    let install = resources::repository("e2e/install").display().to_string();
    let value = timed(
        client,
        OPERATOR_NAMESPACE,
        "millrace",
        command(&install, &["--wait=false"]),
    )
    .await?;
    Ok(
        Figure::new("helm install to operator ready", value.as_secs_f64(), "s")
            .with_floor(floor.as_secs_f64(), "helm install to a sleeping pod ready"),
    )
}

/// Runs an installation; the time until the Deployment it makes is ready.
async fn timed(
    client: &Client,
    namespace: &str,
    deployment: &str,
    install: Command,
) -> Result<Duration> {
    let started = Instant::now();
    run(install).await?;
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    wait::object(
        &api,
        deployment,
        "a replica is ready",
        PATIENCE,
        |deployment: &Deployment| {
            deployment
                .status
                .as_ref()
                .and_then(|status| status.ready_replicas)
                >= Some(1)
        },
    )
    .await?;
    Ok(started.elapsed())
}

async fn no_pods(client: &Client, namespace: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    wait::answer("no pod of the operator is left", PATIENCE, || async {
        let left = pods.list(&ListParams::default()).await?.items.len();
        Ok(if left == 0 {
            Ok(())
        } else {
            Err(format!("{left} are left"))
        })
    })
    .await
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

async fn run(mut command: Command) -> Result<()> {
    let output = command
        .output()
        .await
        .with_context(|| format!("{:?}", command.as_std()))?;
    ensure!(
        output.status.success(),
        "{:?}: {}",
        command.as_std(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
