use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use serde_json::Value;

use super::{
    declared::{Declarations, Declared},
    verdict::{Judged, Verdict},
};
use crate::{
    admission::PLAN,
    cli::{
        dry_run::{self, Said},
        manifests::Document,
        outcome::Problem,
    },
    plan,
};

/// Schemas that are asked about at the same time.
const AT_ONCE: usize = 8;
const SILENT: &str =
    "Millrace's webhook was not asked or did not answer: see that the operator runs";

/// Asks the schema registry about each Schema, by way of the API server's dry run and the webhook.
///
/// # Errors
/// When the API server does not answer.
pub(super) async fn check<'a>(
    client: &Client,
    now: &'a Declarations,
) -> Result<Vec<Judged<'a>>, Problem> {
    let asked = now.0.iter().map(|declared| async move {
        let said = dry_run::ask(client, &inline(declared), &declared.namespace).await?;
        Ok(judged(declared, said))
    });
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}

/// The manifest with the text that the ConfigMap in the same files has: the cluster's may still have another.
fn inline(declared: &Declared) -> Document {
    let mut document = declared.document.clone();
    let spec = document
        .value
        .get_mut("spec")
        .and_then(Value::as_object_mut);
    if let (Some(spec), Some(text)) = (spec, &declared.text) {
        spec.remove("schemaFrom");
        spec.insert("schema".to_owned(), text.clone().into());
    }
    document
}

fn judged(declared: &Declared, said: Said) -> Judged<'_> {
    let (before, verdict) = match said {
        Said::Refused(words) if words.contains(plan::BREAKS) => {
            (None, Verdict::Breaks(vec![words]))
        }
        Said::Refused(words) => (None, Verdict::Refused(words)),
        Said::Accepted {
            live,
            wanted,
            warnings,
        } => {
            let is_live = live
                .as_ref()
                .is_some_and(|live| live["spec"] == wanted["spec"]);
            let text = live.and_then(|live| live["spec"]["schema"].as_str().map(str::to_owned));
            (text, verdict(&warnings, is_live))
        }
    };
    Judged {
        declared,
        before,
        verdict,
        note: None,
    }
}

/// What the webhook's answer means. It says nothing to a spec that is stored already.
fn verdict(warnings: &[String], is_live: bool) -> Verdict {
    let unknown = warnings.iter().find_map(|warning| {
        let told = warning.strip_prefix(PLAN);
        match told {
            Some(step) => step.strip_prefix("not known, ").map(str::to_owned),
            None => Some(warning.clone()),
        }
    });
    match unknown {
        Some(why) => Verdict::NotJudged(why),
        None if is_live => Verdict::Unchanged,
        None if warnings.is_empty() => Verdict::NotJudged(SILENT.to_owned()),
        None => Verdict::Compatible,
    }
}
