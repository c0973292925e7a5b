//! `flights produce`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde_json::json;

use crate::binding::Binding;
use crate::flight;
use crate::pace::Pace;
use crate::registry::Registry;
use crate::token::TokenFile;

const REGISTRY_PATIENCE: Duration = Duration::from_secs(120);
const FLUSH_PATIENCE: Duration = Duration::from_secs(120);
const PROGRESS: Duration = Duration::from_secs(2);
const WINDOW: Duration = Duration::from_millis(100);
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

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
    /// The flights: CSV, plain or gzip'ed.
    #[arg(long, env = "FLIGHTS", default_value = "/data/flights.csv.gz")]
    flights: PathBuf,
    /// Records a second at most; 0 for no cap.
    #[arg(long, env = "RATE", default_value_t = 0)]
    rate: u32,
    /// Stop after so many flights; 0 for all.
    #[arg(long, env = "LIMIT", default_value_t = 0)]
    limit: usize,
}

/// Counts what became of the records.
struct Deliveries {
    token: TokenFile,
    delivered: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

impl ClientContext for Deliveries {
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

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => self.delivered.fetch_add(1, Ordering::Relaxed),
            Err((error, _)) => {
                if self.failed.fetch_add(1, Ordering::Relaxed) == 0 {
                    eprintln!("a flight was not delivered: {error}");
                }
                0
            }
        };
    }
}

/// Writes the flights and returns when the brokers have them all. Prints progress, and last `{"produced": N}`.
pub async fn run(arguments: Arguments) -> Result<()> {
    let binding = Binding::open(&arguments.binding)?;
    let [topic] = <[String; 1]>::try_from(binding.topics()?).map_err(|topics| {
        anyhow::anyhow!(
            "the binding of a producer names one topic, this one {}",
            topics.len()
        )
    })?;
    let mut flights = flight::read_file(&arguments.flights)?;
    if arguments.limit > 0 {
        flights.truncate(arguments.limit);
    }
    let registry = Registry::new(&binding.read("schema.registry.url")?)?;
    let schema = registry
        .latest(&format!("{topic}-value"), REGISTRY_PATIENCE)
        .await?;

    let delivered = Arc::new(AtomicU64::new(0));
    let failed = Arc::new(AtomicU64::new(0));
    let context = Deliveries {
        token: TokenFile::new(arguments.token_file),
        delivered: Arc::clone(&delivered),
        failed: Arc::clone(&failed),
    };
    let producer: ThreadedProducer<_> = binding
        .client_config()?
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "20")
        .create_with_context(context)?;

    let mut pace = Pace::new(arguments.rate, WINDOW, Instant::now());
    let mut reported = Instant::now();
    for flight in &flights {
        while let Err(wait) = pace.allowed(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
        pace.spend(1);
        let value = schema.encode(flight)?;
        let mut record = BaseRecord::to(&topic).key(&flight.carrier).payload(&value);
        while let Err((error, back)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error).context("cannot send a flight");
            }
            record = back;
            tokio::time::sleep(QUEUE_PAUSE).await;
        }
        if failed.load(Ordering::Relaxed) > 0 {
            break;
        }
        if reported.elapsed() > PROGRESS {
            reported = Instant::now();
            println!(
                "produced {} of {}",
                delivered.load(Ordering::Relaxed),
                flights.len()
            );
        }
    }
    producer
        .flush(FLUSH_PATIENCE)
        .context("the brokers did not take all flights in time")?;
    let failed = failed.load(Ordering::Relaxed);
    if failed > 0 {
        bail!("{failed} flights were not delivered to {topic}");
    }
    println!(
        "{}",
        json!({ "produced": delivered.load(Ordering::Relaxed) })
    );
    Ok(())
}
