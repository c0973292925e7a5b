//! `probe copy`

use clap::Args;
use millrace_bare_copy::BareCopy;
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partitions: i32,
    #[arg(long)]
    to: String,
    #[arg(long)]
    count: u64,
    /// Records in a transaction.
    #[arg(long)]
    batch: u64,
    #[arg(long)]
    transactional_id: String,
}

/// Copies records to the partitions of the same numbers. Prints `{"copied": N, "seconds": S}`.
pub fn run(access: &Access, arguments: Arguments) -> Result<Value, Failure> {
    let (connection, _) = access.client_config()?;
    let copy = BareCopy {
        topic: arguments.topic,
        partitions: arguments.partitions,
        to: arguments.to,
        records: arguments.count,
        batch: arguments.batch,
        id: arguments.transactional_id,
    };
    let took = copy.run(&connection)?;
    Ok(json!({ "copied": copy.records, "seconds": took.as_secs_f64() }))
}
