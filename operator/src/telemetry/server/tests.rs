use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use tower::ServiceExt;

use super::*;
use crate::{error::Error, telemetry::Metrics};

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn ready_only_once_it_is_said() {
    let health = Health::default();
    let router = router(Metrics::default().registry(), health.clone());
    assert_eq!(get(&router, "/healthz").await.0, StatusCode::OK);
    assert_eq!(
        get(&router, "/readyz").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    health.set_ready(true);
    assert_eq!(get(&router, "/readyz").await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn metrics_tell_how_long_reconciles_took_and_how_they_failed() {
    let metrics = Metrics::default();
    let router = router(metrics.registry(), Health::default());
    metrics.leader.set(1);
    let slow = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(())
    };
    metrics.reconciles.measure("Topic", slow).await.unwrap();
    let failing = async { Err::<(), _>(Error::Certificate("none".into())) };
    metrics
        .reconciles
        .measure("Topic", failing)
        .await
        .unwrap_err();

    let (_, text) = get(&router, "/metrics").await;
    for line in [
        "millrace_leader 1",
        r#"millrace_reconcile_duration_seconds_count{kind="Topic"} 2"#,
        r#"millrace_reconcile_duration_seconds_sum{kind="Topic"} 3.0"#,
        r#"millrace_reconcile_errors_total{kind="Topic",class="certificate"} 1"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
    }
}
