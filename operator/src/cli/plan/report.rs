use std::fmt::Write;

use serde::Serialize;

use super::{
    super::{
        Output,
        dry_run::Said,
        manifests::Document,
        outcome::{Found, Problem, Report, count as plural},
    },
    fields::{self, FieldChange},
};
use crate::admission::{NOTHING, PLAN};

/// Kinds of which the webhook tells what would be done in Kafka, or in the registry.
const FORETOLD: [&str; 3] = ["Topic", "DLQ", "Schema"];
/// What stands in place of the steps where nobody told them.
const SILENT: &str =
    "not known: Millrace's webhook was not asked or did not answer, see that the operator runs";
/// The shape of the JSON document; a change that breaks readers makes another.
const FORMAT: &str = "millrace-plan/v1";

/// What applying a document would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    None,
    Create,
    Change,
    Refused,
}

/// The plan of one resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Planned {
    file: String,
    line: usize,
    kind: String,
    namespace: String,
    name: String,
    action: Action,
    /// Fields of the resource that would change, defaults of the API server among them.
    fields: Vec<FieldChange>,
    /// What would be done in Kafka or in the registry, and what would not, a sentence each.
    kafka: Vec<String>,
    /// What the API server and its webhooks say besides.
    warnings: Vec<String>,
    /// Why it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip)]
    diff: Vec<String>,
}

impl Planned {
    /// The plan that follows from what the API server says.
    ///
    /// # Errors
    /// When the resource cannot be written as YAML.
    pub(super) fn of(document: &Document, namespace: &str, said: Said) -> Result<Self, Problem> {
        let mut planned = Self {
            file: document.file.clone(),
            line: document.line(),
            kind: document.kind().to_owned(),
            namespace: namespace.to_owned(),
            name: document.name().to_owned(),
            action: Action::None,
            fields: Vec::new(),
            kafka: Vec::new(),
            warnings: Vec::new(),
            refusal: None,
            diff: Vec::new(),
        };
        match said {
            Said::Refused(words) => {
                planned.action = Action::Refused;
                planned.refusal = Some(words);
            }
            Said::Accepted {
                live,
                wanted,
                warnings,
            } => {
                let (live, wanted) = (live.as_ref().map(fields::written), fields::written(&wanted));
                planned.fields = fields::changes(live.as_ref(), &wanted);
                planned.diff = fields::diff(live.as_ref(), &wanted).map_err(Problem::new)?;
                let told = !warnings.is_empty();
                for warning in warnings {
                    match warning.strip_prefix(PLAN) {
                        Some(NOTHING) => {}
                        Some(step) => planned.kafka.push(step.to_owned()),
                        None => planned.warnings.push(warning),
                    }
                }
                let judged = live
                    .as_ref()
                    .is_none_or(|live| live["spec"] != wanted["spec"]);
                if judged && !told && FORETOLD.contains(&document.kind()) {
                    planned.kafka.push(SILENT.to_owned());
                }
                planned.action = match (live, planned.fields.is_empty() && planned.kafka.is_empty())
                {
                    (None, _) => Action::Create,
                    (Some(_), true) => Action::None,
                    (Some(_), false) => Action::Change,
                };
            }
        }
        Ok(planned)
    }

    fn write(&self, text: &mut String) {
        if self.action == Action::None && self.warnings.is_empty() {
            return;
        }
        let what = match self.action {
            Action::None => "unchanged",
            Action::Create => "to be created",
            Action::Change => "to be changed",
            Action::Refused => "refused",
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{} {}/{} ({}:{}): {what}",
            self.kind, self.namespace, self.name, self.file, self.line
        );
        for line in &self.diff {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(refusal) = &self.refusal {
            let _ = writeln!(text, "  {refusal}");
        }
        if !self.kafka.is_empty() {
            let place = match self.kind.as_str() {
                "Schema" => "the registry",
                _ => "Kafka",
            };
            let _ = writeln!(text, "  in {place}:");
        }
        for step in &self.kafka {
            let _ = writeln!(text, "    {step}");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "  warning: {warning}");
        }
        text.push('\n');
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    unchanged: usize,
    create: usize,
    change: usize,
    refused: usize,
    other_documents: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    format: &'static str,
    resources: &'a [Planned],
    summary: Summary,
}

/// The plans of all resources as they are written out.
///
/// # Errors
/// When they cannot be written as JSON.
pub(super) fn report(
    planned: &[Planned],
    others: usize,
    output: Output,
) -> Result<Report, Problem> {
    let count = |action| planned.iter().filter(|one| one.action == action).count();
    let summary = Summary {
        unchanged: count(Action::None),
        create: count(Action::Create),
        change: count(Action::Change),
        refused: count(Action::Refused),
        other_documents: others,
    };
    let found = match (summary.refused, summary.create + summary.change) {
        (0, 0) => Found::Nothing,
        (0, _) => Found::Something,
        _ => Found::Trouble,
    };
    let text = match output {
        Output::Json => {
            let whole = Whole {
                format: FORMAT,
                resources: planned,
                summary,
            };
            serde_json::to_string_pretty(&whole)
                .map(|text| text + "\n")
                .map_err(|error| Problem::new(error.to_string()))?
        }
        Output::Text => {
            let mut text = String::new();
            planned.iter().for_each(|one| one.write(&mut text));
            let Summary {
                unchanged,
                create,
                change,
                refused,
                ..
            } = summary;
            let _ = writeln!(
                text,
                "{create} to be created, {change} to be changed, {refused} refused, {unchanged} unchanged; {} passed over",
                plural(others, "other document")
            );
            text
        }
    };
    Ok(Report { text, found })
}
