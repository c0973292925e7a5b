//! `kubectl millrace`, the plugin for people and for CI. It has the rights of whoever runs it and knows no Kafka.

mod connection;
mod diff;
mod dlq;
mod dry_run;
mod lag;
mod lint;
mod manifests;
mod outcome;
mod plan;
mod schema;
mod table;
mod tree;
mod warnings;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(
    name = "kubectl-millrace",
    bin_name = "kubectl millrace",
    version,
    about = "Tells what manifests of Millrace would change, whether they keep the house rules and break readers, how late consumer groups are, and which dead letters there are"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Arguments),
    Lint(lint::Arguments),
    Lag(lag::Arguments),
    Dlq(dlq::Arguments),
    Schema(schema::Arguments),
}

/// How the result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Does what the arguments ask; the result goes to standard output, why it could not be done to standard error.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // There is nobody left to tell if this fails.
            let _ = told.print();
            // Not clap's 2, which means that something was found.
            return ExitCode::from(u8::from(told.use_stderr()));
        }
    };
    let done = match cli.command {
        Command::Plan(arguments) => plan::run(arguments).await,
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Lag(arguments) => lag::run(arguments).await,
        Command::Dlq(arguments) => dlq::run(arguments).await,
        Command::Schema(arguments) => schema::run(arguments).await,
    };
    match done {
        Ok(report) => report.print(),
        Err(problem) => problem.print(),
    }
}
