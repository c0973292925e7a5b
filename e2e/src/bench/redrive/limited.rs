use anyhow::{Context, Result};
use serde_json::json;

use super::{
    progress,
    queue::{Numbers, Queue},
};
use crate::{Case, bench::Figure};

/// Seconds for which letters go.
const SECONDS: usize = 25;
/// How far the rate may be off its limit, in percent.
const GOAL_PERCENT: f64 = 5.0;

/// A Redrive with a limit, by the times at which its letters arrived at the brokers.
///
/// # Errors
/// When it does not end, or letters are missing.
pub async fn measure(case: &Case, limit: usize) -> Result<[Figure; 2]> {
    let queue = Queue::fill(case, &format!("limit-{limit}"), limit * SECONDS).await?;
    progress(&format!("redriving {limit} letters a second"));
    queue.redrive(json!({ "lettersPerSecond": limit })).await?;
    queue.completed().await?;
    let home = queue.home().await?;
    anyhow::ensure!(
        home.numbers == Numbers::default(),
        "not each letter is home once: {home:?}"
    );
    let (first, last) = (home.first_ms, home.last_ms);
    let span = first.zip(last).map(|(first, last)| last - first);
    let seconds = span.context("no letter has a time")? as f64 / 1_000.0;
    let rate = home.count as f64 / seconds;
    let run = format!(
        "redrive of {} letters limited to {limit} a second",
        queue.letters
    );
    let off = (rate / limit as f64 - 1.0).abs() * 100.0;
    Ok([
        Figure::new(format!("{run}: letters that arrived a second"), rate, "/s"),
        Figure::new(format!("{run}: off the limit by"), off, "%").with_goal(GOAL_PERCENT),
    ])
}
