use anyhow::{Context, Result, ensure};

use super::{
    progress,
    queue::{Numbers, PARTITIONS, Queue, topic},
};

/// Copies the letters of a queue with librdkafka alone, in transactions of `batch`, to a topic of its own. The seconds it took, from
/// before its clients connect.
///
/// # Errors
/// When it fails, or not each letter is there once.
pub async fn copy(queue: &Queue<'_>, batch: usize) -> Result<f64> {
    let name = format!("bare-{batch}");
    progress(&format!("copying {} with {name}", queue.name));
    topic(queue.case, &name).await?;
    let (dead, to) = (queue.dead(), queue.case.name(&name));
    let (partitions, letters, batch) = (
        PARTITIONS.to_string(),
        queue.letters.to_string(),
        batch.to_string(),
    );
    let words = [
        "copy",
        "--topic",
        &dead,
        "--partitions",
        &partitions,
        "--to",
        &to,
        "--count",
        &letters,
        "--batch",
        &batch,
        "--transactional-id",
        &to,
    ];
    let answer = queue.case.probe.ask(&words).await?;
    let there = queue.look(&to).await?;
    ensure!(
        there.numbers == Numbers::default(),
        "the bare copy is none: {there:?}"
    );
    answer["seconds"]
        .as_f64()
        .with_context(|| format!("no seconds in {answer}"))
}
