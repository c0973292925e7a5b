//! A limit of letters in a second.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use millrace_redrive::engine::{End, Phase, ends};

use crate::{
    broker,
    engine::{Engine, carry_out},
    letters::{self, PARTITIONS},
};

/// The promise: the limit is kept within so much of it.
const LIMIT: f64 = 0.05;

#[derive(clap::Args)]
pub(crate) struct Paced {
    #[arg(long)]
    bootstrap: String,
    #[arg(long, default_value_t = 500)]
    per_second: u32,
    #[arg(long, default_value_t = 20)]
    seconds: u32,
}

impl Paced {
    pub(crate) fn prove(&self) -> Result<()> {
        let id = broker::unique()?;
        let (topic, origin) = (format!("{id}.dlq"), format!("{id}.orders"));
        broker::make(&self.bootstrap, &topic, PARTITIONS)?;
        broker::make(&self.bootstrap, &origin, PARTITIONS)?;
        let count = u64::from(self.per_second) * u64::from(self.seconds);
        letters::write(&self.bootstrap, &topic, &origin, count)?;
        let found = ends(&broker::connection(&self.bootstrap), &topic, PARTITIONS)?;
        let engine = Engine {
            bootstrap: self.bootstrap.clone(),
            redrive: id,
            topic,
            origin,
            ends: found.into_values().collect(),
            per_second: Some(self.per_second),
        };
        let mut began = None;
        let mut samples: Vec<(f64, u64)> = Vec::new();
        let progress = carry_out(engine.job(), |progress| {
            if progress.phase == Phase::Running {
                let began: &Instant = began.get_or_insert_with(Instant::now);
                let redriven = progress.report.counts.redriven;
                samples.push((began.elapsed().as_secs_f64(), redriven));
            }
        })?;
        ensure!(
            progress.phase == Phase::Ended(End::Completed),
            "{:?}",
            progress.phase
        );
        let (first, last) = (
            samples.first().context("it was over before it was seen")?,
            samples.last().context("it was over before it was seen")?,
        );
        let rate = (last.1 - first.1) as f64 / (last.0 - first.0);
        let most = samples
            .windows(2)
            .map(|pair| pair[1].1 - pair[0].1)
            .max()
            .unwrap_or(0);
        let off = rate / f64::from(self.per_second) - 1.0;
        println!(
            "letters          {} in {:.1} s",
            last.1 - first.1,
            last.0 - first.0
        );
        println!(
            "rate             {rate:.1} a second of {}: {:+.1} %",
            self.per_second,
            off * 100.0
        );
        println!("between looks    {most} letters at most");
        ensure!(
            off.abs() <= LIMIT,
            "the limit is missed by {:+.1} %",
            off * 100.0
        );
        Ok(())
    }
}
