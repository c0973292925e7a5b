//! `probe share-consume`

use std::time::Duration;

use clap::Args;
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
    /// Stop after so many records at the least.
    #[arg(long)]
    count: usize,
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
