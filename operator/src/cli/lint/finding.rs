use std::{collections::BTreeSet, fmt::Write};

use serde::Serialize;

use super::{
    super::{
        Output,
        manifests::{Document, Manifests},
        outcome::{Found, Problem, Report, count},
    },
    definition::Definitions,
    offline,
    policy::{Described, breaches},
    rule::{Rule, Severity, suggestion},
    settings::Settings,
};

/// The annotation with the rules, separated by commas, that a resource is exempt from.
const IGNORE: &str = "millrace.dev/lint-ignore";
/// What the definition or the operator itself would refuse. Always an error.
const DEFINITION: &str = "definition";
/// An annotation that means nothing. Always an error.
const LINT_IGNORE: &str = "lint-ignore";

/// Something wrong with a resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    file: String,
    line: usize,
    kind: String,
    namespace: String,
    name: String,
    rule: &'static str,
    severity: Severity,
    message: String,
    #[serde(skip)]
    title: String,
}

/// All that was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Findings {
    findings: Vec<Finding>,
    resources: usize,
    other_documents: usize,
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Everything that is wrong with the manifests, in their order.
    ///
    /// # Errors
    /// When the definitions cannot be compiled.
    pub(super) fn of(manifests: &Manifests, settings: &Settings) -> Result<Self, Problem> {
        let definitions = Definitions::load().map_err(Problem::new)?;
        let described = Described::of(&manifests.documents);
        let mut findings = Vec::new();
        for document in &manifests.documents {
            let mut found = definition(document, &definitions);
            if unknown_kind(document).is_none() {
                found.extend(policy(document, settings, &described));
            }
            found.sort_by_key(|finding| finding.line);
            findings.extend(found);
        }
        let of = |severity| {
            let same = findings
                .iter()
                .filter(|finding| finding.severity == severity);
            same.count()
        };
        Ok(Self {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            findings,
            resources: manifests.documents.len(),
            other_documents: manifests.others,
        })
    }

    /// As it is written out.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn report(&self, output: Output) -> Result<Report, Problem> {
        let text = match output {
            Output::Text => self.text(),
            Output::Json => serde_json::to_string_pretty(self)
                .map(|text| text + "\n")
                .map_err(|error| Problem::new(error.to_string()))?,
        };
        let found = match self.errors {
            0 => Found::Nothing,
            _ => Found::Something,
        };
        Ok(Report { text, found })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            // Writing to a String does not fail.
            let _ = writeln!(
                text,
                "{}:{}: {} {}: {}: {}",
                finding.file,
                finding.line,
                finding.severity,
                finding.title,
                finding.rule,
                finding.message
            );
        }
        let _ = writeln!(
            text,
            "{}, {}, {}; {} passed over",
            count(self.resources, "resource"),
            count(self.errors, "error"),
            count(self.warnings, "warning"),
            count(self.other_documents, "other document")
        );
        text
    }
}

fn finding(
    document: &Document,
    pointer: &str,
    rule: &'static str,
    severity: Severity,
    message: String,
) -> Finding {
    Finding {
        file: document.file.clone(),
        line: document.tree.line(pointer),
        kind: document.kind().to_owned(),
        namespace: document.namespace().to_owned(),
        name: document.name().to_owned(),
        rule,
        severity,
        message,
        title: document.title(),
    }
}

/// What would be refused at the latest when it is applied.
fn definition(document: &Document, definitions: &Definitions) -> Vec<Finding> {
    let wrong =
        |pointer: &str, message| finding(document, pointer, DEFINITION, Severity::Error, message);
    if let Some(unknown) = unknown_kind(document) {
        return vec![wrong(unknown.0, unknown.1)];
    }
    let faults = definitions.check(document.kind(), &document.value);
    if !faults.is_empty() {
        return faults
            .into_iter()
            .map(|fault| wrong(&fault.pointer, fault.message))
            .collect();
    }
    let refusal = offline::refusal(document.kind(), &document.value);
    refusal
        .map(|message| wrong("/spec", message))
        .into_iter()
        .collect()
}

/// Where and why a document is of no kind that this version knows.
fn unknown_kind(document: &Document) -> Option<(&'static str, String)> {
    let version = format!("{}/{}", millrace_crds::GROUP, millrace_crds::VERSION);
    if document.api_version() != version {
        let words = format!("apiVersion {}: write {version}", document.api_version());
        return Some(("/apiVersion", words));
    }
    if document.plural().is_some() {
        return None;
    }
    let kinds: Vec<String> = millrace_crds::all()
        .into_iter()
        .map(|definition| definition.spec.names.kind)
        .collect();
    let hint = suggestion(document.kind(), kinds.iter().map(String::as_str));
    Some((
        "/kind",
        format!("there is no kind `{}`{hint}", document.kind()),
    ))
}

/// What breaks the rules of the house, but for those the resource is exempt from.
fn policy(document: &Document, settings: &Settings, described: &Described) -> Vec<Finding> {
    let pointer = format!("/metadata/annotations/{}", IGNORE.replace('/', "~1"));
    let written = document
        .value
        .pointer(&pointer)
        .and_then(|value| value.as_str());
    let ignored: BTreeSet<&str> = written
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .collect();
    let unknown = ignored
        .iter()
        .filter(|id| Rule::named(id).is_none())
        .map(|id| {
            let message = format!(
                "{IGNORE}: unknown rule `{id}`{}",
                suggestion(id, Rule::ALL.map(Rule::id))
            );
            finding(document, &pointer, LINT_IGNORE, Severity::Error, message)
        });
    let broken = breaches(document, settings, described)
        .into_iter()
        .filter_map(|breach| {
            let (id, severity) = (breach.rule.id(), settings.severity(breach.rule));
            let counts = severity != Severity::Off && !ignored.contains(id);
            counts.then(|| finding(document, &breach.pointer, id, severity, breach.message))
        });
    unknown.chain(broken).collect()
}
