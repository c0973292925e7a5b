//! The flights example: a producer and a consumer as any team would write them.
//!
//! Neither knows Millrace. Each reads a *binding*, a directory of small files as the Service Binding specification lays
//! it out (here: a mounted ConfigMap), and a token file (here: a projected ServiceAccount token).
//!
//! - `flights produce` streams every flight of 2013 out of New York into a topic, Avro-encoded with the latest schema that
//!   the registry has for it, in the order of scheduled departure, keyed by carrier.
//! - `flights consume` turns each into a departure, exactly once. A cancelled flight has no departure time; it goes to
//!   the dead-letter topic as it came, with the reason in its headers.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod binding;
mod consume;
mod dead_letter;
mod flight;
mod pace;
mod produce;
mod registry;
mod token;
mod transaction;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about = "Streams the flights of 2013 through Kafka")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the flights to the bound topic, then stop.
    Produce(produce::Arguments),
    /// Turn flights into departures until told to stop.
    Consume(consume::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Produce(arguments) => produce::run(arguments).await,
        Command::Consume(arguments) => consume::run(arguments).await,
    }
}
