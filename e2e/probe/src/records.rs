//! `probe delete-records`

use clap::Args;
use krafka::admin::TopicPartition;
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;
use crate::topics::the_only;

#[derive(Args)]
pub struct Delete {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partition: i32,
    /// The first offset that stays.
    #[arg(long)]
    before: i64,
}

/// Prints `{"start": OFFSET}`: where the log begins now.
pub async fn delete(access: &Access, delete: Delete) -> Result<Value, Failure> {
    let partition = TopicPartition::new(delete.topic, delete.partition);
    let mut answers = access
        .admin()
        .await?
        .delete_records([(partition.clone(), delete.before)], Default::default())
        .await?;
    let start = the_only(&mut answers, &partition)?;
    Ok(json!({ "start": start }))
}
