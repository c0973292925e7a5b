//! The demo: a KafkaCluster, the flights through it, and one screen that shows what happened.

mod screen;
mod show;
mod sparkline;
mod steps;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::{Api, Client};
use millrace_crds::{Dlq, KafkaCluster, ReasonCount};
use serde_json::Value;

use self::steps::Steps;
use crate::{
    CLUSTER, CLUSTER_NAMESPACE,
    flights::{self, Flights, Sample},
    probe::Probe,
    resources, stage, wait,
};

/// Longest that the stream may take.
const STREAM_DEADLINE: Duration = Duration::from_secs(600);

/// What the demo saw.
struct Seen {
    file: Flights,
    racks: Vec<(i64, String)>,
    topics: Vec<Value>,
    acls: Vec<Value>,
    samples: Vec<Sample>,
    letters: Vec<ReasonCount>,
    departures: i64,
    dead: i64,
    refusal: String,
}

/// Runs the demo against the cluster that `KUBECONFIG` names and prints it.
///
/// # Errors
/// When a step fails, or a flight is not accounted for.
pub async fn run() -> Result<()> {
    let client = stage::client().await?;
    let seen = play(&client).await?;
    println!("{}", screen::draw(&seen));
    let accounted = seen.departures + seen.dead;
    ensure!(
        accounted == seen.file.scheduled && seen.dead == seen.file.cancelled,
        "{accounted} of {} flights are accounted for, {} of {} cancelled ones are dead letters",
        seen.file.scheduled,
        seen.dead,
        seen.file.cancelled
    );
    Ok(())
}

async fn play(client: &Client) -> Result<Seen> {
    let steps = Steps::new();
    let file = tokio::task::spawn_blocking(flights::count_file).await??;
    steps
        .run(
            "what an earlier demo left is taken away",
            flights::clear(client),
        )
        .await?;
    steps
        .run(
            "KafkaCluster of three nodes and its registry ready",
            stage::cluster_ready(client),
        )
        .await?;
    steps
        .run(
            "topics, dead-letter queue and schema ready",
            flights::declare(client),
        )
        .await?;
    steps
        .run("first consumer runs", flights::start_consumer(client))
        .await?;
    let probe = steps
        .run(
            "probe runs",
            Probe::start(client.clone(), CLUSTER_NAMESPACE, CLUSTER),
        )
        .await?;
    flights::start_producer(client).await?;
    let samples = steps.stream(file.scheduled, |see| async move {
        flights::follow(client, &probe, file.scheduled, STREAM_DEADLINE, see)
            .await
            .map(|samples| (samples, probe))
    });
    let (samples, probe) = samples.await?;
    let refusal = steps
        .run(
            "a schema change that would break readers is refused",
            refused_schema(client),
        )
        .await?;
    let letters = steps
        .run(
            "dead letters counted by reason",
            counted_letters(client, file.cancelled),
        )
        .await?;
    steps
        .run(
            "every flight looked for in Kafka",
            look(client, &probe, file, samples, letters, refusal),
        )
        .await
}

async fn look(
    client: &Client,
    probe: &Probe,
    file: Flights,
    samples: Vec<Sample>,
    letters: Vec<ReasonCount>,
    refusal: String,
) -> Result<Seen> {
    let mut topics = Vec::new();
    for topic in [flights::FLIGHTS, flights::DEPARTURES, flights::DEAD_LETTERS] {
        topics.push(
            probe
                .topic(topic)
                .await?
                .with_context(|| format!("no topic {topic}"))?,
        );
    }
    let acls = probe.ask(&["acls"]).await?;
    Ok(Seen {
        file,
        racks: racks(client).await?,
        topics,
        acls: acls["acls"].as_array().cloned().context("no ACLs")?,
        samples,
        letters,
        departures: probe.count(flights::DEPARTURES).await?,
        dead: probe.count(flights::DEAD_LETTERS).await?,
        refusal,
    })
}

async fn racks(client: &Client) -> Result<Vec<(i64, String)>> {
    let cluster: KafkaCluster = Api::namespaced(client.clone(), CLUSTER_NAMESPACE)
        .get(CLUSTER)
        .await?;
    let brokers = cluster
        .status
        .context("the KafkaCluster has no status")?
        .brokers;
    Ok(brokers
        .into_iter()
        .map(|broker| {
            (
                i64::from(broker.id),
                broker.rack.unwrap_or_else(|| "no rack".into()),
            )
        })
        .collect())
}

async fn refused_schema(client: &Client) -> Result<String> {
    match resources::apply_file(client, flights::BREAKING_SCHEMA).await {
        Ok(()) => bail!("the breaking schema was let in"),
        Err(error) => match resources::refusal(&error) {
            Some(words) => Ok(words.to_owned()),
            None => Err(error),
        },
    }
}

async fn counted_letters(client: &Client, expected: i64) -> Result<Vec<ReasonCount>> {
    let letters: Api<Dlq> = Api::namespaced(client.clone(), flights::NAMESPACE);
    let counted = wait::object(
        &letters,
        "flights-dlq",
        "all dead letters are counted",
        Duration::from_secs(30),
        |dlq: &Dlq| dlq.status.as_ref().and_then(|status| status.letters) == Some(expected),
    )
    .await?;
    Ok(counted
        .status
        .map(|status| status.by_reason)
        .unwrap_or_default())
}
