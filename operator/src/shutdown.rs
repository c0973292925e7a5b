//! The end of the process: asked for by a signal, and given time.

use std::{future::Future, io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Longest wait for work that has begun; with the Lease given back, less than the 30 s a pod has by default.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

/// Waits for SIGTERM or SIGINT, then asks everything to stop.
///
/// # Errors
/// When the signals cannot be caught.
pub fn on_signal(shutdown: CancellationToken) -> io::Result<impl Future<Output = ()>> {
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

/// Waits until `shutdown` was long enough ago for all work that had begun to be finished.
pub async fn drained(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(DRAIN_DEADLINE).await;
}
