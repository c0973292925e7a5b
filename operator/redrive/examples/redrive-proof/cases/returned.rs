use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use millrace_redrive::engine::{End, Phase};
use rdkafka::{
    Message, Offset, TopicPartitionList, consumer::Consumer, message::BorrowedHeaders,
    producer::BaseRecord,
};

use super::Scene;
use crate::{broker, engine::carry_out, letters::PARTITIONS};

pub(super) fn a_run_whose_letters_come_back_is_stopped(bootstrap: &str) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 20_000)?;
    scene.job.per_second = Some(500);
    scene.job.stop_at_returned_percent = Some(20);
    let done = AtomicBool::new(false);
    let progress = thread::scope(|scope| {
        let failing = scope.spawn(|| fail_on_all(bootstrap, &scene, &done));
        let progress = carry_out(scene.job.clone(), |_| {});
        done.store(true, Ordering::Relaxed);
        let failed = failing.join().map_err(|_| anyhow::anyhow!("it broke"))?;
        failed.and(progress)
    })?;
    let counts = progress.report.counts;
    ensure!(
        matches!(progress.phase, Phase::Ended(End::TooManyReturned(_))),
        "{:?} {counts:?}",
        progress.phase
    );
    ensure!(
        counts.returned * 5 > counts.redriven && counts.redriven < 20_000,
        "{counts:?}"
    );
    println!(
        "returned         stopped when {} of {} had come back",
        counts.returned, counts.redriven
    );
    Ok(())
}

/// A consumer that fails on every record and dead-letters it.
fn fail_on_all(bootstrap: &str, scene: &Scene, done: &AtomicBool) -> Result<()> {
    let consumer = broker::reader(bootstrap, "redrive-proof-failing")?;
    let producer = broker::producer(bootstrap)?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(&scene.origin, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    while !done.load(Ordering::Relaxed) {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(50)) else {
            continue;
        };
        let mut letter = BaseRecord::to(&scene.job.topic);
        letter.key = record.key();
        letter.payload = record.payload();
        letter.headers = record.headers().map(BorrowedHeaders::detach);
        producer.send(letter).map_err(|(error, _)| error)?;
        producer.poll(Duration::ZERO);
    }
    broker::flush(&producer)
}
