//! A run that is killed again and again.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use millrace_redrive::engine::{ends, group_id};

use crate::{
    broker,
    engine::Engine,
    letters::{self, PARTITIONS},
};

#[derive(clap::Args)]
pub(crate) struct Killed {
    #[arg(long)]
    bootstrap: String,
    #[arg(long, default_value_t = 50)]
    kills: u32,
    #[arg(long, default_value_t = 100_000)]
    letters: u64,
    /// Slow enough that the last kill still hits.
    #[arg(long, default_value_t = 2_000)]
    per_second: u32,
    /// Longest time until a kill, in milliseconds.
    #[arg(long, default_value_t = 2_500)]
    within: u64,
    /// Gives the same times again.
    #[arg(long)]
    seed: Option<u64>,
}

impl Killed {
    pub(crate) fn prove(&self) -> Result<()> {
        let id = broker::unique()?;
        let (topic, origin) = (format!("{id}.dlq"), format!("{id}.orders"));
        broker::make(&self.bootstrap, &topic, PARTITIONS)?;
        broker::make(&self.bootstrap, &origin, PARTITIONS)?;
        letters::write(&self.bootstrap, &topic, &origin, self.letters)?;
        let ends = ends(&broker::connection(&self.bootstrap), &topic, PARTITIONS)?;
        let engine = Engine {
            bootstrap: self.bootstrap.clone(),
            redrive: id.clone(),
            topic: topic.clone(),
            origin: origin.clone(),
            ends: ends.values().copied().collect(),
            per_second: Some(self.per_second),
        };
        let seed = self.seed.unwrap_or(u64::from_str_radix(&id, 16)? | 1);
        println!("seed             {seed}");
        let began = Instant::now();
        let mut moments = Moments(seed);
        for kill in 0..self.kills {
            let mut child = start(&engine)?;
            thread::sleep(Duration::from_millis(moments.next() % self.within));
            if let Some(status) = child.try_wait()? {
                let output = child.wait_with_output()?;
                let [out, err] = [output.stdout, output.stderr]
                    .map(|text| String::from_utf8_lossy(&text).into_owned());
                bail!("it ended ({status}) after {kill} kills, lower --per-second: {out}{err}");
            }
            child.kill()?;
            child.wait()?;
        }
        let report = finish(start(&engine)?)?;
        println!(
            "killed           {} times in {:.0} s",
            self.kills,
            began.elapsed().as_secs_f64()
        );
        self.check(&origin, &id, &report)?;
        let committed = broker::committed(&self.bootstrap, &group_id(&id), &topic, PARTITIONS)?;
        ensure!(
            committed == ends,
            "committed are {committed:?}, the ends are {ends:?}"
        );
        println!("offsets          committed up to the end");
        Ok(())
    }

    fn check(&self, origin: &str, redrive: &str, report: &str) -> Result<()> {
        let mut seen = vec![0_u32; usize::try_from(self.letters)?];
        broker::read_all(&self.bootstrap, origin, PARTITIONS, |record| {
            let number = letters::check(record, origin, redrive)?;
            let times = seen.get_mut(usize::try_from(number)?);
            *times.context("a letter nobody wrote")? += 1;
            Ok(())
        })?;
        let (lost, twice) = (
            seen.iter().filter(|times| **times == 0).count(),
            seen.iter().filter(|times| **times > 1).count(),
        );
        println!(
            "letters          {}, {lost} lost, {twice} more than once",
            self.letters
        );
        ensure!(
            lost == 0 && twice == 0,
            "not each letter is home exactly once"
        );
        let letters = self.letters;
        let third = |rest: u64| (letters + 2 - rest) / 3;
        for line in [
            format!("redriven={letters}"),
            format!("scanned={letters}"),
            format!("reason NoPrice={}", third(0)),
            format!("reason NoCustomer={}", third(1)),
            format!("reason TooLate={}", third(2)),
            format!("destination {origin}={letters}"),
        ] {
            ensure!(
                report.lines().any(|found| found == line),
                "no `{line}` in the report:\n{report}"
            );
        }
        println!("report           right");
        Ok(())
    }
}

fn start(engine: &Engine) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args(engine.arguments())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?)
}

fn finish(child: Child) -> Result<String> {
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Numbers as good as by chance (xorshift).
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
