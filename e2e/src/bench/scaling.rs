//! From lag in Kafka to more replicas.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;

use super::{Figure, memory};
use crate::{
    CLUSTER, CLUSTER_NAMESPACE,
    flights::{self, Sample},
    probe::Probe,
};

const DEADLINE: Duration = Duration::from_secs(600);

/// The example's stream: the time from its first lag to the second replica asked for, and the operator's memory after it.
///
/// # Errors
/// When the stream does not end, or nothing was scaled.
pub async fn burst(client: &Client) -> Result<Vec<Figure>> {
    let total = tokio::task::spawn_blocking(flights::count_file)
        .await??
        .scheduled;
    flights::clear(client).await?;
    flights::declare(client).await?;
    flights::start_consumer(client).await?;
    let probe = Probe::start(client.clone(), CLUSTER_NAMESPACE, CLUSTER).await?;
    flights::start_producer(client).await?;
    let samples = flights::follow(client, &probe, total, DEADLINE, |_| {}).await?;
    let (lag_shows, scaled) = moments(&samples).context("the consumer was never scaled")?;
    Ok(vec![
        Figure::new(
            "lag in Kafka to more replicas",
            (scaled - lag_shows).as_secs_f64(),
            "s",
        ),
        memory::streaming(client).await?,
    ])
}

/// The first moment with lag, and the first with more replicas than one.
fn moments(samples: &[Sample]) -> Option<(Duration, Duration)> {
    let lag_shows = samples.iter().find(|sample| sample.lag > 0)?;
    let scaled = samples.iter().find(|sample| sample.replicas > 1)?;
    Some((lag_shows.at, scaled.at))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Sample, moments};

    #[test]
    fn without_more_replicas_there_is_no_second_moment() {
        let sample = |at, lag, replicas| Sample {
            at: Duration::from_secs(at),
            produced: 9,
            lag,
            replicas,
        };
        assert_eq!(moments(&[sample(0, 0, 1), sample(1, 5, 1)]), None);
        let seen = [sample(0, 0, 1), sample(1, 5, 1), sample(4, 7, 3)];
        assert_eq!(
            moments(&seen),
            Some((Duration::from_secs(1), Duration::from_secs(4)))
        );
    }
}
