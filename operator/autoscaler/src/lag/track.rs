use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Lateness, Ring,
    records::{next, records},
    ring::seconds,
};
use crate::{GroupSnapshot, OffsetReset, PartitionOffsets, TopicPartition};

/// Seconds over which the rate of commits is averaged; commits come in lumps.
const COMMIT_MEMORY: f64 = 30.0;
/// Seconds between two commits until they are learned: the clients' default `auto.commit.interval.ms`.
const COMMIT_PERIOD: f64 = 5.0;

/// What is remembered of a group's partitions from look to look. Memory: some hundred bytes a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// Boxed, for a tree has room that it does not use.
    partitions: BTreeMap<TopicPartition, Box<PartitionTrack>>,
}

/// The lag of a group at one look.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupLag {
    /// When the offsets were read.
    pub time: Timestamp,
    /// Whether all partitions could be read.
    pub complete: bool,
    /// Consumers in the group.
    pub members: usize,
    /// The partitions that could be read.
    pub partitions: BTreeMap<TopicPartition, PartitionReading>,
}

/// The lag of a group in one partition at one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartitionReading {
    /// Records not yet processed, at least 0.
    pub records: i64,
    /// How long the oldest of them has been waiting; None without lag.
    pub lateness: Option<Lateness>,
    /// Records that arrived since the look before, at least 0.
    pub arrived: i64,
    /// Records that arrive in a second: follows a lasting change within some 10 s, and takes a single burst for a backlog and
    /// not for a rate.
    pub arrivals_per_second: f64,
    /// The lower rate of arrivals of the last two looks: follows a jump at once, and a burst within one look not at all.
    pub recent_arrivals_per_second: f64,
    /// Records that arrive in a second, averaged over some 60 s.
    pub usual_arrivals_per_second: f64,
    /// Records that the group commits in a second, averaged over some 30 s.
    pub commits_per_second: f64,
    /// Seconds between two commits of a busy consumer, as learned.
    pub commit_period: f64,
    /// Seconds for which there has been lag and no commit.
    pub still: f64,
    /// Whether the group has been seen to commit here since looking began.
    pub moved: bool,
    /// Whether the group has had a committed offset here since looking began, and has none any more.
    pub expired: bool,
}

impl GroupLag {
    /// Records not yet processed, over all partitions that could be read.
    pub fn records(&self) -> i64 {
        self.partitions
            .values()
            .map(|partition| partition.records)
            .sum()
    }

    /// How long the oldest unprocessed record has been waiting; `Exactly(0)` without lag.
    pub fn lateness(&self) -> Lateness {
        let waiting = || {
            self.partitions
                .values()
                .filter_map(|partition| partition.lateness)
        };
        let longest = waiting().map(Lateness::at_least).fold(0.0, f64::max);
        if self.complete && waiting().all(|lateness| lateness.exactly().is_some()) {
            Lateness::Exactly(longest)
        } else {
            Lateness::AtLeast(longest)
        }
    }

    /// The partition with the most lag, and that lag.
    pub fn worst(&self) -> Option<(&TopicPartition, &PartitionReading)> {
        self.partitions
            .iter()
            .max_by_key(|(_, reading)| reading.records)
    }
}

