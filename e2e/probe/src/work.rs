//! `probe work`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, TopicPartitionList};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::connection::Access;
use crate::failure::Failure;

const POLL: Duration = Duration::from_millis(100);
const COMMIT_EVERY: Duration = Duration::from_millis(500);

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Records a second at most.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Stop after so many seconds; without it, only when told to.
    #[arg(long)]
    seconds: Option<u64>,
    /// A partition to leave unread, as a consumer does that has paused it.
    #[arg(long)]
    pause: Option<i32>,
}

/// Reads as a member of a group, at most so fast, and commits twice a second, until it is told to stop or its time is up.
/// Prints `{"worked": N}`.
pub async fn run(access: Access, arguments: Arguments) -> Result<Value, Failure> {
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Failure::local(error.to_string()))?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let work = tokio::task::spawn_blocking(move || work(&access, &arguments, &stopped));
    tokio::select! {
        _ = terminate.recv() => stop.store(true, Ordering::Relaxed),
        () = finished(&work) => {}
    }
    work.await
        .map_err(|panic| Failure::local(panic.to_string()))?
}

async fn finished<T>(work: &tokio::task::JoinHandle<T>) {
    while !work.is_finished() {
        tokio::time::sleep(POLL).await;
    }
}

fn work(access: &Access, arguments: &Arguments, stop: &AtomicBool) -> Result<Value, Failure> {
    let (mut config, identity) = access.client_config()?;
    let consumer: BaseConsumer<_> = config
        .set("group.id", &arguments.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .create_with_context(identity.clone())?;
    consumer.subscribe(&[&arguments.topic])?;

    let pause = Duration::from_secs_f64(1.0 / f64::from(arguments.rate.max(1)));
    let end = arguments
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut next = Instant::now();
    let mut committed = Instant::now();
    let (mut worked, mut uncommitted) = (0_u64, 0_u64);
    while !stop.load(Ordering::Relaxed) && end.is_none_or(|end| Instant::now() < end) {
        identity.check()?;
        if let Some(record) = consumer.poll(POLL) {
            let record = record?;
            if arguments.pause == Some(record.partition()) {
                leave_unread(&consumer, record.topic(), record.partition())?;
                continue;
            }
            consumer.store_offset_from_message(&record)?;
            worked += 1;
            uncommitted += 1;
            next = next.max(Instant::now()) + pause;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        if uncommitted > 0 && committed.elapsed() >= COMMIT_EVERY {
            commit(&consumer)?;
            uncommitted = 0;
            committed = Instant::now();
        }
    }
    commit(&consumer)?;
    Ok(json!({ "worked": worked }))
}

/// What was fetched before is dropped; its offset is not stored.
fn leave_unread<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
) -> Result<(), Failure> {
    let mut paused = TopicPartitionList::new();
    paused.add_partition(topic, partition);
    Ok(consumer.pause(&paused)?)
}

/// A rebalance that is under way takes the offsets with it; what is read twice then is no harm here.
fn commit<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Result<(), Failure> {
    match consumer.commit_consumer_state(CommitMode::Sync) {
        Err(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::NoOffset
            | RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId,
        )) => Ok(()),
        other => Ok(other?),
    }
}
