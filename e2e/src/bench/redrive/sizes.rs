use std::time::Duration;

use anyhow::Result;

use super::{
    bare, checked, progress,
    queue::{PATIENCE, Queue},
};
use crate::{
    Case,
    bench::{Figure, memory},
    operator,
};

const FEW: usize = 1_000;
const MANY: usize = 100_000;
const MOST: usize = 1_000_000;
/// What the queues of a run may hold at the most, in MiB, of which a few letters need nothing: 14 read ahead, 4 in a transaction.
const QUEUES_MIB: f64 = 18.0;
/// Letters in a transaction of a redrive.
const BATCH: usize = 1_000;
/// Letters in a transaction of a copy that nobody waits for.
const LARGE_BATCH: usize = 10_000;
/// The promise: a run takes at most so many times as long as the bare copy.
const GOAL: f64 = 1.3;

/// Unthrottled redrives of few letters and of many, and two bare copies of the most.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn measure(case: &Case, figures: &mut Vec<Figure>) -> Result<()> {
    // Its peak is then that of what follows.
    operator::restart(&case.client, PATIENCE).await?;
    operator::led(&case.client, PATIENCE).await?;
    figures.push(memory::peak(&case.client, "operator's peak memory before redrives").await?);
    let few = run(case, FEW, figures).await?.peak;
    let many = run(case, MANY, figures).await?.peak;
    let most = run(case, MOST, figures).await?;
    let floor = format!("with {FEW} letters");
    figures.push(few.clone());
    for peak in [many, most.peak] {
        let goal = few.value + QUEUES_MIB;
        figures.push(peak.with_floor(few.value, &floor).with_goal(goal));
    }
    let seconds = most.took.as_secs_f64();
    let redrive = |batch: usize, bare: f64| {
        Figure::new(format!("redrive of {MOST} letters"), seconds, "s").with_floor(
            bare,
            format!("a bare transactional copy of them, {batch} at a time"),
        )
    };
    let bare = bare::copy(&most.queue, BATCH).await?;
    figures.push(redrive(BATCH, bare).with_goal(GOAL * bare));
    let bare = bare::copy(&most.queue, LARGE_BATCH).await?;
    figures.push(redrive(LARGE_BATCH, bare));
    Ok(())
}

struct Run<'a> {
    queue: Queue<'a>,
    took: Duration,
    /// The operator's memory.
    peak: Figure,
}

async fn run<'a>(case: &'a Case, letters: usize, figures: &mut Vec<Figure>) -> Result<Run<'a>> {
    let queue = Queue::fill(case, &format!("all-{letters}"), letters).await?;
    let (status, took) = queue.redriven().await?;
    progress(&format!("{letters} letters in {took:.1?}"));
    let run = format!("redrive of {letters} letters");
    let what = format!("operator's peak memory after a {run}");
    let peak = memory::peak(&case.client, &what).await?;
    figures.extend(checked::figures(&queue, &status, &run).await?);
    Ok(Run { queue, took, peak })
}
