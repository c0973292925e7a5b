use clap::Args;
use futures::{StreamExt, pin_mut};
use kube::{Api, Client, ResourceExt, api::PostParams, runtime::watcher::watch_object};
use millrace_crds::{
    Redrive, RedriveDlqRef, RedriveFilter, RedrivePhase, RedriveSpec, RedriveStatus, RedriveTo,
};

use super::report::redrive_line;
use crate::cli::{
    connection::Connection,
    outcome::{Found, Problem, Report},
};

/// Bring letters home: makes a Redrive and follows it to its end.
///
/// Exit code 0: it has done what was asked for. 2: it was given up or cancelled. Interrupted, it goes on in the cluster.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name of the DLQ.
    name: String,
    /// Only letters with this reason; may be given more than once.
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<String>,
    /// Only letters that come from this topic; may be given more than once.
    #[arg(long = "source", value_name = "TOPIC")]
    sources: Vec<String>,
    /// Only letters whose key begins so.
    #[arg(long)]
    key_prefix: Option<String>,
    /// All to this topic, and not each where it came from.
    #[arg(long, value_name = "TOPIC")]
    to: Option<String>,
    /// Where letters go that have come back too often.
    #[arg(long, value_name = "TOPIC")]
    quarantine: Option<String>,
    /// Most letters in a second.
    #[arg(long, value_name = "N")]
    per_second: Option<i32>,
    /// Most letters.
    #[arg(long, value_name = "N")]
    max: Option<i64>,
    /// Stop when more than so many of a hundred come back.
    #[arg(long, value_name = "PERCENT")]
    stop_at_returned: Option<i32>,
    /// Also what an earlier Redrive has brought home.
    #[arg(long)]
    again: bool,
    /// Only count what would go where.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for its end.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Arguments {
    fn redrive(&self, namespace: &str) -> Redrive {
        let filter = RedriveFilter {
            reasons: self.reasons.clone(),
            sources: self.sources.clone(),
            key_prefix: self.key_prefix.clone(),
            ..RedriveFilter::default()
        };
        let spec = RedriveSpec {
            dlq_ref: RedriveDlqRef {
                name: self.name.clone(),
            },
            to: match self.to {
                Some(_) => RedriveTo::Topic,
                None => RedriveTo::Origin,
            },
            topic_name: self.to.clone(),
            filter: (filter != RedriveFilter::default()).then_some(filter),
            letters_per_second: self.per_second,
            max: self.max,
            max_attempts: 3,
            quarantine_topic_name: self.quarantine.clone(),
            stop_at_returned_percent: self.stop_at_returned,
            again: self.again,
            dry_run: self.dry_run,
            suspend: false,
            cancel: false,
            ttl_seconds_after_finished: None,
        };
        let mut redrive = Redrive::new("", spec);
        redrive.metadata.name = None;
        redrive.metadata.generate_name = Some(format!("{}-", self.name));
        redrive.metadata.namespace = Some(namespace.to_owned());
        redrive
    }
}

/// Makes the Redrive, and follows it unless told not to.
///
/// # Errors
/// When there is no API server that answers, or it refuses the Redrive, with its words.
pub(super) async fn run(arguments: Arguments) -> Result<Report, Problem> {
    let (client, namespace) = arguments.connection.namespaced().await?;
    let api: Api<Redrive> = Api::namespaced(client.clone(), &namespace);
    let made = api
        .create(&PostParams::default(), &arguments.redrive(&namespace))
        .await
        .map_err(|error| Problem::new(format!("the Redrive was not made: {error}")))?;
    let name = made.name_any();
    println!("redrive.millrace.dev/{name} created");
    if arguments.no_wait {
        return Ok(Report {
            text: format!(
                "Follow it with: kubectl get redrive {name} --namespace {namespace} --watch\n"
            ),
            found: Found::Nothing,
        });
    }
    let status = follow(client, &namespace, &name).await?;
    Ok(Report {
        text: String::new(),
        found: match status.phase {
            Some(RedrivePhase::Completed) => Found::Nothing,
            _ => Found::Something,
        },
    })
}

/// Prints a line for each thing that is new, until it is over.
async fn follow(client: Client, namespace: &str, name: &str) -> Result<RedriveStatus, Problem> {
    let changes = watch_object(Api::<Redrive>::namespaced(client, namespace), name);
    pin_mut!(changes);
    let mut said = String::new();
    while let Some(change) = changes.next().await {
        let Ok(seen) = change else {
            continue;
        };
        let Some(redrive) = seen else {
            return Err(Problem::new(format!(
                "Redrive {name} was deleted before it ended: what is home stays home"
            )));
        };
        let status = redrive.status.unwrap_or_default();
        let line = redrive_line(&status);
        if line != said {
            println!("{line}");
            said = line;
        }
        if status.completion_time.is_some() {
            return Ok(status);
        }
    }
    Err(Problem::new(
        "the API server ended the watch: `kubectl get redrives` shows how far it has come",
    ))
}
