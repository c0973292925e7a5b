//! The engine in a process of its own.

use std::{
    collections::BTreeMap,
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use millrace_redrive::engine::{End, Job, Phase, Progress, Run, Wish};

use crate::{broker, letters};

#[derive(clap::Args, Clone)]
pub(crate) struct Engine {
    #[arg(long)]
    pub(crate) bootstrap: String,
    #[arg(long)]
    pub(crate) redrive: String,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long)]
    pub(crate) origin: String,
    /// Ends of the partitions from 0 on.
    #[arg(long, value_delimiter = ',')]
    pub(crate) ends: Vec<i64>,
    #[arg(long)]
    pub(crate) per_second: Option<u32>,
}

impl Engine {
    /// The arguments that make another process run this.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let ends: Vec<String> = self.ends.iter().map(ToString::to_string).collect();
        let mut arguments: Vec<String> = [
            "engine",
            "--bootstrap",
            &self.bootstrap,
            "--redrive",
            &self.redrive,
            "--topic",
            &self.topic,
            "--origin",
            &self.origin,
            "--ends",
            &ends.join(","),
        ]
        .map(str::to_owned)
        .to_vec();
        if let Some(limit) = self.per_second {
            arguments.extend(["--per-second".to_owned(), limit.to_string()]);
        }
        arguments
    }

    pub(crate) fn job(&self) -> Job {
        Job {
            connection: broker::connection(&self.bootstrap),
            redrive: self.redrive.clone(),
            topic: self.topic.clone(),
            ends: (0..).zip(self.ends.iter().copied()).collect(),
            published: BTreeMap::new(),
            rules: letters::rules(&self.origin),
            earlier: Vec::new(),
            per_second: self.per_second,
            max: None,
            stop_at_returned_percent: None,
            dry_run: false,
        }
    }

    pub(crate) fn run(&self) -> Result<()> {
        let began = Instant::now();
        let mut resumed = None;
        let progress = carry_out(self.job(), |progress| {
            resumed.get_or_insert(progress.report.counts.redriven);
        })?;
        let seconds = began.elapsed().as_secs_f64();
        let Phase::Ended(End::Completed) = progress.phase else {
            bail!("it ended otherwise: {:?}", progress.phase);
        };
        let counts = progress.report.counts;
        println!("seconds={seconds}");
        println!("resident={}", resident()?);
        println!("resumed={}", resumed.unwrap_or(0));
        println!("redriven={}", counts.redriven);
        println!("scanned={}", counts.scanned);
        for (origin, count) in progress.report.by_reason {
            println!("reason {}={count}", origin.reason);
        }
        for (topic, count) in progress.report.by_destination {
            println!("destination {topic}={count}");
        }
        Ok(())
    }
}

/// Runs a job to its end. `look` is shown the progress whenever it changes.
pub(crate) fn carry_out(job: Job, mut look: impl FnMut(&Progress)) -> Result<Progress> {
    let (changed, changes) = mpsc::channel();
    let run = Run::start(job, Wish::Run, move || {
        // Nobody listens any more once the run has ended.
        let _ = changed.send(());
    })?;
    loop {
        changes
            .recv_timeout(Duration::from_secs(600))
            .context("nothing changes any more")?;
        let progress = run.progress();
        look(&progress);
        if let Phase::Waiting(why) = &progress.phase {
            eprintln!("it waits: {why}");
        }
        if matches!(progress.phase, Phase::Ended(_)) {
            return Ok(progress);
        }
    }
}

/// The most memory that this process has had, in KiB.
pub(crate) fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.context("the kernel does not say")?;
    Ok(words.trim().trim_end_matches(" kB").trim().parse()?)
}
