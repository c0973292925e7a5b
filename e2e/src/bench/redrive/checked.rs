use anyhow::{Context, Result};
use millrace_crds::{DestinationCount, ReasonCount, Redrive, RedriveCounts, RedriveStatus};

use super::queue::{Home, PARTITIONS, Queue, REASONS};
use crate::bench::Figure;

/// Whether a Redrive that has ended did what it should: each letter is home once, it says so, and its position is the end. `run` is in
/// front of the figures' names.
///
/// # Errors
/// When the probe fails.
pub async fn figures(queue: &Queue<'_>, status: &RedriveStatus, run: &str) -> Result<Vec<Figure>> {
    let Home { count, numbers, .. } = queue.home().await?;
    let left = queue.look(&queue.dead()).await?;
    let wrong = wrong(queue, status);
    let behind = behind(queue).await?;
    let of_letters = |what: &str, number: usize| {
        let what = format!("{run}: {what}, to a reader of committed records");
        Figure::new(what, number as f64, "").with_goal(0.0)
    };
    let named = |what: &str, found: &[String]| {
        let what = match found {
            [] => format!("{run}: {what}"),
            _ => format!("{run}: {what} ({})", found.join("; ")),
        };
        Figure::new(what, found.len() as f64, "").with_goal(0.0)
    };
    Ok(vec![
        Figure::new(format!("{run}: records that came home"), count as f64, ""),
        of_letters("letters missing", numbers.missing),
        of_letters("letters more than once", numbers.repeated),
        of_letters("records that are no letters", numbers.strange),
        of_letters("letters missing in the DLQ", left.numbers.missing),
        named("partitions whose committed offset is not the end", &behind),
        named("parts of the report that are wrong", &wrong),
    ])
}

/// The partitions of the dead-letter topic of which the Redrive has not committed the end.
async fn behind(queue: &Queue<'_>) -> Result<Vec<String>> {
    let redrive: Redrive = queue.case.api().get(&queue.name).await?;
    let uid = redrive.metadata.uid.context("a Redrive without a uid")?;
    let (topic, group) = (queue.dead(), format!("millrace-redrive-{uid}"));
    let words = ["lag", "--topic", &topic, "--group", &group];
    let answer = queue.case.probe.ask(&words).await?;
    let partitions = answer["partitions"].as_array().context("no partitions")?;
    let found = partitions
        .iter()
        .filter(|one| one["committed"].is_null() || one["committed"] != one["end"])
        .map(ToString::to_string);
    let mut found: Vec<String> = found.collect();
    if partitions.len() != PARTITIONS as usize {
        found.push(format!("{} partitions", partitions.len()));
    }
    Ok(found)
}

/// What a Redrive reports otherwise than it should, after all letters have gone home.
fn wrong(queue: &Queue<'_>, status: &RedriveStatus) -> Vec<String> {
    let all = queue.letters as i64;
    let counts = RedriveCounts {
        scanned: all,
        matched: all,
        redriven: all,
        ..RedriveCounts::default()
    };
    let destinations = [DestinationCount {
        topic: queue.source(),
        count: all,
    }];
    let reasons = REASONS.into_iter().zip(queue.numbers());
    let mut reasons: Vec<ReasonCount> = reasons
        .map(|(reason, numbers)| ReasonCount {
            reason: reason.to_owned(),
            source: queue.source(),
            count: numbers.len() as i64,
        })
        .collect();
    let mut by_reason = status.by_reason.clone();
    for counts in [&mut reasons, &mut by_reason] {
        counts.sort_by(|one, other| one.reason.cmp(&other.reason));
    }
    let mut wrong = Vec::new();
    if status.counts != Some(counts) {
        wrong.push(format!("{:?}", status.counts));
    }
    if by_reason != reasons {
        wrong.push(format!("{by_reason:?}"));
    }
    if status.by_destination != destinations {
        wrong.push(format!("{:?}", status.by_destination));
    }
    wrong
}
