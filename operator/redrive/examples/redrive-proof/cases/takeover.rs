use anyhow::{Result, ensure};
use millrace_redrive::engine::{End, Phase, Run, Wish};

use super::{Scene, control::wait};
use crate::engine::carry_out;

pub(super) fn a_second_process_takes_over_and_nothing_is_written_twice(
    bootstrap: &str,
) -> Result<()> {
    let mut scene = Scene::new(bootstrap, 20_000)?;
    scene.job.per_second = Some(1_000);
    let first = Run::start(scene.job.clone(), Wish::Run, || {})?;
    wait(&first, |run| run.progress().report.counts.redriven > 0)?;
    scene.job.per_second = None;
    let second = carry_out(scene.job.clone(), |_| {})?;
    ensure!(
        second.phase == Phase::Ended(End::Completed),
        "{:?}",
        second.phase
    );
    wait(&first, |run| {
        run.progress().phase == Phase::Ended(End::Left)
    })?;
    let home = scene.home(bootstrap)?;
    ensure!(home == 20_000, "{home} are home");
    ensure!(
        second.report.counts.redriven == 20_000,
        "{:?}",
        second.report
    );
    println!("takeover         {home} letters are home, the first process has left");
    Ok(())
}
