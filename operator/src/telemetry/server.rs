use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::net::TcpListener;

use super::Health;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Listens on `port` of every address.
///
/// # Errors
/// When the port cannot be had.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    let addresses = [
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
    ];
    TcpListener::bind(&addresses[..]).await
}

/// Answers `/metrics` (OpenMetrics text), `/healthz` (200 while the process runs) and `/readyz` (200 or 503), to the
/// last moment of the process.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, registry: Registry, health: Health) -> io::Result<()> {
    axum::serve(listener, router(registry, health)).await
}

fn router(registry: Registry, health: Health) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(Arc::new(registry))
        .route("/readyz", get(readyz))
        .with_state(health)
        .route("/healthz", get(|| async { "ok" }))
}

async fn metrics(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => (StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(CONTENT_TYPE, "text/plain")],
            error.to_string(),
        ),
    }
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    if health.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "still reading the resources",
        )
    }
}

#[cfg(test)]
mod tests;
