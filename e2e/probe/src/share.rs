//! `probe share-consume`, `share-work`

use std::{pin::pin, time::Duration};

use clap::Args;
use futures::FutureExt;
use krafka::share_consumer::AcquireMode;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::connection::Access;
use crate::failure::Failure;

const POLL: Duration = Duration::from_millis(200);
/// Records that one worker has at a time, so that there are some left for the others.
const AT_ONCE: u32 = 50;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Stop after so many records at the least.
    #[arg(long)]
    count: usize,
}

#[derive(Args)]
pub struct Work {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Records a second at most.
    #[arg(long, default_value_t = 100)]
    rate: u32,
}

/// Takes records as a member of a share group, at most so fast, and accepts them, until it is told to stop. Prints
/// `{"worked": N}`.
pub async fn work(access: &Access, arguments: Work) -> Result<Value, Failure> {
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Failure::local(error.to_string()))?;
    let kafka = access.kafka().await?;
    let at_once = i32::try_from(AT_ONCE).unwrap_or(i32::MAX);
    let consumer = kafka
        .share_consumer(arguments.group)
        .max_poll_records(at_once)
        .acquire_mode(AcquireMode::RecordLimit)
        .build()
        .await?;
    consumer.subscribe([&arguments.topic]).await?;
    let each = Duration::from_secs_f64(1.0 / f64::from(arguments.rate.max(1)));
    let mut worked = 0;
    // What it was given it ends: records that it has and lets go of stay its own until their lock ends, 30 s later.
    let mut told = pin!(terminate.recv());
    while told.as_mut().now_or_never().is_none() {
        let records = u32::try_from(consumer.poll(POLL).await?.len()).unwrap_or(u32::MAX);
        tokio::time::sleep(each * records).await;
        consumer.commit().await?;
        worked += u64::from(records);
    }
    consumer.close().await?;
    Ok(json!({ "worked": worked }))
}

/// Takes records as a member of a share group, and accepts them. A group that is new begins with the records that come
/// from then on. Prints `{"count": N}`.
pub async fn consume(access: &Access, arguments: Arguments) -> Result<Value, Failure> {
    let kafka = access.kafka().await?;
    let consumer = kafka.share_consumer(arguments.group).build().await?;
    consumer.subscribe([&arguments.topic]).await?;
    let mut count = 0;
    while count < arguments.count {
        count += consumer.poll(POLL).await?.len();
    }
    consumer.commit().await?;
    consumer.close().await?;
    Ok(json!({ "count": count }))
}
