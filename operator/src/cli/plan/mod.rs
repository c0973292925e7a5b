//! `kubectl millrace plan`: what applying manifests would change, as a dry run says. Nothing is stored.
//!
//! The API server's defaults, schema, CEL rules and Millrace's webhook answer, with the rights of whoever asks. The webhook tells
//! the steps in Kafka as warnings; `kubectl apply --dry-run=server` shows the same ones.

mod fields;
mod report;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;

use self::report::{Planned, report};
use super::{
    Output,
    connection::Connection,
    dry_run,
    manifests::Manifests,
    outcome::{Problem, Report},
};

/// Resources that are asked about at the same time.
const AT_ONCE: usize = 8;

/// Show what applying manifests would change, in the resources and in Kafka. Changes nothing.
///
/// Ends with 0 if nothing would change, 2 if something would, 1 if a resource is refused or it could not be told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files, directories with all below them, or - for standard input.
    #[arg(short = 'f', long = "filename", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// Asks the API server about each resource.
///
/// # Errors
/// When the manifests cannot be read, or there is no API server that answers.
pub(super) async fn run(arguments: Arguments) -> Result<Report, Problem> {
    let manifests = Manifests::read(&arguments.files)?;
    let client = arguments.connection.client().await?;
    plan(
        &client,
        &manifests,
        arguments.connection.namespace.as_deref(),
        arguments.output,
    )
    .await
}

async fn plan(
    client: &Client,
    manifests: &Manifests,
    namespace: Option<&str>,
    output: Output,
) -> Result<Report, Problem> {
    let fallback = namespace.unwrap_or(client.default_namespace());
    let asked = manifests.documents.iter().map(|document| async move {
        let namespace = match document.namespace() {
            "" => fallback,
            written => written,
        };
        let said = dry_run::ask(client, document, namespace).await?;
        Planned::of(document, namespace, said)
    });
    let planned: Vec<Planned> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    report(&planned, manifests.others, output)
}
