use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    kafka::TopicPartition,
    lag::{GroupLag, Lateness, seconds},
    world::GroupSnapshot,
};

/// A consumer is behind when, right after a commit, its oldest unprocessed record is this old, in seconds: longer than
/// the time between two looks and one batch, so that a consumer that waits for records never counts as behind.
const BEHIND: f64 = 4.0;
/// Shortest time one measurement covers, in seconds: several commits.
const SHORTEST: f64 = 10.0;
/// Weight of a new measurement.
const WEIGHT: f64 = 0.3;

/// Records a second that one consumer can do, measured between commits of consumers that were behind all the while:
/// only then was the consumer the limit, and not its producer. Each rebalance begins the measuring anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Capacity {
    learned: Option<f64>,
    stints: BTreeMap<String, Stint>,
}

/// A member's time with one set of partitions.
#[derive(Clone, Debug, PartialEq)]
struct Stint {
    partitions: BTreeSet<TopicPartition>,
    committed: i64,
    behind_since: Option<(Timestamp, i64)>,
}

impl Capacity {
    /// Begins with what was learned before, if anything.
    pub(super) fn resume(learned: Option<f64>) -> Self {
        Self {
            learned: learned.filter(|learned| *learned > 0.0),
            stints: BTreeMap::new(),
        }
    }

    /// Records a second, above 0; None until measured.
    pub(super) fn learned(&self) -> Option<f64> {
        self.learned
    }

    /// Takes a look.
    pub(super) fn observe(&mut self, snapshot: &GroupSnapshot, lag: &GroupLag) {
        if !snapshot.complete || snapshot.description.state != "Stable" {
            self.stints.clear();
            return;
        }
        let mut before = std::mem::take(&mut self.stints);
        for (member, assigned) in &snapshot.description.members {
            let stint = Stint::begin(snapshot, assigned);
            let (stint, measured) = match before.remove(member) {
                Some(earlier) if earlier.partitions == stint.partitions => {
                    earlier.go_on(stint.committed, snapshot.time, is_behind(lag, assigned))
                }
                _ => (stint, None),
            };
            if let Some(rate) = measured {
                self.learned = Some(self.learned.map_or(rate, |old| old + (rate - old) * WEIGHT));
            }
            self.stints.insert(member.clone(), stint);
        }
    }
}

impl Stint {
    fn begin(snapshot: &GroupSnapshot, assigned: &BTreeSet<TopicPartition>) -> Self {
        let committed = |partition: &TopicPartition| {
            Some((
                partition.clone(),
                snapshot.partitions.get(partition)?.committed?,
            ))
        };
        let offsets: Vec<(TopicPartition, i64)> = assigned.iter().filter_map(committed).collect();
        Self {
            committed: offsets.iter().map(|(_, committed)| committed).sum(),
            partitions: offsets
                .into_iter()
                .map(|(partition, _)| partition)
                .collect(),
            behind_since: None,
        }
    }

    fn go_on(self, committed: i64, now: Timestamp, behind: bool) -> (Self, Option<f64>) {
        if committed == self.committed {
            return (self, None);
        }
        let forward = committed > self.committed && behind;
        match self.behind_since.filter(|_| forward) {
            Some((since, start)) if seconds(since, now) >= SHORTEST => {
                let rate = (committed - start) as f64 / seconds(since, now);
                (
                    Self {
                        committed,
                        behind_since: Some((now, committed)),
                        ..self
                    },
                    Some(rate),
                )
            }
            Some(_) => (Self { committed, ..self }, None),
            None => (
                Self {
                    committed,
                    behind_since: forward.then_some((now, committed)),
                    ..self
                },
                None,
            ),
        }
    }
}

fn is_behind(lag: &GroupLag, assigned: &BTreeSet<TopicPartition>) -> bool {
    let lateness = |partition| {
        lag.partitions
            .get(partition)?
            .lateness
            .map(Lateness::at_least)
    };
    assigned
        .iter()
        .filter_map(lateness)
        .any(|seconds| seconds >= BEHIND)
}
