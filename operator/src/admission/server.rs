use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use tokio::sync::watch::{self, Receiver};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Judge, certificate::Served, intake::Intake, keeper::follow, review};
use crate::{context::Context, error::Error};

/// For requests that are under way at the end.
const GRACE: Duration = Duration::from_secs(5);

/// Answers the API server at `/validate` on `config.webhook_port` until `shutdown`. It begins when the leader has made the
/// certificate, and takes up a renewed one while it runs. Where it cannot answer, the operator goes on without it.
pub async fn serve(context: Arc<Context>, shutdown: CancellationToken) {
    if let Err(error) = answer(context, shutdown).await {
        error!(%error, "the admission webhook has stopped: nothing is refused at apply until the operator is restarted");
    }
}

async fn answer(context: Arc<Context>, shutdown: CancellationToken) -> Result<(), Error> {
    let (sender, receiver) = watch::channel(None::<Served>);
    let watching = follow(context.clone(), sender);
    let address = SocketAddr::from(([0, 0, 0, 0], context.config.webhook_port));
    let handle = Handle::new();
    let serving = listen(
        address,
        router(Judge::new(&context)),
        receiver,
        handle.clone(),
    );
    let stopping = async {
        shutdown.cancelled().await;
        handle.graceful_shutdown(Some(GRACE));
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = serving => ended,
        ended = watching => ended,
        () = stopping => Ok(()),
    }
}

/// Serves `pages` over TLS, from when there is a certificate, and with the last one that came: a connection keeps the one it began with.
async fn listen(
    address: SocketAddr,
    pages: Router,
    mut certificates: Receiver<Option<Served>>,
    handle: Handle<SocketAddr>,
) -> Result<(), Error> {
    let Some(first) = next(&mut certificates).await else {
        return Ok(());
    };
    let tls = RustlsConfig::from_pem(
        first.certificate_pem.into_bytes(),
        first.key_pem.into_bytes(),
    )
    .await
    .map_err(|error| Error::Certificate(format!("the webhook's certificate: {error}")))?;
    let server = axum_server::bind_rustls(address, tls.clone())
        .handle(handle)
        .serve(pages.into_make_service());
    info!(%address, "the admission webhook answers");
    let reloading = async {
        while let Some(renewed) = next(&mut certificates).await {
            tls.reload_from_pem(
                renewed.certificate_pem.into_bytes(),
                renewed.key_pem.into_bytes(),
            )
            .await
            .map_err(|error| {
                Error::Certificate(format!("the webhook's renewed certificate: {error}"))
            })?;
            info!("the admission webhook has a new certificate");
        }
        Ok(())
    };
    tokio::select! {
        ended = server => ended.map_err(|error| Error::Certificate(format!("the webhook on {address}: {error}"))),
        failed = reloading => failed,
    }
}

async fn next(receiver: &mut Receiver<Option<Served>>) -> Option<Served> {
    receiver.changed().await.ok()?;
    receiver.borrow_and_update().clone()
}

/// The webhook's one page.
pub fn router(judge: Judge) -> Router {
    Router::new()
        .route("/validate", post(validate))
        .with_state((Arc::new(judge), Intake::new()))
}

async fn validate(State((judge, intake)): State<(Arc<Judge>, Intake)>, body: Body) -> Response {
    let taken = match intake.take(body).await {
        Ok(taken) => taken,
        Err(refusal) => return refusal.into_response(),
    };
    match review::answer(&judge, &taken.bytes).await {
        Ok(review) => Json(review).into_response(),
        Err(refusal) => (StatusCode::BAD_REQUEST, Json(*refusal)).into_response(),
    }
}

#[cfg(test)]
mod tests;
