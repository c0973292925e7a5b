//! `probe consume`

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

const POLL: Duration = Duration::from_millis(200);

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Stop after so many records, and fail if they do not come in time; without it, read until the time is up.
    #[arg(long)]
    count: Option<usize>,
    /// Commit what was read before leaving the group.
    #[arg(long)]
    commit: bool,
}

/// Reads committed records from the group's offsets, or the beginning.
/// Prints `{"count": N, "distinct": N, "partitions": {PARTITION: N}}`; records differ by key or value.
pub fn run(access: &Access, limit: Duration, arguments: &Arguments) -> Result<Value, Failure> {
    let deadline = Instant::now() + limit;
    let (mut config, identity) = access.client_config()?;
    let consumer: BaseConsumer<_> = config
        .set("group.id", &arguments.group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create_with_context(identity.clone())?;
    consumer.subscribe(&[&arguments.topic])?;

    let mut partitions = BTreeMap::<i32, usize>::new();
    let mut distinct = HashSet::new();
    let mut count = 0;
    while arguments.count.is_none_or(|wanted| count < wanted) {
        if Instant::now() > deadline {
            match arguments.count {
                Some(_) => return Err(Failure::timed_out(limit)),
                None => break,
            }
        }
        identity.check()?;
        if let Some(record) = consumer.poll(POLL) {
            let record = record?;
            count += 1;
            *partitions.entry(record.partition()).or_default() += 1;
            distinct.insert((
                record.key().map(<[u8]>::to_vec),
                record.payload().map(<[u8]>::to_vec),
            ));
        }
    }
    if arguments.commit && count > 0 {
        consumer.commit_consumer_state(CommitMode::Sync)?;
    }
    Ok(json!({ "count": count, "distinct": distinct.len(), "partitions": partitions }))
}
