//! `kubectl millrace dlq`: which dead letters there are, why, and their way home.

mod redrive;
mod report;

#[cfg(test)]
mod tests;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use kube::{Api, ResourceExt, api::ListParams};
use millrace_crds::Dlq;
use serde_json::{Value, json};

use self::report::{details, overview};
use super::{
    Output,
    connection::Connection,
    outcome::{Found, Problem, Report},
};

/// Show dead-letter queues, and bring their letters home.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A line for each queue.
    Ls {
        /// The queues of all namespaces.
        #[arg(short = 'A', long)]
        all_namespaces: bool,
        #[command(flatten)]
        shown: Shown,
    },
    /// One queue: its letters by reason and source, and what is to be said of it.
    Show {
        /// Name of the DLQ.
        name: String,
        #[command(flatten)]
        shown: Shown,
    },
    Redrive(redrive::Arguments),
}

#[derive(Debug, Args)]
struct Shown {
    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// Reads the DLQs and tells.
///
/// # Errors
/// When there is no API server that answers, or no DLQ of that name.
pub(super) async fn run(arguments: Arguments) -> Result<Report, Problem> {
    let text = match arguments.command {
        Command::Ls {
            all_namespaces,
            shown,
        } => list(all_namespaces, &shown).await?,
        Command::Show { name, shown } => show(&name, &shown).await?,
        Command::Redrive(arguments) => return redrive::run(arguments).await,
    };
    Ok(Report {
        text,
        found: Found::Nothing,
    })
}

async fn list(all_namespaces: bool, shown: &Shown) -> Result<String, Problem> {
    let (client, namespace) = shown.connection.namespaced().await?;
    let api: Api<Dlq> = match all_namespaces {
        true => Api::all(client),
        false => Api::namespaced(client, &namespace),
    };
    let listed = api.list(&ListParams::default()).await;
    let dlqs = listed.map_err(|error| unread(&error))?.items;
    Ok(match shown.output {
        Output::Json => json_of(&dlqs),
        Output::Text if dlqs.is_empty() && all_namespaces => "There is no DLQ.\n".to_owned(),
        Output::Text if dlqs.is_empty() => format!("There is no DLQ in namespace {namespace}.\n"),
        Output::Text => overview(&dlqs, all_namespaces, Timestamp::now()),
    })
}

async fn show(name: &str, shown: &Shown) -> Result<String, Problem> {
    let (client, namespace) = shown.connection.namespaced().await?;
    let api: Api<Dlq> = Api::namespaced(client, &namespace);
    let found = api.get_opt(name).await.map_err(|error| unread(&error))?;
    let dlq = found.ok_or_else(|| {
        Problem::new(format!(
            "there is no DLQ {name} in namespace {namespace}: name the resource, not its topic; `kubectl millrace dlq ls -A` shows all"
        ))
    })?;
    Ok(match shown.output {
        Output::Json => json_of(&[dlq]),
        Output::Text => details(&dlq, Timestamp::now()),
    })
}

fn unread(error: &kube::Error) -> Problem {
    Problem::new(format!("the DLQs cannot be read: {error}"))
}

fn json_of(dlqs: &[Dlq]) -> String {
    let told: Vec<Value> = dlqs
        .iter()
        .map(|dlq| {
            json!({
                "namespace": dlq.namespace(),
                "name": dlq.name_any(),
                "status": dlq.status,
            })
        })
        .collect();
    format!("{:#}\n", json!(told))
}
