//! The operator process: wires the parts together, and ends well.

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use kube::Client;
use millrace_operator::{
    admission,
    config::Config,
    context::Context,
    controllers,
    leader::Candidate,
    telemetry::{self, Health, Metrics},
    world::World,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Longest wait for the controllers to end their work; with the Lease given back, less than a pod's grace period of 30 s.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    let ended = match telemetry::logs::start(&config) {
        Ok(()) => run(config).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "the operator stops");
            ExitCode::FAILURE
        }
    }
}

/// Runs until SIGTERM or SIGINT, or until the Lease is lost.
async fn run(config: Config) -> Result<(), Failure> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a TLS provider is installed already")?;
    let shutdown = CancellationToken::new();
    tokio::spawn(on_signal(shutdown.clone())?);
    let client = Client::try_default().await?;
    let metrics = Metrics::default();
    let health = Health::default();
    let listener = telemetry::listen(config.telemetry_port).await?;
    tokio::spawn(telemetry::serve(
        listener,
        metrics.registry(),
        health.clone(),
    ));
    let mut watches = JoinSet::new();
    let world = World::open(&client, &mut watches);
    let (context, access) = Context::new(client.clone(), config.clone(), world, metrics.clone())?;
    let context = Arc::new(context);
    tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        ready = context.world.stores.ready() => ready?,
    }
    watches.spawn(admission::serve(context.clone(), shutdown.clone()));
    health.set_ready(true);

    let leader = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        leader = Candidate::new(client, &config).elected() => leader,
    };
    metrics.leader.set(1);
    info!(lease = config.lease_name, "leading");
    watches.spawn(admission::keep_certificate(context.clone(), shutdown.clone()));
    tokio::select! {
        () = controllers::run_all(context, access, shutdown.clone()) => {}
        () = drained(&shutdown) => warn!("work was still under way at the deadline"),
        lost = leader.lost() => return Err(lost.into()),
    }
    leader.release().await;
    Ok(())
}

/// Waits until `shutdown` was long enough ago for all work that had begun to be finished.
async fn drained(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(DRAIN_DEADLINE).await;
}

/// Waits for SIGTERM or SIGINT, then asks everything to stop.
fn on_signal(shutdown: CancellationToken) -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
        shutdown.cancel();
    })
}
