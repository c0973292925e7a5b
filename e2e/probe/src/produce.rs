//! `probe produce`

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use futures::future::try_join_all;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use serde_json::{Value, json};

use crate::connection::{Access, Identity};
use crate::failure::Failure;
use crate::pace::{self, Batch};
use crate::topics::name_and_value;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// The number of the first record.
    #[arg(long, default_value_t = 0)]
    first: usize,
    /// The key of every record; without it each has its number.
    #[arg(long)]
    record_key: Option<String>,
    #[arg(long)]
    partition: Option<i32>,
    /// Bytes of each value; it is filled up with dots.
    #[arg(long, default_value_t = 0)]
    bytes: usize,
    /// Records a second; 0 for no cap.
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// In place of `--count`: go on for so many seconds, at `--rate` records a second.
    #[arg(long, conflicts_with = "count")]
    seconds: Option<usize>,
    /// With `--seconds`: the standard deviation of the records of a second, as a share of `--rate`.
    #[arg(long, default_value_t = 0.0)]
    noise: f64,
    /// With `--noise`: the same seed gives the same noise.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The bytes of every value, in Base64.
    #[arg(long, conflicts_with = "bytes", value_parser = base64)]
    value_base64: Option<Bytes>,
    /// Values that are null.
    #[arg(long, conflicts_with_all = ["bytes", "value_base64"])]
    tombstone: bool,
    /// NAME=VALUE
    #[arg(long, value_parser = name_and_value)]
    header: Vec<(String, String)>,
    /// NAME=VALUE, the bytes of VALUE in Base64. Behind those of `--header`.
    #[arg(long, value_parser = name_and_base64)]
    header_base64: Vec<(String, Bytes)>,
}

/// A list of bytes as one argument.
#[derive(Clone, Debug, PartialEq)]
struct Bytes(Vec<u8>);

/// Prints `{"produced": N, "partitions": {PARTITION: N}, "acknowledged_ms": MS}`, MS the Unix time in milliseconds when the brokers
/// had acknowledged all. The values begin with `record-N`, N from `--first` on.
pub async fn run(access: &Access, limit: Duration, arguments: Arguments) -> Result<Value, Failure> {
    let batches = batches(&arguments)?;
    let (mut config, identity) = access.client_config()?;
    let producer: FutureProducer<_> = config
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", limit.as_millis().to_string())
        .set("linger.ms", "5")
        .create_with_context(identity.clone())?;
    let texts = arguments.header.iter();
    let texts = texts.map(|(key, value)| (key, value.as_bytes()));
    let bytes = arguments.header_base64.iter();
    let bytes = bytes.map(|(key, Bytes(value))| (key, value.as_slice()));
    let headers = texts
        .chain(bytes)
        .fold(OwnedHeaders::new(), |all, (key, value)| {
            let value = Some(value);
            all.insert(Header { key, value })
        });

    let started = Instant::now();
    let mut partitions = BTreeMap::<i32, usize>::new();
    for Batch { due, numbers } in batches {
        tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        let deliveries =
            numbers.map(|number| send(&producer, &arguments, &headers, arguments.first + number));
        for partition in deliver(
            &identity,
            limit.saturating_sub(started.elapsed()),
            try_join_all(deliveries),
        )
        .await?
        {
            *partitions.entry(partition).or_default() += 1;
        }
    }
    let produced: usize = partitions.values().sum();
    Ok(json!({ "produced": produced, "partitions": partitions, "acknowledged_ms": unix_ms()? }))
}

fn batches(arguments: &Arguments) -> Result<Vec<Batch>, Failure> {
    match (arguments.seconds, arguments.rate) {
        (Some(_), 0) => Err(Failure::local("give --rate with --seconds")),
        (Some(seconds), rate) => Ok(pace::noisy(seconds, rate, arguments.noise, arguments.seed)),
        (None, 0) => Ok(pace::unbounded(arguments.count)),
        (None, rate) => Ok(pace::even(arguments.count, rate)),
    }
}

fn unix_ms() -> Result<u64, Failure> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| Failure::local(error.to_string()))?;
    u64::try_from(since.as_millis()).map_err(|error| Failure::local(error.to_string()))
}

async fn send(
    producer: &FutureProducer<Identity>,
    arguments: &Arguments,
    headers: &OwnedHeaders,
    number: usize,
) -> Result<i32, Failure> {
    let key = arguments
        .record_key
        .clone()
        .unwrap_or_else(|| number.to_string());
    let value = value(arguments, number);
    let mut record = FutureRecord::to(&arguments.topic)
        .key(&key)
        .headers(headers.clone());
    record.payload = value.as_deref();
    record.partition = arguments.partition;
    match producer.send(record, Timeout::Never).await {
        Ok(delivery) => Ok(delivery.partition),
        Err((error, _)) => Err(error.into()),
    }
}

fn value(arguments: &Arguments, number: usize) -> Option<Vec<u8>> {
    if arguments.tombstone {
        return None;
    }
    if let Some(Bytes(value)) = &arguments.value_base64 {
        return Some(value.clone());
    }
    let mut value = format!("record-{number}");
    let padding = arguments.bytes.saturating_sub(value.len());
    value.push_str(&".".repeat(padding));
    Some(value.into_bytes())
}

fn base64(text: &str) -> Result<Bytes, String> {
    let bytes = STANDARD.decode(text);
    bytes.map(Bytes).map_err(|error| error.to_string())
}

fn name_and_base64(text: &str) -> Result<(String, Bytes), String> {
    let (name, value) = name_and_value(text)?;
    Ok((name, base64(&value)?))
}

/// A refused token shows as a record that never leaves, so that is asked first.
async fn deliver(
    identity: &Identity,
    limit: Duration,
    deliveries: impl Future<Output = Result<Vec<i32>, Failure>>,
) -> Result<Vec<i32>, Failure> {
    let mut deliveries = Box::pin(deliveries);
    let deadline = Instant::now() + limit;
    loop {
        match tokio::time::timeout(Duration::from_millis(200), &mut deliveries).await {
            Ok(answer) => return answer,
            Err(_) => identity.check()?,
        }
        if Instant::now() > deadline {
            return Err(Failure::timed_out(limit));
        }
    }
}
