//! `probe produce-transaction`

use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::util::Timeout;
use serde_json::{Value, json};

use crate::connection::{Access, Identity};
use crate::failure::Failure;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    transactional_id: String,
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// Abort the transaction once the records are there.
    #[arg(long)]
    abort: bool,
}

/// Writes records and commits them as one, or aborts them. Prints `{"committed": N}` or `{"aborted": N}`.
pub async fn run(access: &Access, limit: Duration, arguments: Arguments) -> Result<Value, Failure> {
    let started = Instant::now();
    let (mut config, identity) = access.client_config()?;
    let producer: FutureProducer<_> = config
        .set("transactional.id", &arguments.transactional_id)
        .set("message.timeout.ms", limit.as_millis().to_string())
        .set("transaction.timeout.ms", limit.as_millis().to_string())
        .create_with_context(identity.clone())?;
    let left = || limit.saturating_sub(started.elapsed());

    let begun = waiting(&producer, left(), |producer, left| {
        producer.init_transactions(left)
    })
    .await;
    identity.check()?;
    begun?;
    producer.begin_transaction()?;
    for number in 0..arguments.count {
        let (key, value) = (number.to_string(), format!("record-{number}"));
        let record = FutureRecord::to(&arguments.topic).key(&key).payload(&value);
        producer
            .send(record, Timeout::After(left()))
            .await
            .map_err(|(error, _)| error)?;
    }
    let abort = arguments.abort;
    waiting(&producer, left(), move |producer, left| match abort {
        true => producer.abort_transaction(left),
        false => producer.commit_transaction(left),
    })
    .await?;
    Ok(match abort {
        true => json!({ "aborted": arguments.count }),
        false => json!({ "committed": arguments.count }),
    })
}

/// librdkafka's transactional calls wait on the thread that makes them.
async fn waiting(
    producer: &FutureProducer<Identity>,
    limit: Duration,
    call: impl FnOnce(&FutureProducer<Identity>, Duration) -> Result<(), rdkafka::error::KafkaError>
    + Send
    + 'static,
) -> Result<(), Failure> {
    let producer = producer.clone();
    let called = tokio::task::spawn_blocking(move || call(&producer, limit));
    Ok(called
        .await
        .map_err(|panic| Failure::local(panic.to_string()))??)
}
