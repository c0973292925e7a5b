//! What becomes of letters of each kind, and of runs that are told to rest, to end, or that another takes over. Where runs end.

mod control;
mod ends;
mod kinds;
mod returned;
mod takeover;

use std::collections::BTreeMap;

use anyhow::Result;
use millrace_redrive::engine::{Job, ends};

use crate::{broker, letters, letters::PARTITIONS};

#[derive(clap::Args)]
pub(crate) struct Cases {
    #[arg(long)]
    bootstrap: String,
}

impl Cases {
    pub(crate) fn prove(&self) -> Result<()> {
        let bootstrap = self.bootstrap.as_str();
        kinds::each_kind_of_letter_comes_to_what_it_should(bootstrap)?;
        control::a_run_rests_and_ends_when_told_to(bootstrap)?;
        control::a_maximum_is_kept(bootstrap)?;
        ends::a_run_does_not_end_where_an_end_is_told_too_early(bootstrap)?;
        ends::a_run_ends_behind_the_marks_of_transactions(bootstrap)?;
        ends::a_run_ends_where_the_last_letters_were_deleted(bootstrap)?;
        takeover::a_second_process_takes_over_and_nothing_is_written_twice(bootstrap)?;
        returned::a_run_whose_letters_come_back_is_stopped(bootstrap)?;
        Ok(())
    }
}

/// A dead-letter topic with letters from a topic of their own, and a run that brings all of them home.
struct Scene {
    job: Job,
    origin: String,
}

impl Scene {
    fn new(bootstrap: &str, count: u64) -> Result<Self> {
        let id = broker::unique()?;
        let (topic, origin) = (format!("{id}.dlq"), format!("{id}.orders"));
        broker::make(bootstrap, &topic, PARTITIONS)?;
        broker::make(bootstrap, &origin, PARTITIONS)?;
        letters::write(bootstrap, &topic, &origin, count)?;
        let connection = broker::connection(bootstrap);
        let job = Job {
            ends: ends(&connection, &topic, PARTITIONS)?,
            connection,
            redrive: id,
            topic,
            published: BTreeMap::new(),
            rules: letters::rules(&origin),
            earlier: Vec::new(),
            per_second: None,
            max: None,
            stop_at_returned_percent: None,
            dry_run: false,
        };
        Ok(Self { job, origin })
    }

    /// How many letters are home. Each is what it was, and none is there twice.
    fn home(&self, bootstrap: &str) -> Result<u64> {
        let mut numbers = Vec::new();
        broker::read_all(bootstrap, &self.origin, PARTITIONS, |record| {
            numbers.push(letters::check(record, &self.origin, &self.job.redrive)?);
            Ok(())
        })?;
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        anyhow::ensure!(count == numbers.len(), "letters are home more than once");
        Ok(u64::try_from(count)?)
    }
}
