//! The bare loop, in a process of its own.

use anyhow::Result;
use millrace_bare_copy::BareCopy;

use crate::{broker, engine::resident, letters::PARTITIONS};

/// Letters in a transaction, as many as the engine's.
const BATCH: u64 = 10_000;

#[derive(clap::Args, Clone)]
pub(crate) struct Bare {
    #[arg(long)]
    pub(crate) bootstrap: String,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long)]
    pub(crate) to: String,
    #[arg(long)]
    pub(crate) letters: u64,
}

impl Bare {
    /// The arguments that make another process run this.
    pub(crate) fn arguments(&self) -> Vec<String> {
        [
            "bare",
            "--bootstrap",
            &self.bootstrap,
            "--topic",
            &self.topic,
            "--to",
            &self.to,
            "--letters",
            &self.letters.to_string(),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    pub(crate) fn run(&self) -> Result<()> {
        let copy = BareCopy {
            topic: self.topic.clone(),
            partitions: PARTITIONS,
            to: self.to.clone(),
            records: self.letters,
            batch: BATCH,
            id: broker::unique()?,
        };
        let took = copy.run(&broker::client(&self.bootstrap))?;
        println!("seconds={}", took.as_secs_f64());
        println!("resident={}", resident()?);
        Ok(())
    }
}
