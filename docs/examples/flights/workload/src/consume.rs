//! `flights consume`

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{OwnedHeaders, OwnedMessage};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::{ClientContext, Message};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::binding::Binding;
use crate::dead_letter::{self, Reason};
use crate::flight::Flight;
use crate::pace::Pace;
use crate::registry::Registry;
use crate::token::TokenFile;
use crate::transaction::{self, Outcome, Outgoing};

const BATCH: usize = 500;
const WINDOW: Duration = Duration::from_millis(250);
const PROGRESS: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub struct Arguments {
    /// Directory of the binding.
    #[arg(long, env = "BINDING")]
    binding: PathBuf,
    /// File with the OAUTHBEARER token.
    #[arg(
        long,
        env = "TOKEN_FILE",
        default_value = "/var/run/secrets/tokens/kafka"
    )]
    token_file: PathBuf,
    /// Topic for the departures.
    #[arg(long, env = "OUTPUT_TOPIC")]
    output_topic: String,
    /// Records a second at most; 0 for no cap.
    #[arg(long, env = "RATE", default_value_t = 0)]
    rate: u32,
    /// By default the group id, a hyphen and the host's name.
    #[arg(long, env = "TRANSACTIONAL_ID")]
    transactional_id: Option<String>,
    /// What becomes of flights that never left.
    #[arg(long, env = "CANCELLED", value_enum, default_value_t)]
    cancelled: Cancelled,
    /// This host's name; in a pod, the pod's.
    #[arg(long, env = "HOSTNAME")]
    hostname: Option<String>,
}

/// What becomes of a flight that never left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Cancelled {
    /// It is a dead letter: a departure has a time.
    #[default]
    DeadLetter,
    /// It is a departure without a time.
    Departure,
}

/// The consumer's side of the group: authenticates, and remembers which partitions were taken away.
struct Member {
    token: TokenFile,
    revoked: Mutex<Vec<(String, i32)>>,
}

impl Member {
    fn take_revoked(&self) -> Vec<(String, i32)> {
        std::mem::take(&mut *self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Member {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(
        &self,
        config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.token.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.token.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.token.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
            revoked.extend(
                partitions
                    .elements()
                    .iter()
                    .map(|element| (element.topic().to_owned(), element.partition())),
            );
        }
    }
}

/// What a record leads to.
enum Fate {
    Departure(Vec<u8>),
    DeadLetter(Reason),
}

fn fate(flight: Result<Flight, String>, cancelled: Cancelled) -> Result<Fate> {
    Ok(match flight {
        Ok(flight) if flight.dep_time.is_none() && cancelled == Cancelled::DeadLetter => {
            Fate::DeadLetter(Reason {
                word: "NoDepartureTime",
                sentence: format!(
                    "{} {} from {} to {} has no departure time: it was cancelled",
                    flight.carrier, flight.flight, flight.origin, flight.dest
                ),
            })
        }
        Ok(flight) => Fate::Departure(departure(&flight)?),
        Err(sentence) => Fate::DeadLetter(Reason {
            word: "Undecodable",
            sentence,
        }),
    })
}

fn departure(flight: &Flight) -> serde_json::Result<Vec<u8>> {
    let mut departure = json!({
        "carrier": flight.carrier,
        "flight": flight.flight,
        "origin": flight.origin,
        "dest": flight.dest,
        "scheduled_departure_ms": flight.scheduled_departure(),
        "departure_delay_min": flight.dep_delay,
    });
    if let Some(time) = flight.dep_time {
        departure["dep_time"] = time.into();
    }
    serde_json::to_vec(&departure)
}

struct Worker {
    consumer: BaseConsumer<Member>,
    producer: ThreadedProducer<TokenFile>,
    registry: Registry,
    group: String,
    output_topic: String,
    dlq_topic: Option<String>,
    cancelled: Cancelled,
    departures: u64,
    dead_letters: u64,
}

/// Consumes until SIGTERM or SIGINT, then finishes its batch, leaves the group, and prints its counts.
pub async fn run(arguments: Arguments) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stopped.store(true, Ordering::Relaxed);
    });
    let runtime = Handle::current();
    // librdkafka's calls block, so they have a thread to themselves.
    tokio::task::spawn_blocking(move || work(&arguments, &stop, &runtime)).await?
}

fn work(arguments: &Arguments, stop: &AtomicBool, runtime: &Handle) -> Result<()> {
    let mut worker = Worker::new(arguments)?;
    let mut pace = Pace::new(arguments.rate, WINDOW, Instant::now());
    let mut reported = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        match pace.allowed(Instant::now()) {
            Ok(records) => pace.spend(worker.step(records.min(BATCH), runtime)?),
            Err(wait) => std::thread::sleep(wait),
        }
        if reported.elapsed() > PROGRESS {
            reported = Instant::now();
            worker.report();
        }
    }
    worker.report();
    Ok(())
}

