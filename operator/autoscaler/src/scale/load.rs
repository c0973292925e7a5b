use std::collections::BTreeSet;

use super::history::Look;
use crate::{
    TopicPartition,
    lag::{Lateness, PartitionReading},
};

/// Seconds between two looks, as far as uncommitted records are concerned.
pub(super) const LOOK: f64 = 2.0;
/// Commit periods without a commit after which a partition is taken for blocked, where its consumer commits elsewhere.
const BLOCKED_PERIODS: f64 = 2.5;
/// Shortest time in seconds after which it is.
const BLOCKED_AFTER: f64 = 12.0;

/// Up to so many times the usual is taken for chance.
const CHANCE: f64 = 1.25;

/// What one partition has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Records that arrive in a second, as soon as can be told.
    pub(super) arrivals: f64,
    /// The same, averaged for longer: with less of chance in it.
    pub(super) usual_arrivals: f64,
    /// Records that wait, without those that are merely not committed yet.
    pub(super) backlog: f64,
    /// Seconds the oldest record has been waiting.
    pub(super) late: f64,
    /// Seconds between two commits.
    pub(super) commit_period: f64,
    /// Its consumer gets on with other partitions and not with this one (a record that cannot be processed, a paused partition):
    /// more replicas do not help it.
    pub(super) blocked: bool,
}

impl Load {
    /// Seconds the oldest record would wait if the group had just committed.
    pub(super) fn late_between_commits(&self) -> f64 {
        (self.late - self.commit_period).max(0.0)
    }

    /// Seconds the oldest record waits, where more replicas may help it. Right after a commit this is what is true.
    pub(super) fn late_after_commit(&self) -> f64 {
        if self.blocked { 0.0 } else { self.late }
    }
}

/// The loads of all partitions, in their order, and which of them each member has.
pub(super) fn loads(look: &Look) -> (Vec<Load>, Vec<Vec<usize>>) {
    let names: Vec<&TopicPartition> = look.lag.partitions.keys().collect();
    let pace = pace(look);
    let mut loads: Vec<Load> = look
        .lag
        .partitions
        .values()
        .map(|reading| load(reading, look.replicas, pace))
        .collect();
    let members: Vec<Vec<usize>> = look
        .snapshot
        .description
        .members
        .values()
        .map(|assigned| indexes(assigned, &names))
        .collect();
    let readings: Vec<&PartitionReading> = look.lag.partitions.values().collect();
    for member in &members {
        let advances = member
            .iter()
            .any(|&index| readings[index].commits_per_second > 0.0 && !is_still(readings[index]));
        for &index in member {
            loads[index].blocked = advances && is_still(readings[index]);
        }
    }
    (loads, members)
}

fn indexes(assigned: &BTreeSet<TopicPartition>, names: &[&TopicPartition]) -> Vec<usize> {
    let found = assigned
        .iter()
        .filter_map(|partition| names.binary_search(&partition).ok());
    found.collect()
}

fn is_still(reading: &PartitionReading) -> bool {
    reading.still > (reading.commit_period * BLOCKED_PERIODS).max(BLOCKED_AFTER)
}

/// Whether what arrives is what usually does, over all partitions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// It is, up to what chance does.
    Usual,
    /// It is not, and so many times what the rates tell yet, at least 1.
    Changed(f64),
}

fn pace(look: &Look) -> Pace {
    let readings = || look.lag.partitions.values();
    let known: f64 = readings().map(|reading| reading.arrivals_per_second).sum();
    let recent: f64 = readings()
        .map(|reading| reading.recent_arrivals_per_second)
        .sum();
    let usual: f64 = readings()
        .map(|reading| reading.usual_arrivals_per_second)
        .sum();
    let now = known.max(recent);
    if usual <= now && now <= usual * CHANCE {
        Pace::Usual
    } else if known > 0.0 {
        Pace::Changed(now / known)
    } else {
        Pace::Changed(1.0)
    }
}

/// Without a running replica nothing is merely uncommitted.
fn load(reading: &PartitionReading, replicas: i32, pace: Pace) -> Load {
    let uncommitted = if replicas == 0 {
        0.0
    } else {
        reading.commits_per_second * (reading.commit_period + LOOK)
    };
    Load {
        arrivals: match pace {
            Pace::Usual => reading.usual_arrivals_per_second,
            Pace::Changed(jump) => reading.arrivals_per_second * jump,
        },
        usual_arrivals: reading.usual_arrivals_per_second,
        backlog: (reading.records as f64 - uncommitted).max(0.0),
        late: reading.lateness.map_or(0.0, Lateness::at_least),
        commit_period: reading.commit_period,
        blocked: false,
    }
}
