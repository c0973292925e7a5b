use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::{
    super::{Figure, memory},
    floor::Floor,
    ground::{Ground, progress},
};
use crate::{api_server, bulk, metrics::growth, topic_watch::TopicWatch};

/// The published figure, which no run of ours should come near.
const PUBLISHED_S: f64 = 600.0;
const DEADLINE: Duration = Duration::from_secs(600);
/// How many times the floor it may take.
const RATIO: f64 = 1.3;
/// Resident memory the operator may take, in MiB.
const MEMORY_MIB: f64 = 150.0;
/// After which the memory is looked at again.
const LATER: Duration = Duration::from_secs(60);

/// From the first Topic's creation to the last one's Ready, as a watch sees it.
///
/// # Errors
/// When not all are Ready within ten minutes, or not all are in Kafka then.
pub async fn measure(ground: &Ground, floor: &Floor) -> Result<Vec<Figure>> {
    let (client, namespace, count) = (&ground.client, &ground.namespace, ground.count);
    let names = bulk::names(count);
    let prefix = format!("{namespace}.t");
    let before = ground.probe.count_topics(&prefix).await?;
    ensure!(
        before == 0,
        "{before} topics of the run are in Kafka before it"
    );
    let writes_before = api_server::counters(client).await?.writes();
    let mut watch = TopicWatch::start(client, namespace).await?;
    progress(&format!("{count} Topics applied"));

    let started = Instant::now();
    let creation = async {
        bulk::create(client, namespace, &names).await?;
        progress(&format!("all created after {:.1?}", started.elapsed()));
        anyhow::Ok(started.elapsed())
    };
    let ready = watch.all_ready(count, DEADLINE, |ready| {
        if ready % 1_000 == 0 {
            progress(&format!("{ready} Ready after {:.1?}", started.elapsed()));
        }
    });
    let (creation, ready) = tokio::try_join!(creation, ready)?;
    let took = (ready - started).as_secs_f64();

    let after = memory_figure(ground, "at once").await?;
    let in_kafka = ground.probe.count_topics(&prefix).await?;
    ensure!(
        in_kafka == count,
        "{count} Topics are Ready, but {in_kafka} topics are in Kafka"
    );
    sleep(LATER).await;
    let later = memory_figure(ground, "a minute later").await?;
    let writes = growth(
        &writes_before,
        &api_server::counters(client).await?.writes(),
    );

    let least = floor.least().as_secs_f64();
    let mut figures = vec![
        Figure::new(format!("{count} Topics applied to all Ready"), took, "s")
            .with_floor(least, "bare clients: the slower of Kubernetes and Kafka")
            .with_goal(least * RATIO),
        Figure::new(
            "published elsewhere, an upper bound: 10,000 topic events (Strimzi, 2023-11-02)",
            PUBLISHED_S,
            "s",
        ),
        Figure::new(
            "of it until the last Topic was created",
            creation.as_secs_f64(),
            "s",
        ),
    ];
    figures.extend(writes.iter().map(|(resource, number)| {
        let floor = match resource.as_str() {
            "topics" | "topics/status" => count,
            _ => 0,
        };
        Figure::new(format!("writes to {resource} for it"), *number, "")
            .with_floor(floor as f64, "one for each Topic")
    }));
    figures.extend([after, later]);
    Ok(figures)
}

async fn memory_figure(ground: &Ground, when: &str) -> Result<Figure> {
    let what = format!("operator's memory, {} Topics Ready, {when}", ground.count);
    Ok(memory::figure(&ground.client, &what)
        .await?
        .with_goal(MEMORY_MIB))
}
