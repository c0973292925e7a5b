use jiff::Timestamp;
use kube::ResourceExt;
use millrace_crds::{Dlq, DlqStatus, RedriveCounts, RedriveStatus};

use crate::cli::table::{UNKNOWN, empty, number, right, span, text, written};

/// A line for each queue.
pub(super) fn overview(dlqs: &[Dlq], namespaces: bool, now: Timestamp) -> String {
    let header = [
        "NAME", "TOPIC", "LETTERS", "/MIN", "OLDEST", "HEALTHY", "MOSTLY",
    ];
    let mut table = empty(namespaces.then_some("NAMESPACE").into_iter().chain(header));
    for dlq in dlqs {
        let status = dlq.status.clone().unwrap_or_default();
        let cells = [
            text(Some(dlq.name_any())),
            text(status.topic_name.clone()),
            number(status.letters),
            number(status.letters_per_minute),
            right(span(age(&status, now))),
            text(Some(healthy(&status))),
            text(status.by_reason.first().map(|most| most.reason.clone())),
        ];
        let namespace = namespaces.then(|| text(dlq.namespace()));
        table.add_row(namespace.into_iter().chain(cells));
    }
    written(&table)
}

/// All that is known of one queue: what it says of itself, then its letters by reason and source.
pub(super) fn details(dlq: &Dlq, now: Timestamp) -> String {
    let status = dlq.status.clone().unwrap_or_default();
    let mut told = overview(std::slice::from_ref(dlq), false, now);
    told.push('\n');
    for condition in &status.conditions {
        told.push_str(&format!(
            "{}={} {}: {}\n",
            condition.type_, condition.status, condition.reason, condition.message
        ));
    }
    if !status.by_reason.is_empty() {
        let mut table = empty(["REASON", "SOURCE", "LETTERS"]);
        for found in &status.by_reason {
            table.add_row([
                text(Some(found.reason.clone())),
                text(Some(found.source.clone())),
                number(Some(found.count)),
            ]);
        }
        told.push('\n');
        told.push_str(&written(&table));
    }
    told
}

/// How far a Redrive has come, in a line: what is not zero of what came of its letters, and why it does not go on.
pub(super) fn redrive_line(status: &RedriveStatus) -> String {
    let phase = status
        .phase
        .map_or_else(|| "Pending".to_owned(), |phase| format!("{phase:?}"));
    let counts = status.counts.unwrap_or_default();
    let told: Vec<String> = outcomes(&counts)
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let pace = status.letters_per_second.filter(|pace| *pace > 0);
    let pace = pace.map(|pace| format!(" ({pace}/s)")).unwrap_or_default();
    let mut line = format!("{phase}{pace}: {} looked at", counts.scanned);
    told.iter()
        .for_each(|what| line.push_str(&format!(", {what}")));
    let mut conditions = status.conditions.iter();
    let ready =
        conditions.find(|condition| condition.type_ == "Ready" && condition.status != "True");
    if let Some(ready) = ready {
        line.push_str(&format!(" - {}: {}", ready.reason, ready.message));
    }
    line
}

fn outcomes(counts: &RedriveCounts) -> [(i64, &'static str); 10] {
    [
        (counts.redriven, "home"),
        (counts.quarantined, "in quarantine"),
        (counts.already_home, "home before"),
        (counts.no_origin, "of unknown origin"),
        (counts.exceeded, "came back too often"),
        (counts.refused, "not allowed where they come from"),
        (counts.original_expired, "whose record is gone"),
        (counts.unreadable, "unreadable"),
        (counts.returned, "came back"),
        (counts.expired, "offsets deleted before"),
    ]
}

/// Seconds since the oldest letter was written.
fn age(status: &DlqStatus, now: Timestamp) -> Option<i64> {
    let oldest = status.oldest_letter_time.as_ref()?;
    Some(now.as_second() - oldest.0.as_second())
}

/// `yes`, or the reason why not.
fn healthy(status: &DlqStatus) -> String {
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|condition| condition.type_ == "Healthy");
    found.map_or_else(
        || UNKNOWN.to_owned(),
        |condition| match condition.status.as_str() {
            "True" => "yes".to_owned(),
            _ => condition.reason.clone(),
        },
    )
}
