//! The example of `docs/examples/flights`, run from the outside: what the file holds, the resources, and the stream as it goes.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Namespace};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use millrace_crds::{ConsumerGroup, Dlq, Redrive, Schema, Topic};
use serde_json::json;
use tokio::time::sleep;

use crate::{probe::Probe, resources, wait};

/// Namespace of the example.
pub const NAMESPACE: &str = "flights";
/// The topic the flights go into.
pub const FLIGHTS: &str = "flights.flights";
/// The topic of the flights that left.
pub const DEPARTURES: &str = "flights.departures";
/// The dead-letter topic.
pub const DEAD_LETTERS: &str = "flights.dlq";
/// Group id of the consumers.
pub const GROUP: &str = "flights.departures";
/// Name of the ConsumerGroup and of the Deployment it scales.
pub const CONSUMER: &str = "departures";
/// The refused schema change.
pub const BREAKING_SCHEMA: &str = "docs/examples/flights/refused/schema-breaking.yaml";

const PATIENCE: Duration = Duration::from_secs(120);

/// What the file of flights holds, counted in the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flights {
    /// Flights in the file.
    pub scheduled: i64,
    /// Those without a departure time.
    pub cancelled: i64,
}

impl Flights {
    /// Flights that left.
    pub fn departed(&self) -> i64 {
        self.scheduled - self.cancelled
    }
}

/// Counts the flights in the file, which is fetched if it is not there yet.
///
/// # Errors
/// When the file cannot be had or read.
pub fn count_file() -> Result<Flights> {
    let directory = data_directory()?;
    let fetch = resources::repository("docs/examples/flights/fetch-data");
    let fetched = Command::new(&fetch)
        .arg(&directory)
        .output()
        .with_context(|| format!("{}", fetch.display()))?;
    ensure!(
        fetched.status.success(),
        "{}: {}",
        fetch.display(),
        String::from_utf8_lossy(&fetched.stderr)
    );
    let file = std::fs::File::open(directory.join("flights.csv.gz"))?;
    let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(file));
    let column = reader
        .headers()?
        .iter()
        .position(|name| name == "dep_time")
        .context("no column dep_time")?;
    let mut flights = Flights {
        scheduled: 0,
        cancelled: 0,
    };
    for record in reader.records() {
        flights.scheduled += 1;
        if matches!(record?.get(column), None | Some("" | "NA")) {
            flights.cancelled += 1;
        }
    }
    Ok(flights)
}

/// Where `e2e/images` keeps the file too.
fn data_directory() -> Result<PathBuf> {
    let cache = match std::env::var_os("MILLRACE_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?)
            .join(".cache/millrace"),
    };
    Ok(cache.join("images/flights-data"))
}

/// Takes away what an earlier run left: its records would be counted again.
///
/// # Errors
/// When the namespace does not go in time.
pub async fn clear(client: &Client) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    resources::delete(&namespaces, NAMESPACE).await?;
    wait::gone(&namespaces, NAMESPACE, PATIENCE).await
}

/// Applies namespace, topics, DLQ and schema, and waits until all are ready.
///
/// # Errors
/// When one is not ready in time, with its conditions.
pub async fn declare(client: &Client) -> Result<()> {
    for file in ["2-namespace.yaml", "3-topics.yaml", "4-schema.yaml"] {
        resources::apply_file(client, &format!("docs/examples/flights/{file}")).await?;
    }
    let topics: Api<Topic> = Api::namespaced(client.clone(), NAMESPACE);
    let letters: Api<Dlq> = Api::namespaced(client.clone(), NAMESPACE);
    let schemas: Api<Schema> = Api::namespaced(client.clone(), NAMESPACE);
    tokio::try_join!(
        wait::condition(&topics, "flights", "Ready", "True", PATIENCE),
        wait::condition(&topics, "departures", "Ready", "True", PATIENCE),
        wait::condition(&letters, "flights-dlq", "Ready", "True", PATIENCE),
        wait::condition(&schemas, "flights-value", "Ready", "True", PATIENCE),
        wait::condition(&schemas, "departures-value", "Ready", "True", PATIENCE),
    )?;
    Ok(())
}

/// Applies ConsumerGroup and Deployment, and waits until the first consumer runs.
///
/// # Errors
/// When one is not ready in time, with its conditions.
pub async fn start_consumer(client: &Client) -> Result<()> {
    resources::apply_file(client, "docs/examples/flights/5-consumer.yaml").await?;
    let groups: Api<ConsumerGroup> = Api::namespaced(client.clone(), NAMESPACE);
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    wait::condition(&groups, CONSUMER, "Ready", "True", PATIENCE).await?;
    wait::object(
        &deployments,
        CONSUMER,
        "a consumer runs",
        PATIENCE,
        |deployment: &Deployment| {
            deployment
                .status
                .as_ref()
                .and_then(|status| status.ready_replicas)
                >= Some(1)
        },
    )
    .await?;
    Ok(())
}