impl Worker {
    fn new(arguments: &Arguments) -> Result<Self> {
        let binding = Binding::open(&arguments.binding)?;
        let group = binding.read("group.id")?;
        let topics = binding.topics()?;
        let transactional_id = match (&arguments.transactional_id, &arguments.hostname) {
            (Some(id), _) => id.clone(),
            (None, Some(host)) => format!("{group}-{host}"),
            (None, None) => anyhow::bail!(
                "neither --transactional-id nor --hostname is given, and HOSTNAME is not set"
            ),
        };
        let token = || TokenFile::new(arguments.token_file.clone());

        let mut config = binding.client_config()?;
        if config.get("auto.offset.reset").is_none() {
            config.set("auto.offset.reset", "earliest");
        }
        let consumer: BaseConsumer<_> = config
            .set("group.id", &group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .create_with_context(Member {
                token: token(),
                revoked: Mutex::default(),
            })?;

        let producer: ThreadedProducer<_> = binding
            .client_config()?
            .set("transactional.id", &transactional_id)
            // A killed member's open transaction holds up every reader for so long.
            .set("transaction.timeout.ms", "10000")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .create_with_context(token())?;
        producer
            .init_transactions(PATIENCE)
            .with_context(|| format!("cannot begin as transactional id {transactional_id}"))?;

        consumer.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>())?;
        println!(
            "consuming {} as {group}, transactional id {transactional_id}",
            topics.join(", ")
        );
        Ok(Self {
            consumer,
            producer,
            registry: Registry::new(&binding.read("schema.registry.url")?)?,
            group,
            output_topic: arguments.output_topic.clone(),
            dlq_topic: binding.read("dlq.topic").ok(),
            cancelled: arguments.cancelled,
            departures: 0,
            dead_letters: 0,
        })
    }

    /// One batch of at most `limit` records; returns how many were done, which is none after an aborted transaction.
    fn step(&mut self, limit: usize, runtime: &Handle) -> Result<usize> {
        let batch = self.gather(limit)?;
        if batch.is_empty() {
            return Ok(0);
        }
        let mut fates = Vec::with_capacity(batch.len());
        for record in &batch {
            let flight = runtime.block_on(
                self.registry
                    .decode(record.payload().unwrap_or_default(), PATIENCE),
            )?;
            fates.push(fate(flight, self.cancelled)?);
        }
        let outgoing = batch
            .iter()
            .zip(&fates)
            .map(|(record, fate)| self.outgoing(record, fate))
            .collect::<Result<_>>()?;
        if transaction::write(&self.consumer, &self.producer, &batch, outgoing)? == Outcome::Aborted
        {
            return Ok(0);
        }
        let dead = fates
            .iter()
            .filter(|fate| matches!(fate, Fate::DeadLetter(_)))
            .count();
        self.dead_letters += dead as u64;
        self.departures += (batch.len() - dead) as u64;
        Ok(batch.len())
    }

    /// What arrives within the window. A rebalance can happen in any poll: what it takes away is the next owner's to do.
    fn gather(&self, limit: usize) -> Result<Vec<OwnedMessage>> {
        let mut batch = Vec::<OwnedMessage>::new();
        let deadline = Instant::now() + WINDOW;
        while batch.len() < limit {
            let left = deadline.saturating_duration_since(Instant::now());
            let polled = self.consumer.poll(left);
            let revoked = self.consumer.context().take_revoked();
            batch.retain(|record| {
                !revoked
                    .iter()
                    .any(|(topic, id)| record.topic() == topic && record.partition() == *id)
            });
            match polled {
                Some(Ok(record)) => batch.push(record.detach()),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(error).context("cannot go on consuming");
                }
                Some(Err(error)) => eprintln!("{error}"),
                None => {}
            }
            if left.is_zero() {
                break;
            }
        }
        Ok(batch)
    }

    fn outgoing<'a>(&'a self, record: &'a OwnedMessage, fate: &'a Fate) -> Result<Outgoing<'a>> {
        Ok(match fate {
            Fate::Departure(value) => Outgoing {
                topic: &self.output_topic,
                key: record.key(),
                value: Some(value),
                headers: OwnedHeaders::new(),
            },
            Fate::DeadLetter(reason) => Outgoing {
                topic: self.dlq_topic.as_deref().with_context(|| {
                    format!(
                        "{}-{} offset {} cannot be processed, and the binding has no dlq.topic: {}",
                        record.topic(),
                        record.partition(),
                        record.offset(),
                        reason.sentence
                    )
                })?,
                key: record.key(),
                value: record.payload(),
                headers: dead_letter::headers(record, &self.group, reason),
            },
        })
    }

    fn report(&self) {
        let consumed = self.departures + self.dead_letters;
        println!(
            "{}",
            json!({ "consumed": consumed, "departures": self.departures, "dead_letters": self.dead_letters })
        );
    }
}
