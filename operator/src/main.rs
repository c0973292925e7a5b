//! The operator process: wires the parts together, and ends well.

use std::{error::Error, process::ExitCode, sync::Arc};

use clap::Parser;
use kube::Client;
use millrace_operator::{
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
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

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
    let telemetry = tokio::spawn(telemetry::serve(
        config.telemetry_port,
        metrics.registry(),
        health.clone(),
        shutdown.child_token(),
    ));
    let mut watches = JoinSet::new();
    let world = World::open(&client, &mut watches);
    let (context, access) = Context::new(client.clone(), config.clone(), world, metrics.clone())?;
    let context = Arc::new(context);
    tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        ready = context.world.stores.ready() => ready?,
    }
    health.set_ready(true);

    let mut candidate = Candidate::stand(client, &config).await?;
    tokio::select! {
        () = shutdown.cancelled() => {}
        elected = candidate.elected() => {
            elected?;
            metrics.leader.set(1);
            info!(lease = config.lease_name, "leading");
            tokio::select! {
                () = controllers::run_all(context, access, shutdown.clone()) => {}
                lost = candidate.lost() => return Err(lost.into()),
            }
        }
    }
    candidate.release().await;
    telemetry.await??;
    Ok(())
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
