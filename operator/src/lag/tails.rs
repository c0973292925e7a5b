use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use millrace_autoscaler::{PartitionOffsets, TopicPartition};

use crate::kafka::{Tail, TailContent};

/// The most offsets of a lag whose tail is read: in more of them there is nearly always a record.
const MOST_OFFSETS: i64 = 1_000;
/// Time without a change after which a tail is read: a consumer that works commits before.
const STILL_FOR: Duration = Duration::from_secs(10);
/// Time after which a tail is asked again that could not be read.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Tails that are read at a time at the most.
const AT_ONCE: usize = 100;

/// What is known of tails: which are to be read, and which hold no record.
///
/// A consumer that commits behind the last record it got never commits past markers of transactions (KIP-98), records of aborted
/// ones, or offsets that compaction has removed. Where a small lag does not move, its tail is read once.
///
/// Times are those of any one clock that does not go back. Memory: some hundred bytes for each group in each partition with a lag.
#[derive(Clone, Debug, Default)]
pub struct Tails {
    partitions: BTreeMap<TopicPartition, Log>,
}

/// A partition in which some group has a lag.
#[derive(Clone, Debug, Default)]
struct Log {
    /// The last stable offset.
    end: i64,
    /// Stretches in which no record is. No two of them touch, and each has a group in it.
    empty: Vec<Tail>,
    /// What was asked, by the offset at which the tail begins; all of these reach up to `end`.
    asked: BTreeMap<i64, Asked>,
    groups: BTreeMap<String, Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    UnderWay,
    Record,
    /// Since when it is known that it could not be read.
    NotKnown(Duration),
}

/// Where a group stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// At least the start of the log, and before its end.
    committed: i64,
    /// The last change of the end, or of the offset it reads next.
    since: Duration,
}

impl Tails {
    /// Takes the offsets of a partition as a look has read them for a group. They are returned with the committed offset moved
    /// behind what is known to hold no record.
    pub fn observe(
        &mut self,
        group: &str,
        at: &TopicPartition,
        offsets: PartitionOffsets,
        now: Duration,
    ) -> PartitionOffsets {
        let committed = offsets.committed.map(|at| at.max(offsets.log_start));
        let Some(committed) = committed.filter(|committed| *committed < offsets.end) else {
            self.leave(group, at);
            return offsets;
        };
        let log = self.partitions.entry(at.clone()).or_default();
        log.move_end(offsets.end, now);
        log.place(group, committed, now);
        let next = log.next(committed);
        PartitionOffsets {
            committed: match next > committed {
                true => Some(next),
                false => offsets.committed,
            },
            ..offsets
        }
    }

    fn leave(&mut self, group: &str, at: &TopicPartition) {
        let Some(log) = self.partitions.get_mut(at) else {
            return;
        };
        log.groups.remove(group);
        if log.groups.is_empty() {
            self.partitions.remove(at);
        }
    }

    /// Forgets the groups in the partitions that are not `wanted` any more, and what is of use to none that is left. To be called
    /// before each look.
    pub fn keep(&mut self, wanted: impl Fn(&str, &TopicPartition) -> bool) {
        self.partitions.retain(|at, log| {
            log.groups.retain(|group, _| wanted(group, at));
            log.tidy();
            !log.groups.is_empty()
        });
    }

    /// The tails to read now, the longest unchanged first where there are too many; one of a partition, and 100 at the most.
    /// Each is to be followed by [`Self::answer`].
    pub fn due(&mut self, now: Duration) -> BTreeMap<TopicPartition, Tail> {
        let mut due: Vec<(Duration, &TopicPartition, &mut Log, i64)> = self
            .partitions
            .iter_mut()
            .filter_map(|(at, log)| {
                let (since, next) = log.due(now)?;
                Some((since, at, log, next))
            })
            .collect();
        due.sort_by_key(|(since, ..)| *since);
        due.truncate(AT_ONCE);
        let asked = |(_, at, log, next): (Duration, &TopicPartition, &mut Log, i64)| {
            log.asked.insert(next, Asked::UnderWay);
            let tail = Tail { next, end: log.end };
            (at.clone(), tail)
        };
        due.into_iter().map(asked).collect()
    }

