use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::Instant;

use super::{
    super::{Figure, percentile::percentile},
    ground::{Ground, progress},
};
use crate::{bulk, topic_watch::TopicWatch};

const EDITS: usize = 200;
/// Each so many edits, Kafka is asked whether the value is there.
const CHECKED: usize = 20;
const DEADLINE: Duration = Duration::from_secs(30);
/// What was promised at p99, in milliseconds.
const GOAL_MS: f64 = 1_000.0;

/// Edits of different Topics, one after the other: from the API server's answer to the edit until a watch shows it Ready.
///
/// # Errors
/// When an edit is not Ready within 30 s, or Ready and not in Kafka.
pub async fn measure(ground: &Ground) -> Result<[Figure; 2]> {
    progress(&format!("{EDITS} edits, one after the other"));
    let (client, namespace) = (&ground.client, &ground.namespace);
    let names = bulk::names(ground.count);
    let mut watch = TopicWatch::start(client, namespace).await?;
    let mut took = Vec::with_capacity(EDITS);
    for n in 0..EDITS.min(names.len()) {
        let name = &names[n * names.len() / EDITS.min(names.len())];
        let retention = 3_600_000 + i64::try_from(n)?;
        let generation = bulk::set_retention(client, namespace, name, retention).await?;
        let answered = Instant::now();
        let ready = watch.settled(name, generation, DEADLINE).await?;
        took.push(ready.saturating_duration_since(answered));
        if n % CHECKED == 0 {
            check(ground, name, retention).await?;
        }
    }
    took.sort_unstable();
    let among = format!("one edit among {} Topics until Ready", ground.count);
    let figure = |p: usize| {
        let milliseconds = percentile(&took, p).as_secs_f64() * 1_000.0;
        Figure::new(format!("{among}, p{p}"), milliseconds, "ms")
    };
    Ok([figure(50), figure(99).with_goal(GOAL_MS)])
}

async fn check(ground: &Ground, name: &str, retention: i64) -> Result<()> {
    let topic = ground
        .probe
        .topic(&format!("{}.{name}", ground.namespace))
        .await?
        .unwrap_or_default();
    let there = &topic["config"]["retention.ms"];
    ensure!(
        there.as_str() == Some(retention.to_string().as_str()),
        "Topic {name} is Ready with retention.ms={retention}, but Kafka has {there}"
    );
    Ok(())
}
