//! Resident memory of the operator.

use std::time::Duration;

use anyhow::Result;
use kube::Client;

use super::Figure;
use crate::{operator, wait};

/// With the example's KafkaCluster and nothing going on.
///
/// # Errors
/// When the kubelet has no figure for it within a minute.
pub async fn idle(client: &Client) -> Result<Figure> {
    figure(client, "operator's memory, idle").await
}

/// While the flights stream.
///
/// # Errors
/// When the kubelet has no figure for it within a minute.
pub async fn streaming(client: &Client) -> Result<Figure> {
    figure(client, "operator's memory, after the flights").await
}

/// At this moment, as the kubelet measured it last, under the name `what`.
///
/// # Errors
/// When the kubelet has no figure for it within a minute.
pub async fn figure(client: &Client, what: &str) -> Result<Figure> {
    let bytes = wait::answer(what, Duration::from_secs(60), || async {
        let usage = operator::usage(client).await;
        Ok(usage
            .map(|usage| usage.resident)
            .map_err(|error| error.to_string()))
    })
    .await?;
    Ok(Figure::new(what, mib(bytes), "MiB"))
}

/// The most that it has been since it was last forgotten, under the name `what`.
///
/// # Errors
/// When nobody leads, or its process cannot be looked at.
pub async fn peak(client: &Client, what: &str) -> Result<Figure> {
    let bytes = operator::peak_memory(client).await?;
    Ok(Figure::new(what, mib(bytes), "MiB"))
}

/// Bytes in MiB.
pub fn mib(bytes: i64) -> f64 {
    bytes as f64 / 1_048_576.0
}
