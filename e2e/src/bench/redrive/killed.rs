use std::time::Duration;

use anyhow::{Result, ensure};
use millrace_crds::{RedrivePhase, RedriveStatus};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{checked, moments::Moments, progress, queue::Queue};
use crate::{
    bench::{Figure, percentile::percentile},
    operator,
};

/// Once the run is seen to copy letters, the operator is killed within this time.
const WITHIN: Duration = Duration::from_secs(3);
/// Seconds in which letters are copied between two kills, or somewhat more: half of `WITHIN`, and the time until the status shows it.
const COPYING_S: usize = 5;
const SEED: u64 = 1;
/// Another replica leads in this time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Redrive whose operator is killed again and again while letters are copied, each time as a failing node would do it, and once
/// more only after the run was seen to go on.
///
/// # Errors
/// When it ends before the last kill, or does not go on after one.
pub async fn measure(case: &crate::Case, kills: usize, letters: usize) -> Result<Vec<Figure>> {
    let queue = Queue::fill(case, "killed", letters).await?;
    let limit = letters.div_ceil(kills.max(1) * COPYING_S).max(1);
    progress(&format!("{kills} kills, at {limit} letters a second"));
    queue.redrive(json!({ "lettersPerSecond": limit })).await?;
    let mut position = goes_on(&queue, 0).await?;
    let mut moments = Moments::new(SEED);
    let mut stops = Vec::with_capacity(kills);
    for kill in 1..=kills {
        sleep(moments.within(WITHIN)).await;
        let killed = Instant::now();
        operator::kill(&case.client).await?;
        operator::led(&case.client, PATIENCE).await?;
        // Only now does nobody but the new replica write to the status.
        let stood = queue.status("it has a status", |_| true).await?;
        let before = position;
        position = goes_on(&queue, at(&stood)).await?;
        ensure!(
            position > at(&stood),
            "the run had ended before kill {kill}, at which it had been at {before}: write fewer --kills or more --letters"
        );
        stops.push(killed.elapsed());
        progress(&format!(
            "kill {kill} of {kills}: at {position} of {letters}"
        ));
    }
    let status = queue.completed().await?;
    stops.sort_unstable();
    let run = format!("redrive of {letters} letters, its operator killed {kills} times");
    let stop = |name: &str, p: usize| {
        let what = format!("{run}: from a kill until its status shows that it goes on, {name}");
        Figure::new(what, percentile(&stops, p).as_secs_f64(), "s")
    };
    let hit = Figure::new(
        format!("{run}: kills after which it went on"),
        stops.len() as f64,
        "",
    );
    let mut figures = vec![hit, stop("p50", 50), stop("the longest", 100)];
    figures.extend(checked::figures(&queue, &status, &run).await?);
    Ok(figures)
}

/// Where the run stands once it is farther than `position`, or has ended.
async fn goes_on(queue: &Queue<'_>, position: i64) -> Result<i64> {
    let goes_on = |status: &RedriveStatus| {
        let is_running = status.phase == Some(RedrivePhase::Running);
        is_running && at(status) > position || status.completion_time.is_some()
    };
    Ok(at(&queue.status("it goes on", goes_on).await?))
}

/// Letters before the position.
fn at(status: &RedriveStatus) -> i64 {
    status.partitions.iter().map(|one| one.next).sum()
}