impl Track {
    /// Takes a look and says what the lag is. Looks come in the order of their times.
    pub fn observe(&mut self, snapshot: &GroupSnapshot, reset: OffsetReset) -> GroupLag {
        if snapshot.complete {
            self.partitions
                .retain(|partition, _| snapshot.partitions.contains_key(partition));
        }
        let read = |(partition, offsets): (&TopicPartition, &PartitionOffsets)| {
            let track = self
                .partitions
                .entry(partition.clone())
                .or_insert_with(|| Box::new(PartitionTrack::new(snapshot.time, offsets, reset)));
            (
                partition.clone(),
                track.observe(snapshot.time, offsets, reset),
            )
        };
        GroupLag {
            time: snapshot.time,
            complete: snapshot.complete,
            members: snapshot.description.members.len(),
            partitions: snapshot.partitions.iter().map(read).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct PartitionTrack {
    ring: Ring,
    seen: Timestamp,
    end: i64,
    next: i64,
    moved: bool,
    committed: bool,
    waiting_since: Timestamp,
    busy: bool,
    arrivals: Arrivals,
    commits: Rate,
    commit_period: Option<f64>,
}

impl PartitionTrack {
    fn new(now: Timestamp, offsets: &PartitionOffsets, reset: OffsetReset) -> Self {
        Self {
            ring: Ring::default(),
            seen: now,
            end: offsets.end,
            next: next(offsets, reset),
            moved: false,
            committed: false,
            waiting_since: now,
            busy: false,
            arrivals: Arrivals::default(),
            commits: Rate::default(),
            commit_period: None,
        }
    }

    fn observe(
        &mut self,
        now: Timestamp,
        offsets: &PartitionOffsets,
        reset: OffsetReset,
    ) -> PartitionReading {
        let records = records(offsets, reset);
        let next = next(offsets, reset);
        let arrived = (offsets.end - self.end).max(0);
        let elapsed = seconds(self.seen, now);
        self.arrivals.push(arrived, elapsed);
        self.commits
            .push((next - self.next).max(0), elapsed, COMMIT_MEMORY);
        self.ring.push(offsets.end, now);
        if next != self.next {
            self.learn_commit_period(now);
            self.moved = true;
            self.busy = records > 0;
        }
        if next != self.next || records == 0 {
            self.waiting_since = now;
        }
        self.committed |= offsets.committed.is_some();
        (self.seen, self.end, self.next) = (now, offsets.end, next);
        PartitionReading {
            records,
            lateness: if records > 0 {
                self.ring.lateness(next, now)
            } else {
                None
            },
            arrived,
            arrivals_per_second: self.arrivals.per_second(),
            recent_arrivals_per_second: self.arrivals.recent(),
            usual_arrivals_per_second: self.arrivals.slow.per_second(),
            commits_per_second: self.commits.per_second(),
            commit_period: self.commit_period.unwrap_or(COMMIT_PERIOD),
            still: seconds(self.waiting_since, now),
            moved: self.moved,
            expired: self.committed && offsets.committed.is_none(),
        }
    }

    /// Only between two commits of which the first left something to do: else the time between them is a wait for records.
    fn learn_commit_period(&mut self, now: Timestamp) {
        if self.busy {
            let period = seconds(self.waiting_since, now);
            self.commit_period = Some(
                self.commit_period
                    .map_or(period, |old| old * 0.7 + period * 0.3),
            );
        }
    }
}

/// A rate that forgets exponentially, at first 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rate(f64);

impl Rate {
    fn push(&mut self, count: i64, elapsed: f64, memory: f64) {
        if elapsed > 0.0 {
            let weight = 1.0 - (-elapsed / memory).exp();
            self.0 += (count as f64 / elapsed - self.0) * weight;
        }
    }

    fn per_second(self) -> f64 {
        self.0
    }
}

/// Seconds over which arrivals are averaged to follow a change, and to see through batches.
const FAST: f64 = 10.0;
const SLOW: f64 = 60.0;

/// The rate of arrivals. A burst within one or two looks is not in the median, so only the slow average counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Arrivals {
    fast: Rate,
    slow: Rate,
    latest: [f64; 5],
}

impl Arrivals {
    fn push(&mut self, count: i64, elapsed: f64) {
        if elapsed > 0.0 {
            self.fast.push(count, elapsed, FAST);
            self.slow.push(count, elapsed, SLOW);
            self.latest.rotate_left(1);
            self.latest[4] = count as f64 / elapsed;
        }
    }

    fn per_second(self) -> f64 {
        let mut sorted = self.latest;
        sorted.sort_by(f64::total_cmp);
        self.fast
            .per_second()
            .min(self.slow.per_second().max(sorted[2]))
    }

    fn recent(self) -> f64 {
        self.latest[3].min(self.latest[4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(second: i64, committed: Option<i64>, end: i64) -> GroupSnapshot {
        let partition = TopicPartition {
            topic: "t".into(),
            partition: 0,
        };
        GroupSnapshot {
            time: Timestamp::from_second(second).unwrap(),
            steady: Default::default(),
            description: Default::default(),
            partitions: [(
                partition,
                PartitionOffsets {
                    committed,
                    log_start: 0,
                    end,
                },
            )]
            .into(),
            complete: true,
        }
    }

    fn reading(lag: &GroupLag) -> PartitionReading {
        *lag.partitions.values().next().unwrap()
    }

    #[test]
    fn rates_approach_what_comes_and_what_is_done() {
        let mut track = Track::default();
        let mut last = None;
        for look in 0..150 {
            let second = look * 2;
            last = Some(track.observe(
                &snapshot(second, Some((second / 5) * 400), second * 100),
                OffsetReset::Earliest,
            ));
        }
        let reading = reading(&last.unwrap());
        assert!(
            (reading.arrivals_per_second - 100.0).abs() < 1.0,
            "{reading:?}"
        );
        assert!(
            (reading.commits_per_second - 80.0).abs() < 12.0,
            "{reading:?}"
        );
        assert!((4.0..=6.0).contains(&reading.commit_period), "{reading:?}");
    }

    #[test]
    fn a_single_burst_is_a_backlog_and_a_lasting_change_is_a_rate() {
        let mut burst = Arrivals::default();
        burst.push(20_000, 2.0);
        assert!(burst.per_second() < 400.0, "{burst:?}");
        let mut step = Arrivals::default();
        (0..10).for_each(|_| step.push(2_000, 2.0));
        assert!((800.0..=1_000.0).contains(&step.per_second()), "{step:?}");
    }

    #[test]
    fn a_partition_is_still_only_while_it_has_lag() {
        let mut track = Track::default();
        track.observe(&snapshot(0, Some(10), 10), OffsetReset::Earliest);
        assert_eq!(
            reading(&track.observe(&snapshot(100, Some(10), 10), OffsetReset::Earliest)).still,
            0.0
        );
        track.observe(&snapshot(102, Some(10), 50), OffsetReset::Earliest);
        assert_eq!(
            reading(&track.observe(&snapshot(132, Some(10), 50), OffsetReset::Earliest)).still,
            32.0
        );
        let after = reading(&track.observe(&snapshot(134, Some(20), 50), OffsetReset::Earliest));
        assert_eq!((after.still, after.moved), (0.0, true));
    }

    #[test]
    fn an_incomplete_look_leaves_lateness_open_and_forgets_no_partition() {
        let mut track = Track::default();
        track.observe(&snapshot(0, Some(0), 0), OffsetReset::Earliest);
        let partial = GroupSnapshot {
            partitions: BTreeMap::new(),
            complete: false,
            ..snapshot(2, None, 0)
        };
        let lag = track.observe(&partial, OffsetReset::Earliest);
        assert_eq!((lag.lateness(), lag.records()), (Lateness::AtLeast(0.0), 0));
        assert_eq!(
            reading(&track.observe(&snapshot(4, Some(0), 40), OffsetReset::Earliest)).lateness,
            Some(Lateness::Exactly(4.0))
        );
    }

    #[test]
    fn partitions_that_are_gone_are_forgotten() {
        let mut track = Track::default();
        track.observe(&snapshot(0, Some(0), 0), OffsetReset::Earliest);
        track.observe(
            &GroupSnapshot {
                partitions: BTreeMap::new(),
                ..snapshot(2, None, 0)
            },
            OffsetReset::Earliest,
        );
        assert_eq!(track, Track::default());
    }
}
