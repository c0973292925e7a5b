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
/// What a run may hold at the most, in MiB, of which a few letters need nothing: letters read ahead, and those of a transaction.
const QUEUES_MIB: f64 = 24.0;
/// Letters in a transaction of a bare copy; a redrive has as many as the largest.
const BATCHES: [usize; 2] = [1_000, 10_000];
/// The promise: a run takes at most so many times as long as the bare copy.
const GOAL: f64 = 1.3;

/// Unthrottled redrives of few letters and of many, and two bare copies of the most.
///
/// The bare copies of the most come before its redrive, and the one that is compared second of them: brokers that have just started are
/// slower, whoever asks.
///
/// # Errors
/// When something cannot be measured; `figures` then holds what was until then.
pub async fn measure(case: &Case, figures: &mut Vec<Figure>) -> Result<()> {
    let few = run(&fill(case, FEW).await?, figures).await?.peak;
    let goal = few.value + QUEUES_MIB;
    figures.push(few);
    let many = run(&fill(case, MANY).await?, figures).await?.peak;
    figures.push(many.with_goal(goal));
    let queue = fill(case, MOST).await?;
    let mut bare = Vec::new();
    for batch in BATCHES {
        bare.push((batch, bare::copy(&queue, batch).await?));
    }
    let most = run(&queue, figures).await?;
    figures.push(most.peak.with_goal(goal));
    for (batch, seconds) in bare {
        let what = format!("redrive of {MOST} letters");
        let figure = Figure::new(what, most.took.as_secs_f64(), "s").with_goal(GOAL * seconds);
        let is = format!("a bare transactional copy of them, {batch} at a time");
        figures.push(figure.with_floor(seconds, is));
    }
    Ok(())
}

async fn fill(case: &Case, letters: usize) -> Result<Queue<'_>> {
    Queue::fill(case, &format!("all-{letters}"), letters).await
}

struct Run {
    took: Duration,
    /// The operator's memory.
    peak: Figure,
}

async fn run(queue: &Queue<'_>, figures: &mut Vec<Figure>) -> Result<Run> {
    // What it holds is then of what follows alone.
    operator::restart(&queue.case.client, PATIENCE).await?;
    queue.counted_anew().await?;
    operator::forget_peak_memory(&queue.case.client).await?;
    let before = memory::peak(&queue.case.client, "before it").await?;
    let (status, took) = queue.redriven().await?;
    progress(&format!("{} letters in {took:.1?}", queue.letters));
    let run = format!("redrive of {} letters", queue.letters);
    let what = format!("operator's peak memory in a {run}");
    let peak = memory::peak(&queue.case.client, &what).await?;
    let peak = peak.with_floor(
        before.value,
        "right before it, once the letters were counted",
    );
    figures.extend(checked::figures(queue, &status, &run).await?);
    Ok(Run { took, peak })
}
