use std::fmt::Write;

use serde::Serialize;

use super::{
    declared::laid_out,
    readers::Readers,
    verdict::{Judged, Verdict},
};
use crate::cli::{
    Output, diff,
    outcome::{Found, Problem, Report, count},
};

/// The shape of the JSON document; a change that breaks readers makes another.
const FORMAT: &str = "millrace-schema-check/v1";

/// What is said of one Schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked {
    file: String,
    line: usize,
    namespace: String,
    name: String,
    /// `unchanged`, `new`, `compatible`, `breaks`, `refused` or `notJudged`.
    verdict: &'static str,
    /// Whom it breaks and how, why it is refused, or why it was not judged.
    reasons: Vec<String>,
    /// The ConsumerGroups that read the topic it describes.
    readers: Vec<String>,
    /// The text before and now, each line behind `+`, `-` or a blank.
    diff: Vec<String>,
    #[serde(skip)]
    title: String,
}

impl Checked {
    pub(super) fn all(judged: Vec<Judged<'_>>, readers: &Readers) -> Vec<Self> {
        let judged = judged.into_iter();
        judged.map(|judged| Self::of(judged, readers)).collect()
    }

    fn of(judged: Judged<'_>, readers: &Readers) -> Self {
        let Judged {
            declared,
            before,
            verdict,
            note,
        } = judged;
        let (word, mut reasons) = match verdict {
            Verdict::Unchanged => ("unchanged", Vec::new()),
            Verdict::New => ("new", Vec::new()),
            Verdict::Compatible => ("compatible", Vec::new()),
            Verdict::Breaks(words) => ("breaks", words),
            Verdict::Refused(words) => ("refused", vec![words]),
            Verdict::NotJudged(why) => ("notJudged", vec![why]),
        };
        reasons.extend(note.map(str::to_owned));
        let texts = before.as_deref().zip(declared.text.as_deref());
        Self {
            file: declared.document.file.clone(),
            line: declared.document.line(),
            namespace: declared.namespace.clone(),
            name: declared.name().to_owned(),
            verdict: word,
            reasons,
            readers: readers.of_schema(declared),
            diff: texts.map_or_else(Vec::new, |(before, now)| {
                diff::lines(&laid_out(before), &laid_out(now))
            }),
            title: match declared.namespace.as_str() {
                "" => format!("Schema {}", declared.name()),
                namespace => format!("Schema {namespace}/{}", declared.name()),
            },
        }
    }

    fn write(&self, text: &mut String) {
        if self.verdict == "unchanged" {
            return;
        }
        let words = match self.verdict {
            "breaks" => "breaks its readers",
            "notJudged" => "not judged",
            word => word,
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{} ({}:{}): {words}",
            self.title, self.file, self.line
        );
        for line in &self.diff {
            let _ = writeln!(text, "  {line}");
        }
        for reason in &self.reasons {
            let _ = writeln!(text, "  {reason}");
        }
        if self.verdict == "breaks" {
            let readers = match self.readers.is_empty() {
                true => "no ConsumerGroup that is known here".to_owned(),
                false => self.readers.join(", "),
            };
            let _ = writeln!(text, "  read by {readers}");
        }
        text.push('\n');
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    breaks: usize,
    compatible: usize,
    new: usize,
    unchanged: usize,
    refused: usize,
    not_judged: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    format: &'static str,
    schemas: &'a [Checked],
    summary: Summary,
    /// What holds for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// All verdicts as they are written out. `strict`: what was not judged is trouble.
///
/// # Errors
/// When they cannot be written as JSON.
pub(super) fn report(
    checked: &[Checked],
    readers: &Readers,
    strict: bool,
    output: Output,
) -> Result<Report, Problem> {
    let number = |verdict| checked.iter().filter(|one| one.verdict == verdict).count();
    let summary = Summary {
        breaks: number("breaks"),
        compatible: number("compatible"),
        new: number("new"),
        unchanged: number("unchanged"),
        refused: number("refused"),
        not_judged: number("notJudged"),
    };
    let troubled = summary.refused > 0 || strict && summary.not_judged > 0;
    let found = match (summary.breaks, troubled) {
        (0, false) => Found::Nothing,
        (0, true) => Found::Trouble,
        _ => Found::Something,
    };
    let note = readers.unknown.as_deref();
    let text = match output {
        Output::Json => {
            let whole = Whole {
                format: FORMAT,
                schemas: checked,
                summary,
                note,
            };
            serde_json::to_string_pretty(&whole)
                .map(|text| text + "\n")
                .map_err(|error| Problem::new(error.to_string()))?
        }
        Output::Text => written(checked, &summary, note),
    };
    Ok(Report { text, found })
}

fn written(checked: &[Checked], summary: &Summary, note: Option<&str>) -> String {
    let mut text = String::new();
    checked.iter().for_each(|one| one.write(&mut text));
    if let Some(note) = note {
        let _ = writeln!(text, "{note}\n");
    }
    let Summary {
        breaks,
        compatible,
        new,
        unchanged,
        refused,
        not_judged,
    } = summary;
    let _ = writeln!(
        text,
        "{}: {breaks} break readers, {compatible} compatible, {new} new, {unchanged} unchanged, {refused} refused, {not_judged} not judged",
        count(checked.len(), "schema")
    );
    text
}
