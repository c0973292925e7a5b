use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::load::Load;
use crate::{GroupSnapshot, TopicPartition, lag::seconds};

/// A consumer is behind when, right after a commit, its oldest unprocessed record is this old, in seconds: longer than
/// the time between two looks and one batch, so that a consumer that waits for records never counts as behind.
const BEHIND: f64 = 4.0;
/// Shortest time one measurement covers, in seconds: several commits.
const SHORTEST: f64 = 10.0;
/// Longest time one measurement covers, in seconds.
const LONGEST: f64 = 20.0;
/// Weight of a new measurement.
const WEIGHT: f64 = 0.3;
/// Weight of one that is far below what was measured before.
const URGENT: f64 = 0.7;
/// Share of what a consumer usually does below which it is slowed down by something.
const SLOW: f64 = 0.75;

/// Records a second that one consumer can do, measured between commits of consumers that were behind all the while:
/// only then was the consumer the limit, and not its producer. Each rebalance begins the measuring anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Capacity {
    learned: Option<f64>,
    /// The most that a consumer was seen to do, behind or not.
    seen: f64,
    /// The most that was learned, until it is refuted.
    usual: f64,
    /// What is learned was only believed, and not measured since.
    believed: bool,
    calm_since: Option<Timestamp>,
    stints: BTreeMap<String, Stint>,
}

/// A member's time with one set of partitions.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stint {
    partitions: Vec<TopicPartition>,
    /// When its committed offsets moved, and their sum then; the oldest at most [`LONGEST`] ago.
    commits: VecDeque<(Timestamp, i64)>,
    behind_since: Option<Timestamp>,
}

/// What a member did in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    /// As fast as it can.
    Saturated(f64),
    /// As fast as records came.
    AtLeast(f64),
}

impl Capacity {
    /// Begins with what was learned before, if anything.
    pub(super) fn resume(learned: Option<f64>) -> Self {
        Self {
            learned: learned.filter(|learned| *learned > 0.0),
            ..Self::default()
        }
    }

    /// Records a second, above 0; None until measured.
    pub(super) fn learned(&self) -> Option<f64> {
        self.learned
    }

    /// Before it is measured: records a second that a consumer was seen to do, so that it can do them at the least; None until one
    /// did any.
    pub(super) fn at_least(&self) -> Option<f64> {
        (self.seen > 0.0).then_some(self.seen)
    }

    /// Takes a look at the members, each with the indexes of its partitions in `loads`. `window`: seconds without a consumer behind
    /// after which those that something slowed down are believed to be as fast as before.
    pub(super) fn observe(
        &mut self,
        snapshot: &GroupSnapshot,
        loads: &[Load],
        members: &[Vec<usize>],
        window: f64,
    ) {
        if !snapshot.complete || snapshot.description.state != "Stable" {
            self.stints.clear();
            return;
        }
        let mut before = std::mem::take(&mut self.stints);
        let (mut saturated, mut calm) = (Vec::new(), true);
        for ((member, assigned), indexes) in snapshot.description.members.iter().zip(members) {
            let behind = indexes
                .iter()
                .any(|&index| loads[index].late_after_commit() >= BEHIND);
            let committed = |partition: &TopicPartition| {
                Some((
                    partition.clone(),
                    snapshot.partitions.get(partition)?.committed?,
                ))
            };
            let (partitions, offsets): (Vec<TopicPartition>, Vec<i64>) =
                assigned.iter().filter_map(committed).unzip();
            let mut stint = before
                .remove(member)
                .filter(|earlier| earlier.partitions == partitions)
                .unwrap_or_else(|| Stint {
                    partitions,
                    ..Stint::default()
                });
            match stint.commit(snapshot.time, offsets.iter().sum(), behind) {
                Some(Rate::Saturated(rate)) => saturated.push(rate),
                Some(Rate::AtLeast(rate)) => self.seen = self.seen.max(rate),
                None => {}
            }
            calm &= stint.behind_since.is_none();
            self.stints.insert(member.clone(), stint);
        }
        if let Some(rate) = median(saturated) {
            let before = self.learned.filter(|_| !self.believed);
            let learned = before.map_or(rate, |old| {
                // A slow-down has to be known at once, a recovery has time.
                let weight = if rate < old * SLOW { URGENT } else { WEIGHT };
                old + (rate - old) * weight
            });
            self.usual = if self.believed {
                learned
            } else {
                self.usual.max(learned)
            };
            (self.learned, self.believed, self.seen) = (Some(learned), false, 0.0);
        }
        // More was done than was thought possible.
        self.learned = self.learned.map(|learned| learned.max(self.seen));
        self.recover(snapshot.time, calm, window);
    }

    /// Consumers that were slow and are not behind any more cannot be measured: they are believed to be as fast as before. If they
    /// are not, they fall behind, are measured, and it is not believed again.
    fn recover(&mut self, now: Timestamp, calm: bool, window: f64) {
        let slowed = self
            .learned
            .is_some_and(|learned| learned < self.usual * SLOW);
        if !calm || !slowed {
            self.calm_since = None;
        } else if seconds(*self.calm_since.get_or_insert(now), now) >= window {
            (self.learned, self.believed) = (Some(self.usual), true);
        }
    }
}

impl Stint {
    /// Takes the sum of the committed offsets. What the member did in a second, where it has just committed.
    fn commit(&mut self, now: Timestamp, committed: i64, behind: bool) -> Option<Rate> {
        match self.commits.back() {
            Some((_, last)) if *last == committed => return None,
            Some((_, last)) if *last > committed => self.commits.clear(),
            _ => {}
        }
        self.commits.push_back((now, committed));
        match behind {
            true => {
                self.behind_since.get_or_insert(now);
            }
            false => self.behind_since = None,
        }
        while self
            .commits
            .front()
            .is_some_and(|(time, _)| seconds(*time, now) > LONGEST)
        {
            self.commits.pop_front();
        }
        let since = |from: Timestamp| {
            let (start, before) = *self.commits.iter().find(|(time, _)| *time >= from)?;
            let elapsed = seconds(start, now);
            (elapsed >= SHORTEST).then(|| (committed - before) as f64 / elapsed)
        };
        match self.behind_since {
            Some(behind) => since(behind).map(Rate::Saturated),
            None => {
                let rate = since(self.commits.front()?.0)?;
                (seconds(self.commits.front()?.0, now) > LONGEST * 0.7)
                    .then_some(Rate::AtLeast(rate))
            }
        }
    }
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    let middle = rates.len().checked_sub(1)? / 2;
    Some((rates[middle] + rates[rates.len() / 2]) / 2.0)
}
