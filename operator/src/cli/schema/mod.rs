//! `kubectl millrace schema check`: whom a changed schema would break, for CI.
//!
//! With `--against` the text at a revision of git is compared, without a cluster. Otherwise the schema registry is asked, through the
//! API server and Millrace's webhook, by dry runs with the rights of whoever asks. Nothing is stored.

mod avro;
mod declared;
mod git;
mod offline;
mod online;
mod readers;
mod report;
mod verdict;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::{
    declared::Declarations,
    readers::Readers,
    report::{Checked, report},
};
use super::{
    Output,
    connection::Connection,
    manifests::Manifests,
    outcome::{Problem, Report},
};

/// Tell what a change of schemas would break.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
}

/// Check whether the Schemas of manifests break their readers, at the level that each declares. Changes nothing.
///
/// Ends with 0 if nothing breaks, 2 if something does, 1 if a Schema is refused or it could not be told.
#[derive(Debug, Args)]
struct Check {
    /// Files, directories with all below them, or - for standard input.
    #[arg(short = 'f', long = "filename", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Compare with the files at this revision of git, without a cluster, instead of asking the schema registry.
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// End with 1 where a Schema could not be judged.
    #[arg(long)]
    strict: bool,
    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// Judges the Schemas and tells whom they break.
///
/// # Errors
/// When the manifests or the revision cannot be read, or there is no API server that answers.
pub(super) async fn run(arguments: Arguments) -> Result<Report, Problem> {
    let Command::Check(check) = arguments.command;
    let manifests = Manifests::read(&check.files)?;
    let (checked, readers) = match &check.against {
        Some(revision) => with_revision(&check, &manifests, revision)?,
        None => with_registry(&check, &manifests).await?,
    };
    report(&checked, &readers, check.strict, check.output)
}

fn with_revision(
    check: &Check,
    manifests: &Manifests,
    revision: &str,
) -> Result<(Vec<Checked>, Readers), Problem> {
    let namespace = check.connection.namespace.as_deref().unwrap_or_default();
    let before = git::manifests(&check.files, revision)?;
    let now = Declarations::of(manifests, namespace);
    let then = Declarations::of(&before, namespace);
    let readers = Readers::of(manifests, namespace);
    let judged = offline::check(&now, &then, revision);
    Ok((Checked::all(judged, &readers), readers))
}

async fn with_registry(
    check: &Check,
    manifests: &Manifests,
) -> Result<(Vec<Checked>, Readers), Problem> {
    let client = check.connection.client().await?;
    let namespace = check.connection.namespace.as_deref();
    let namespace = namespace.unwrap_or(client.default_namespace());
    let now = Declarations::of(manifests, namespace);
    let mut readers = Readers::of(manifests, namespace);
    readers.add_those_of(&client).await;
    let judged = online::check(&client, &now).await?;
    Ok((Checked::all(judged, &readers), readers))
}
