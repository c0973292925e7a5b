use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Job, Stretch,
    positions::{Position, Positions},
    tail::News,
};
use crate::tally::{Counts, Report};

/// Time after which all positions are committed again: Kafka forgets what a group without members has not committed for
/// `offsets.retention.minutes`, 7 days by default.
const REFRESH: Duration = Duration::from_secs(3_600);

/// Where the run stands: what is committed, and what will be with the next transaction.
pub(super) struct Book {
    committed: Positions,
    /// Of the partitions that have changed.
    staged: Positions,
    refreshed: Instant,
}

impl Book {
    /// `begins` says whether nothing of the positions is committed yet.
    pub(super) fn new(positions: Positions, begins: bool) -> Self {
        Self {
            staged: if begins {
                positions.clone()
            } else {
                Positions::new()
            },
            committed: positions,
            refreshed: Instant::now(),
        }
    }

    /// The position of a partition, to be changed.
    pub(super) fn stage(&mut self, partition: i32) -> &mut Position {
        let committed = &self.committed;
        self.staged
            .entry(partition)
            .or_insert_with(|| committed.get(&partition).cloned().unwrap_or_default())
    }

    /// Takes what came back.
    pub(super) fn returned(&mut self, news: BTreeMap<i32, News>) {
        for (partition, News { next, returned }) in news {
            let position = self.stage(partition);
            position.tail = next;
            let sum = &mut position.tally.counts.returned;
            *sum = sum.saturating_add(returned);
        }
    }

    /// The positions to commit.
    pub(super) fn due(&mut self) -> &Positions {
        if self.refreshed.elapsed() >= REFRESH {
            for (partition, position) in &self.committed {
                let staged = self.staged.entry(*partition);
                staged.or_insert_with(|| position.clone());
            }
        }
        &self.staged
    }

    /// What was due is committed.
    pub(super) fn settled(&mut self) {
        if self.staged.len() == self.committed.len() {
            self.refreshed = Instant::now();
        }
        self.committed.append(&mut self.staged);
    }

    /// What has come of all letters up to the committed positions.
    pub(super) fn report(&self) -> Report {
        Report::of(self.committed.values().map(|position| &position.tally))
    }

    /// The counts of the report.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for position in self.committed.values() {
            counts += position.tally.counts;
        }
        counts
    }

    /// The committed positions, each with the end of its partition.
    pub(super) fn stretches(&self, job: &Job) -> BTreeMap<i32, Stretch> {
        let stretch = |(partition, position): (&i32, &Position)| {
            let end = job.ends.get(partition).copied().unwrap_or(0);
            let next = position.next;
            (*partition, Stretch { next, end })
        };
        self.committed.iter().map(stretch).collect()
    }
}
