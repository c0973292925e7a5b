//! `kubectl millrace plan`: what applying manifests would change, as a dry run says. Nothing is stored.
//!
//! The API server's defaults, schema, CEL rules and Millrace's webhook answer, with the rights of whoever asks. The webhook tells
//! the steps in Kafka as warnings; `kubectl apply --dry-run=server` shows the same ones.

mod fields;
mod report;
mod server;
mod warnings;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use self::report::{Planned, report};
use super::{
    Output,
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
    /// Namespace of the resources that write none. Defaults to the context's.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The context of the kubeconfig to use.
    #[arg(long)]
    context: Option<String>,
    /// The kubeconfig to use.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Asks the API server about each resource.
///
/// # Errors
/// When the manifests cannot be read, or there is no API server that answers.
pub(super) async fn run(arguments: Arguments) -> Result<Report, Problem> {
    let manifests = Manifests::read(&arguments.files)?;
    let client = client(arguments.context, arguments.kubeconfig.as_deref()).await?;
    plan(
        &client,
        &manifests,
        arguments.namespace.as_deref(),
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
        let said = server::ask(client, document, namespace).await?;
        Planned::of(document, namespace, said)
    });
    let planned: Vec<Planned> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    report(&planned, manifests.others, output)
}

async fn client(context: Option<String>, kubeconfig: Option<&Path>) -> Result<Client, Problem> {
    let none = |error: &dyn std::error::Error| {
        Problem::new(format!(
            "no cluster to ask ({error}): set KUBECONFIG, or write --kubeconfig and --context"
        ))
    };
    // Another part of the process may have chosen one already, and they are the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let config = match kubeconfig {
        Some(file) => {
            let kubeconfig = Kubeconfig::read_from(file).map_err(|error| none(&error))?;
            Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(|error| none(&error))?
        }
        None if options.context.is_some() => Config::from_kubeconfig(&options)
            .await
            .map_err(|error| none(&error))?,
        None => Config::infer().await.map_err(|error| none(&error))?,
    };
    Client::try_from(config).map_err(|error| none(&error))
}
