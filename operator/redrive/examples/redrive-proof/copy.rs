//! How fast a run is beside the bare loop, over the same letters.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use millrace_redrive::engine::ends;

use crate::{
    bare::Bare,
    broker,
    engine::Engine,
    letters::{self, PARTITIONS},
};

/// The promise: a run takes at most so many times as long as the bare loop.
const LIMIT: f64 = 1.3;

#[derive(clap::Args)]
pub(crate) struct Copy {
    #[arg(long)]
    bootstrap: String,
    #[arg(long, default_value_t = 200_000)]
    letters: u64,
    /// Both are run so often, in turns; the medians are compared.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only show the figures.
    #[arg(long)]
    no_limit: bool,
}

impl Copy {
    pub(crate) fn prove(&self) -> Result<()> {
        let id = broker::unique()?;
        let (topic, origin) = (format!("{id}.dlq"), format!("{id}.orders"));
        broker::make(&self.bootstrap, &topic, PARTITIONS)?;
        broker::make(&self.bootstrap, &origin, PARTITIONS)?;
        letters::write(&self.bootstrap, &topic, &origin, self.letters)?;
        let found = ends(&broker::connection(&self.bootstrap), &topic, PARTITIONS)?;
        let ends: Vec<i64> = found.into_values().collect();
        let (mut engine, mut bare) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            let least = Bare {
                bootstrap: self.bootstrap.clone(),
                topic: topic.clone(),
                to: format!("{id}.bare.{round}"),
                letters: self.letters,
            };
            broker::make(&self.bootstrap, &least.to, PARTITIONS)?;
            bare.push(measure(&least.arguments())?);
            let run = Engine {
                bootstrap: self.bootstrap.clone(),
                redrive: format!("{id}-{round}"),
                topic: topic.clone(),
                origin: origin.clone(),
                ends: ends.clone(),
                per_second: None,
            };
            engine.push(measure(&run.arguments())?);
            let mut home = 0;
            broker::read_all(&self.bootstrap, &origin, PARTITIONS, |_| {
                home += 1;
                Ok(())
            })?;
            let expected = self.letters * (u64::try_from(round)? + 1);
            ensure!(home == expected, "{home} letters are home, not {expected}");
        }
        println!("letters          {}", self.letters);
        show("bare loop", &bare);
        show("redrive", &engine);
        let ratio = median(&engine) / median(&bare);
        println!("ratio            {ratio:.2} (at most {LIMIT})");
        ensure!(
            self.no_limit || ratio <= LIMIT,
            "a run takes {ratio:.2} times as long as the bare loop"
        );
        Ok(())
    }
}

/// Seconds, and the most memory in KiB.
fn measure(arguments: &[String]) -> Result<(f64, u64)> {
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let value = |name: &str| {
        let mut lines = text.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .with_context(|| format!("no {name}"))
    };
    Ok((value("seconds")?.parse()?, value("resident")?.parse()?))
}

fn show(name: &str, runs: &[(f64, u64)]) {
    let seconds: Vec<String> = runs
        .iter()
        .map(|(seconds, _)| format!("{seconds:.2}"))
        .collect();
    let most = runs
        .iter()
        .map(|(_, resident)| *resident)
        .max()
        .unwrap_or(0);
    println!(
        "{name:<16} {} s, at most {} MiB",
        seconds.join(" "),
        most / 1_024
    );
}

fn median(runs: &[(f64, u64)]) -> f64 {
    let mut seconds: Vec<f64> = runs.iter().map(|(seconds, _)| *seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
