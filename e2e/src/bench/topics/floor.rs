use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::Figure,
    ground::{Ground, progress},
};
use crate::{bulk, operator};

/// The operator's pods come and go in this time.
const SCALING: Duration = Duration::from_secs(120);
/// A broker deletes the files of a deleted topic a minute later (`file.delete.delay.ms`); measuring meanwhile would measure that.
const FILES_DELETED: Duration = Duration::from_secs(75);

/// The least that the Topics could cost on this machine, one request at a time for each of them or a thousand in one.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    creation: Duration,
    status: Duration,
    kafka: Duration,
}

impl Floor {
    /// The slower of the two: Kubernetes and Kafka could work at the same time.
    pub fn least(&self) -> Duration {
        (self.creation + self.status).max(self.kafka)
    }

    /// Its parts.
    pub fn figures(&self, ground: &Ground) -> [Figure; 3] {
        let count = ground.count;
        let figure = |what, took: Duration| Figure::new(what, took.as_secs_f64(), "s");
        [
            figure(
                format!("bare client: {count} Topics created, 64 at a time"),
                self.creation,
            ),
            figure(
                format!("bare client: {count} statuses applied, 64 at a time"),
                self.status,
            ),
            figure(
                format!("bare admin client: {count} topics created, 1,000 a request"),
                self.kafka,
            ),
        ]
    }
}

/// Measured while no operator runs; `status` is one that the operator wrote to a Ready Topic. What was made is taken away again.
///
/// # Errors
/// When the API server or Kafka refuses, or the operator does not come back.
pub async fn measure(ground: &Ground, status: &Value) -> Result<Floor> {
    progress("the floor, with no operator");
    let replicas = operator::replicas(&ground.client).await?;
    let measured = without_operator(ground, status).await;
    let taken_away = ground.take_away(&ground.floor_namespace).await;
    sleep(FILES_DELETED).await;
    operator::scale(&ground.client, replicas, SCALING).await?;
    operator::led(&ground.client, SCALING).await?;
    taken_away?;
    measured
}

async fn without_operator(ground: &Ground, status: &Value) -> Result<Floor> {
    operator::scale(&ground.client, 0, SCALING).await?;
    let names = bulk::names(ground.count);
    let (client, namespace) = (&ground.client, &ground.floor_namespace);
    let started = Instant::now();
    bulk::create(client, namespace, &names).await?;
    let creation = started.elapsed();
    progress(&format!("created in {creation:.1?}"));
    let started = Instant::now();
    bulk::write_statuses(client, namespace, &names, status).await?;
    let status = started.elapsed();
    progress(&format!("statuses written in {status:.1?}"));
    let kafka = ground
        .probe
        .create_topics(&format!("{namespace}."), ground.count)
        .await?;
    progress(&format!("made in Kafka in {kafka:.1?}"));
    Ok(Floor {
        creation,
        status,
        kafka,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Floor;

    #[test]
    fn the_floor_is_the_slower_of_kubernetes_and_kafka() {
        let floor = |creation, status, kafka| Floor {
            creation: Duration::from_secs(creation),
            status: Duration::from_secs(status),
            kafka: Duration::from_secs(kafka),
        };
        assert_eq!(floor(7, 9, 3).least(), Duration::from_secs(16));
        assert_eq!(floor(1, 1, 3).least(), Duration::from_secs(3));
    }
}
