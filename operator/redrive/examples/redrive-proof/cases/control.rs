use std::{thread, time::Duration};

use anyhow::{Result, ensure};
use millrace_redrive::engine::{End, Phase, Run, Wish};

use super::Scene;
use crate::engine::carry_out;

pub(super) fn a_run_rests_and_ends_when_told_to(bootstrap: &str) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 10_000)?;
    scene.job.per_second = Some(200);
    let run = Run::start(scene.job.clone(), Wish::Run, || {})?;
    wait(&run, |run| run.progress().report.counts.redriven > 0)?;
    run.wish(Wish::Suspend);
    wait(&run, |run| run.progress().phase == Phase::Suspended)?;
    let resting = run.progress().report.counts;
    thread::sleep(Duration::from_secs(2));
    ensure!(
        run.progress().report.counts == resting,
        "it moved while it rested"
    );
    run.wish(Wish::Run);
    wait(&run, |run| {
        run.progress().report.counts.redriven > resting.redriven
    })?;
    run.wish(Wish::Cancel);
    wait(&run, |run| {
        run.progress().phase == Phase::Ended(End::Cancelled)
    })?;
    let moved = run.progress().report.counts.redriven;
    let home = scene.home(bootstrap)?;
    ensure!(home == moved, "{moved} are reported, {home} are home");
    println!("rest and cancel  {home} letters are home, as reported");
    Ok(())
}

pub(super) fn a_maximum_is_kept(bootstrap: &str) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 5_000)?;
    scene.job.max = Some(1_234);
    let progress = carry_out(scene.job.clone(), |_| {})?;
    let home = scene.home(bootstrap)?;
    ensure!(
        progress.phase == Phase::Ended(End::Completed) && home == 1_234,
        "{home} are home, {:?}",
        progress.phase
    );
    println!("maximum          {home} letters are home, as asked for");
    Ok(())
}

pub(super) fn wait(run: &Run, there: impl Fn(&Run) -> bool) -> Result<()> {
    for _ in 0..6_000 {
        if there(run) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("it did not come to it: {:?}", run.progress())
}
