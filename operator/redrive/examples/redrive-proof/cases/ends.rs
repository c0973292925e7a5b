use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use millrace_redrive::{
    engine::{End, Phase, Run, Wish, ends, group_id},
    tally::Counts,
};
use rdkafka::producer::{BaseProducer, Producer};

use super::{Scene, control::wait};
use crate::{
    broker::{self, ANSWER},
    engine::carry_out,
    letters::{self, PARTITIONS},
};

/// A run over so few letters that takes longer has waited for some that do not come.
const LONGEST: Duration = Duration::from_secs(10);

/// Kafka says that a partition ends, before the offset at which it ended when the Redrive began, and then has the rest all the same: as
/// right after a change of the leader. Here the rest is not yet written.
pub(super) fn a_run_does_not_end_where_an_end_is_told_too_early(bootstrap: &str) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 4_000)?;
    for end in scene.job.ends.values_mut() {
        *end += 250;
    }
    let run = Run::start(scene.job.clone(), Wish::Run, || {})?;
    wait(&run, |run| run.progress().report.counts.scanned == 4_000)?;
    thread::sleep(Duration::from_secs(2));
    ensure!(
        run.progress().phase == Phase::Running,
        "{:?}",
        run.progress()
    );
    let (topic, origin) = (&scene.job.topic, &scene.origin);
    letters::write_with(&broker::producer(bootstrap)?, topic, origin, 4_000..5_000)?;
    wait(&run, |run| {
        run.progress().phase == Phase::Ended(End::Completed)
    })?;
    let home = scene.home(bootstrap)?;
    ensure!(home == 5_000, "{home} are home");
    println!("end told early   {home} letters are home, the last ones too");
    Ok(())
}

/// The last records of each partition are letters of a transaction that was aborted, and its mark.
pub(super) fn a_run_ends_behind_the_marks_of_transactions(bootstrap: &str) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 0)?;
    let producer: BaseProducer = broker::client(bootstrap)
        .set("transactional.id", format!("{}-letters", scene.job.redrive))
        .create()?;
    producer.init_transactions(ANSWER)?;
    producer.begin_transaction()?;
    letters::write_with(&producer, &scene.job.topic, &scene.origin, 0..4_000)?;
    producer.commit_transaction(ANSWER)?;
    producer.begin_transaction()?;
    letters::write_with(&producer, &scene.job.topic, &scene.origin, 0..400)?;
    producer.abort_transaction(ANSWER)?;
    // Each partition has a quarter of the letters, and two marks. They are written after Kafka has said that all is done.
    for _ in 0..100 {
        scene.job.ends = ends(&scene.job.connection, &scene.job.topic, PARTITIONS)?;
        if scene.job.ends.values().all(|end| *end == 1_102) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    ensure!(
        scene.job.ends.values().all(|end| *end == 1_102),
        "the ends are {:?}",
        scene.job.ends
    );
    let (counts, seconds) = complete(&scene)?;
    let home = scene.home(bootstrap)?;
    ensure!(
        home == 4_000 && counts.expired == 0,
        "{home} are home, {counts:?}"
    );
    println!("marks at the end {home} letters are home after {seconds:.1} s");
    Ok(())
}

/// Kafka deletes all letters of a partition that were not yet read.
pub(super) fn a_run_ends_where_the_last_letters_were_deleted(bootstrap: &str) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 4_000)?;
    scene.job.max = Some(100);
    complete(&scene)?;
    let (topic, group) = (&scene.job.topic, group_id(&scene.job.redrive));
    let positions = broker::committed(bootstrap, &group, topic, PARTITIONS)?;
    let position = positions.get(&0).context("nothing is committed")?;
    let deleted = u64::try_from(1_000 - position)?;
    broker::delete_before(bootstrap, topic, 1_000)?;
    scene.job.max = None;
    let (counts, seconds) = complete(&scene)?;
    let home = scene.home(bootstrap)?;
    let Counts {
        scanned, expired, ..
    } = counts;
    ensure!(
        deleted > 0 && home + deleted == 4_000 && (scanned, expired) == (home, deleted),
        "{home} are home, {deleted} were deleted, {counts:?} are reported"
    );
    println!(
        "deleted letters  {home} of 4000 are home after {seconds:.1} s, {deleted} were deleted, as reported"
    );
    Ok(())
}

/// Runs to the end, in good time. What came of the letters, and the seconds it took.
fn complete(scene: &Scene) -> Result<(Counts, f64)> {
    let began = Instant::now();
    let progress = carry_out(scene.job.clone(), |_| {})?;
    ensure!(
        progress.phase == Phase::Ended(End::Completed) && began.elapsed() < LONGEST,
        "{:?} after {:?}",
        progress.phase,
        began.elapsed()
    );
    Ok((progress.report.counts, began.elapsed().as_secs_f64()))
}
