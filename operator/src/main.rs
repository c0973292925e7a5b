//! The operator process: wires the parts together, and ends well.

use std::{error::Error, future::pending, process::ExitCode, sync::Arc};

use clap::Parser;
use kube::Client;
use millrace_operator::{
    admission,
    config::Config,
    context::Context,
    controllers,
    leader::Candidate,
    shutdown,
    telemetry::{self, Health, Metrics},
    world::World,
};
use mimalloc::MiMalloc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Ten thousand resources are many small allocations that come and go on all threads; this one gives their memory back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
    tokio::spawn(shutdown::on_signal(shutdown.clone())?);
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
        ready = context.world.ready() => ready?,
    }
    watches.spawn(admission::serve(context.clone(), shutdown.clone()));
    health.set_ready(true);

    let leader = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        panic = panicked(&mut watches) => return Err(panic.into()),
        leader = Candidate::new(client, &config).elected() => leader,
    };
    metrics.leader.set(1);
    info!(lease = config.lease_name, "leading");
    watches.spawn(admission::keep_certificate(
        context.clone(),
        shutdown.clone(),
    ));
    tokio::select! {
        () = controllers::run_all(context, access, shutdown.clone()) => {}
        () = shutdown::drained(&shutdown) => warn!("work was still under way at the deadline"),
        panic = panicked(&mut watches) => return Err(panic.into()),
        lost = leader.lost() => return Err(lost.into()),
    }
    leader.release().await;
    Ok(())
}

/// Waits until one of the tasks panics: the process ends rather than go on without it.
async fn panicked(tasks: &mut JoinSet<()>) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Err(panic)) => return panic,
            Some(Ok(())) => {}
            None => pending().await,
        }
    }
}
