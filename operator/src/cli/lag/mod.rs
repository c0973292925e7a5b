//! `kubectl millrace lag`: how late consumer groups are, as their status has it.

mod history;
mod table;
mod watch;

#[cfg(test)]
mod tests;

use clap::Args;
use kube::{Api, ResourceExt, api::ListParams};
use millrace_crds::ConsumerGroup;
use serde_json::json;

use self::table::{details, overview};
use super::{
    Output,
    connection::Connection,
    outcome::{Found, Problem, Report},
};

/// Show how late consumer groups are, in records and seconds, and how many replicas they have.
///
/// With the name of a ConsumerGroup: its partitions, its verdicts, and what its autoscaler says.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name of a ConsumerGroup. Without it all of the namespace are shown.
    group: Option<String>,
    /// The groups of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "group")]
    all_namespaces: bool,
    /// Go on, with curves of lag, rate and replicas, until interrupted.
    #[arg(short, long, conflicts_with = "output")]
    watch: bool,
    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// Reads the ConsumerGroups and tells.
///
/// # Errors
/// When there is no API server that answers, or no group of that name.
pub(super) async fn run(arguments: Arguments) -> Result<Report, Problem> {
    let (client, namespace) = arguments.connection.namespaced().await?;
    let groups: Api<ConsumerGroup> = match arguments.all_namespaces {
        true => Api::all(client),
        false => Api::namespaced(client, &namespace),
    };
    if arguments.watch {
        watch::run(groups, arguments.group.as_deref(), arguments.all_namespaces).await?;
        return Ok(said(String::new()));
    }
    let found = match &arguments.group {
        Some(name) => vec![one(&groups, name, &namespace).await?],
        None => all(&groups).await?,
    };
    Ok(said(match (arguments.output, &arguments.group) {
        (Output::Json, _) => format!(
            "{:#}\n",
            json!(found.iter().map(status).collect::<Vec<_>>())
        ),
        (Output::Text, Some(_)) => found.iter().map(details).collect(),
        (Output::Text, None) if found.is_empty() => {
            format!("There is no ConsumerGroup in namespace {namespace}.\n")
        }
        (Output::Text, None) => overview(&found, arguments.all_namespaces),
    }))
}

fn said(text: String) -> Report {
    Report {
        text,
        found: Found::Nothing,
    }
}

async fn one(
    groups: &Api<ConsumerGroup>,
    name: &str,
    namespace: &str,
) -> Result<ConsumerGroup, Problem> {
    let found = groups.get_opt(name).await.map_err(|error| unread(&error))?;
    found.ok_or_else(|| {
        Problem::new(format!(
            "there is no ConsumerGroup {name} in namespace {namespace}: name the resource, not its group id; `kubectl millrace lag -A` shows all"
        ))
    })
}

async fn all(groups: &Api<ConsumerGroup>) -> Result<Vec<ConsumerGroup>, Problem> {
    let list = groups
        .list(&ListParams::default())
        .await
        .map_err(|error| unread(&error))?;
    Ok(list.items)
}

fn unread(error: &kube::Error) -> Problem {
    Problem::new(format!("the ConsumerGroups cannot be read: {error}"))
}

/// What a program wants to know of a group.
fn status(group: &ConsumerGroup) -> serde_json::Value {
    let status = group.status.clone().unwrap_or_default();
    json!({
        "namespace": group.namespace(),
        "name": group.name_any(),
        "groupId": status.group_id,
        "state": status.state,
        "members": status.members,
        "lag": status.lag,
        "scaling": status.scaling,
        "conditions": status.conditions,
    })
}
