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
/// What a run may hold at the most, in MiB, of which a few letters need nothing: 14 read ahead, 10 in a transaction.
const QUEUES_MIB: f64 = 24.0;
/// Letters in a transaction of a bare copy; a redrive has as many as the largest.
const BATCHES: [usize; 2] = [1_000, 10_000];
/// The promise: a run takes at most so many times as long as the bare copy.
const GOAL: f64 = 1.3;

/// Unthrottled redrives of few letters and of many, and two bare copies of the most.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn measure(case: &Case, figures: &mut Vec<Figure>) -> Result<()> {
    let few = run(case, FEW, figures).await?.peak;
    let many = run(case, MANY, figures).await?.peak;
    let most = run(case, MOST, figures).await?;
    let goal = few.value + QUEUES_MIB;
    let of_many = [many, most.peak].map(|peak| peak.with_goal(goal));
    figures.push(few);
    figures.extend(of_many);
    for batch in BATCHES {
        let bare = bare::copy(&most.queue, batch).await?;
        let what = format!("redrive of {MOST} letters");
        let figure = Figure::new(what, most.took.as_secs_f64(), "s").with_goal(GOAL * bare);
        let is = format!("a bare transactional copy of them, {batch} at a time");
        figures.push(figure.with_floor(bare, is));
    }
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
    // What it holds is then of what follows alone.
    operator::restart(&case.client, PATIENCE).await?;
    queue.counted_anew().await?;
    operator::forget_peak_memory(&case.client).await?;
    let before = memory::peak(&case.client, "before it").await?;
    let (status, took) = queue.redriven().await?;
    progress(&format!("{letters} letters in {took:.1?}"));
    let run = format!("redrive of {letters} letters");
    let what = format!("operator's peak memory in a {run}");
    let peak = memory::peak(&case.client, &what).await?;
    let peak = peak.with_floor(
        before.value,
        "right before it, once the letters were counted",
    );
    figures.extend(checked::figures(&queue, &status, &run).await?);
    Ok(Run { queue, took, peak })
}