/// Has the consumer write flights that never left as departures without a time: first its schema, then the consumer, all of it.
///
/// # Errors
/// When the schema is refused, or not every consumer is replaced in time.
pub async fn fix_consumer(client: &Client) -> Result<()> {
    resources::apply_file(client, "docs/examples/flights/fixed/schema.yaml").await?;
    let schemas: Api<Schema> = Api::namespaced(client.clone(), NAMESPACE);
    let second = |schema: &Schema| {
        let version = schema.status.as_ref().and_then(|status| status.version);
        version == Some(2)
    };
    let what = "the second version is registered";
    wait::object(&schemas, "departures-value", what, PATIENCE, second).await?;
    let container =
        json!({ "name": "consume", "env": [{ "name": "CANCELLED", "value": "departure" }] });
    let patch = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let params = PatchParams::default();
    deployments
        .patch(CONSUMER, &params, &Patch::Strategic(patch))
        .await?;
    let replaced = |deployment: &Deployment| {
        let Some(status) = &deployment.status else {
            return false;
        };
        status.observed_generation == deployment.metadata.generation
            && status.updated_replicas >= Some(1)
            && status.updated_replicas == status.replicas
            && status.ready_replicas == status.replicas
    };
    let what = "every consumer is the fixed one";
    wait::object(&deployments, CONSUMER, what, PATIENCE, replaced).await?;
    Ok(())
}

/// Brings the cancelled flights home, and waits until that is done.
///
/// # Errors
/// When it does not end in time, with its conditions.
pub async fn redrive(client: &Client) -> Result<Redrive> {
    resources::apply_file(client, "docs/examples/flights/fixed/redrive.yaml").await?;
    let redrives: Api<Redrive> = Api::namespaced(client.clone(), NAMESPACE);
    wait::object(
        &redrives,
        "cancelled-flights",
        "it has ended",
        PATIENCE,
        |redrive: &Redrive| {
            let status = redrive.status.as_ref();
            status.is_some_and(|status| status.completion_time.is_some())
        },
    )
    .await
}

/// Applies the Job that streams the flights.
///
/// # Errors
/// When it is refused.
pub async fn start_producer(client: &Client) -> Result<()> {
    resources::apply_file(client, "docs/examples/flights/6-producer.yaml").await
}

/// The stream at one moment, as Kafka and Kubernetes see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Since the stream began.
    pub at: Duration,
    /// Flights in the topic.
    pub produced: i64,
    /// Flights the group has not processed yet.
    pub lag: i64,
    /// Replicas that the Deployment asks for.
    pub replicas: i32,
}

/// Follows the stream until all `expected` flights are processed and one replica is left.
/// A look that fails, as on a machine that has too much to do, is left out.
///
/// # Errors
/// When that is not so within `deadline`, with the last look; when the producer fails.
pub async fn follow(
    client: &Client,
    probe: &Probe,
    expected: i64,
    deadline: Duration,
    mut see: impl FnMut(&Sample),
) -> Result<Vec<Sample>> {
    let started = Instant::now();
    let mut samples: Vec<Sample> = Vec::new();
    loop {
        let last = look(client, probe, started).await;
        if let Ok(sample) = last {
            see(&sample);
            samples.push(sample);
            if sample.produced == expected && sample.lag == 0 && sample.replicas == 1 {
                return Ok(samples);
            }
        }
        if producer_failed(client).await.unwrap_or(false) {
            bail!("the producer failed: see kubectl logs --namespace {NAMESPACE} job/flights-feed");
        }
        if started.elapsed() > deadline {
            bail!(
                "not within {deadline:?}: {expected} flights processed and one replica left. The last look: {last:?}"
            );
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn look(client: &Client, probe: &Probe, started: Instant) -> Result<Sample> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let deployment = deployments.get(CONSUMER).await?;
    let (produced, lag) = progress(probe).await?;
    Ok(Sample {
        at: started.elapsed(),
        produced,
        lag,
        replicas: deployment
            .spec
            .and_then(|spec| spec.replicas)
            .unwrap_or_default(),
    })
}

async fn producer_failed(client: &Client) -> Result<bool> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), NAMESPACE);
    let status = jobs.get("flights-feed").await?.status;
    Ok(status.and_then(|status| status.failed) >= Some(1))
}

/// Records produced, and those not yet processed, out of committed and end offsets.
async fn progress(probe: &Probe) -> Result<(i64, i64)> {
    let offsets = probe
        .ask(&["lag", "--group", GROUP, "--topic", FLIGHTS])
        .await?;
    let partitions = offsets["partitions"]
        .as_array()
        .with_context(|| format!("no partitions in {offsets}"))?;
    let sum = |key: &str| {
        partitions
            .iter()
            .filter_map(|partition| partition[key].as_i64())
            .sum::<i64>()
    };
    Ok((sum("end"), sum("lag")))
}