    /// Takes what was `found` in the tails that were `asked`; those that are absent from it are not known.
    pub fn answer(
        &mut self,
        asked: &BTreeMap<TopicPartition, Tail>,
        found: &BTreeMap<TopicPartition, TailContent>,
        now: Duration,
    ) {
        for (at, tail) in asked {
            if let Some(log) = self.partitions.get_mut(at) {
                log.answer(*tail, found.get(at), now);
            }
        }
    }
}

impl Log {
    /// What was asked of another end says nothing of this one. A log that is shorter than before is another log.
    fn move_end(&mut self, end: i64, now: Duration) {
        if end == self.end {
            return;
        }
        if end < self.end {
            self.empty.clear();
        }
        self.end = end;
        self.asked.clear();
        self.groups.values_mut().for_each(|place| place.since = now);
    }

    /// The offset behind what is known to hold no record.
    fn next(&self, committed: i64) -> i64 {
        let stretch = self.empty.iter().find(|stretch| holds(stretch, committed));
        stretch.map_or(committed, |stretch| stretch.end)
    }

    fn place(&mut self, group: &str, committed: i64, now: Duration) {
        let next = self.next(committed);
        let before = self.groups.get(group);
        let same = before.filter(|before| self.next(before.committed) == next);
        let since = same.map_or(now, |before| before.since);
        self.groups
            .insert(group.to_owned(), Place { committed, since });
    }

    /// Forgets what is of use to no group.
    fn tidy(&mut self) {
        let committed = || self.groups.values().map(|place| place.committed);
        let next: BTreeSet<i64> = committed().map(|at| self.next(at)).collect();
        self.asked.retain(|asked, _| next.contains(asked));
        self.empty
            .retain(|stretch| committed().any(|at| holds(stretch, at)));
    }

    /// The tail that is to be read, by its age and where it begins.
    fn due(&self, now: Duration) -> Option<(Duration, i64)> {
        let places = self.groups.values();
        let tails = places.map(|place| (place.since, self.next(place.committed)));
        let due = tails.filter(|(since, next)| {
            (1..=MOST_OFFSETS).contains(&(self.end - next))
                && now.saturating_sub(*since) >= STILL_FOR
                && match self.asked.get(next) {
                    None => true,
                    Some(Asked::NotKnown(at)) => now.saturating_sub(*at) >= ASKED_AGAIN_AFTER,
                    Some(Asked::UnderWay | Asked::Record) => false,
                }
        });
        due.min()
    }

    fn answer(&mut self, tail: Tail, content: Option<&TailContent>, now: Duration) {
        let waited_for = self.asked.get(&tail.next) == Some(&Asked::UnderWay);
        if tail.end != self.end || !waited_for {
            return;
        }
        match content {
            Some(TailContent::Nothing) => {
                self.asked.remove(&tail.next);
                self.join(tail);
            }
            Some(TailContent::Record) => {
                self.asked.insert(tail.next, Asked::Record);
            }
            None => {
                self.asked.insert(tail.next, Asked::NotKnown(now));
            }
        }
    }

    /// Adds a stretch without records, as one with those it touches.
    fn join(&mut self, mut stretch: Tail) {
        self.empty.retain(|known| {
            let apart = known.end < stretch.next || stretch.end < known.next;
            if !apart {
                stretch.next = stretch.next.min(known.next);
                stretch.end = stretch.end.max(known.end);
            }
            apart
        });
        self.empty.push(stretch);
    }
}

fn holds(stretch: &Tail, offset: i64) -> bool {
    (stretch.next..stretch.end).contains(&offset)
}

#[cfg(test)]
mod tests;
