use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use millrace_redrive::tally::{OTHER, most_frequent};

use super::{Growth, Origin};

/// Different origins that are told apart; letters of yet others count as [`OTHER`], so that a flood of reasons fills no memory.
const MOST_ORIGINS: usize = 1_000;

/// The letters of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    /// How many there are.
    pub count: u64,
    /// When the oldest was written, in whole seconds as a status keeps it.
    pub oldest: Option<Timestamp>,
    /// How many were written in the last minutes.
    pub growth: Growth,
    /// By reason and source, the most frequent first: at most 20, and [`OTHER`] behind them where there are more.
    pub by_origin: Vec<(Origin, u64)>,
}

/// Counts the letters of one topic. Counts records and not offsets: transaction markers and gaps are no letters.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    origins: HashSet<Arc<Origin>>,
    partitions: BTreeMap<i32, Partition>,
}

#[derive(Debug)]
struct Partition {
    counts: Counts,
    /// The end when counting began: once it is reached, the count is whole.
    goal: i64,
    whole: bool,
    /// What is shown while letters are counted again.
    before: Option<Counts>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    next: i64,
    first: Option<i64>,
    oldest: Option<Timestamp>,
    growth: Growth,
    letters: HashMap<Arc<Origin>, u64>,
}

impl Ledger {
    /// Begins to count a partition whose records lie from `start` up to `end`. A whole count from before is shown until this one is.
    pub(super) fn begin(&mut self, partition: i32, start: i64, end: i64) {
        let known = self.partitions.remove(&partition);
        let before = known.and_then(|known| {
            if known.whole {
                Some(known.counts)
            } else {
                known.before
            }
        });
        let counts = Counts {
            next: start,
            ..Counts::default()
        };
        self.partitions.insert(
            partition,
            Partition {
                counts,
                goal: end,
                whole: start >= end,
                before,
            },
        );
        self.settle(partition);
    }

    /// Counts a record; one that was counted already is not counted again. True where that changes what is shown.
    pub(super) fn count(
        &mut self,
        partition: i32,
        offset: i64,
        written: Option<Timestamp>,
        origin: Origin,
    ) -> bool {
        let origin = self.known(origin);
        let Some(found) = self
            .partitions
            .get_mut(&partition)
            .filter(|found| offset >= found.counts.next)
        else {
            return false;
        };
        let counts = &mut found.counts;
        counts.next = offset + 1;
        counts.first.get_or_insert(offset);
        counts.oldest = counts.oldest.or(written);
        if let Some(written) = written {
            counts.growth.count(written);
        }
        *counts.letters.entry(origin).or_default() += 1;
        found.whole |= counts.next >= found.goal;
        let shown = found.whole;
        self.settle(partition);
        shown
    }

    /// Nothing more came for a while: what is left up to the end are markers. True where that changes what is shown.
    pub(super) fn rest(&mut self, partition: i32) -> bool {
        let Some(found) = self
            .partitions
            .get_mut(&partition)
            .filter(|found| !found.whole)
        else {
            return false;
        };
        found.whole = true;
        self.settle(partition);
        true
    }

    /// The partitions whose count is not whole yet.
    pub(super) fn unfinished(&self) -> Vec<i32> {
        self.partitions
            .iter()
            .filter(|(_, found)| !found.whole)
            .map(|(partition, _)| *partition)
            .collect()
    }

    /// Whether letters that were counted are gone, now that the records lie from `start` up to `end`: then they must be counted again.
    pub(super) fn outdated(&self, partition: i32, start: i64, end: i64) -> bool {
        self.partitions.get(&partition).is_some_and(|found| {
            found.counts.first.is_some_and(|first| first < start) || found.counts.next > end
        })
    }

    /// The letters; None until every one of `partitions` partitions has been counted once.
    pub(super) fn letters(&self, partitions: i32) -> Option<Letters> {
        let mut sums: HashMap<&Origin, u64> = HashMap::new();
        let mut letters = Letters::default();
        for partition in 0..partitions {
            let found = self.partitions.get(&partition)?;
            let counts = if found.whole {
                &found.counts
            } else {
                found.before.as_ref()?
            };
            letters.oldest = [letters.oldest, counts.oldest].into_iter().flatten().min();
            letters.growth.add(&counts.growth);
            for (origin, count) in &counts.letters {
                letters.count += count;
                *sums.entry(origin.as_ref()).or_default() += count;
            }
        }
        let other = other();
        let rest = sums.remove(&other).unwrap_or(0);
        let sums = sums.into_iter();
        let sums = sums.map(|(origin, count)| (origin.clone(), count));
        let (mut by_origin, rest) = most_frequent(sums, rest);
        by_origin.extend((rest > 0).then_some((other, rest)));
        Some(Letters {
            by_origin,
            ..letters
        })
    }

    fn known(&mut self, origin: Origin) -> Arc<Origin> {
        if let Some(known) = self.origins.get(&origin) {
            return known.clone();
        }
        let origin = Arc::new(if self.origins.len() < MOST_ORIGINS {
            origin
        } else {
            other()
        });
        self.origins.insert(origin.clone());
        origin
    }

    /// Drops what a whole count has replaced, and the origins that nobody counts any more.
    fn settle(&mut self, partition: i32) {
        if let Some(found) = self
            .partitions
            .get_mut(&partition)
            .filter(|found| found.whole && found.before.is_some())
        {
            found.before = None;
            self.origins.retain(|origin| Arc::strong_count(origin) > 1);
        }
    }
}

fn other() -> Origin {
    Origin {
        reason: OTHER.to_owned(),
        source: OTHER.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use millrace_redrive::tally::MOST_LINES;

    use super::*;

    fn from(reason: &str) -> Origin {
        Origin {
            reason: reason.to_owned(),
            source: "s".to_owned(),
        }
    }

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn counted(ledger: &Ledger) -> Option<u64> {
        ledger.letters(1).map(|letters| letters.count)
    }

    #[test]
    fn nothing_is_shown_before_all_is_counted() {
        let mut ledger = Ledger::default();
        ledger.begin(0, 0, 2);
        ledger.count(0, 0, at(5), from("a"));
        assert_eq!(counted(&ledger), None);
        ledger.count(0, 1, at(6), from("a"));
        let letters = ledger.letters(1).unwrap();
        assert_eq!(
            (letters.count, letters.oldest, letters.by_origin),
            (2, at(5), vec![(from("a"), 2)])
        );
        assert_eq!(ledger.letters(2), None, "a partition was added");
        ledger.begin(1, 7, 7);
        assert_eq!(
            ledger.letters(2).map(|letters| letters.count),
            Some(2),
            "an empty one is whole at once"
        );
    }

    #[test]
    fn markers_and_gaps_are_no_letters_and_nothing_is_counted_twice() {
        let mut ledger = Ledger::default();
        ledger.begin(0, 0, 10);
        ledger.count(0, 2, None, from("a"));
        ledger.count(0, 2, None, from("a"));
        ledger.count(0, 1, None, from("a"));
        ledger.count(0, 7, None, from("a"));
        assert_eq!(ledger.unfinished(), [0]);
        assert!(ledger.rest(0) && !ledger.rest(0));
        assert_eq!(counted(&ledger), Some(2));
    }

    #[test]
    fn letters_that_retention_took_are_counted_no_more() {
        let mut ledger = Ledger::default();
        ledger.begin(0, 0, 3);
        (0..3).for_each(|offset| {
            ledger.count(
                0,
                offset,
                at(offset),
                from(if offset < 2 { "old" } else { "new" }),
            );
        });
        assert!(!ledger.outdated(0, 0, 3));
        assert!(ledger.outdated(0, 2, 3));
        ledger.begin(0, 2, 3);
        assert_eq!(
            counted(&ledger),
            Some(3),
            "until counted again, the count from before is shown"
        );
        ledger.count(0, 2, at(2), from("new"));
        let letters = ledger.letters(1).unwrap();
        assert_eq!(
            (letters.oldest, letters.by_origin),
            (at(2), vec![(from("new"), 1)])
        );
        assert_eq!(ledger.origins.len(), 1, "what nobody counts is forgotten");
        ledger.begin(0, 3, 3);
        assert_eq!(counted(&ledger), Some(0));
    }

    #[test]
    fn a_log_start_that_moves_before_the_first_letter_takes_nothing() {
        let mut ledger = Ledger::default();
        ledger.begin(0, 0, 9);
        ledger.count(0, 8, None, from("a"));
        assert!(!ledger.outdated(0, 5, 9));
    }

    /// Bytes of the longest reason or source: two hundred characters of four bytes.
    const LONGEST: usize = 800;

    /// Bytes of all that a ledger holds of the letters' words. Counts refer to them.
    fn held(ledger: &Ledger) -> usize {
        let words = ledger
            .origins
            .iter()
            .map(|origin| origin.reason.capacity() + origin.source.capacity());
        words.sum()
    }

    #[test]
    fn a_million_reasons_and_sources_fill_neither_memory_nor_status() {
        const LETTERS: i64 = 1_000_000;
        let mut ledger = Ledger::default();
        (0..2).for_each(|partition| ledger.begin(partition, 0, LETTERS / 2));
        for letter in 0..LETTERS {
            // Every tenth comes from one place, all others each from one of its own.
            let origin = match letter % 10 {
                0 => from("frequent"),
                _ => {
                    let pad = "\u{1f4ee}".repeat(190);
                    let name = |what: char| format!("{what}{letter:0>9}{pad}");
                    Origin {
                        reason: name('r'),
                        source: name('s'),
                    }
                }
            };
            let partition = i32::try_from(letter % 2).unwrap();
            ledger.count(partition, letter / 2, at(letter), origin);
        }
        assert!(ledger.origins.len() <= MOST_ORIGINS + 1);
        assert!(
            held(&ledger) <= (MOST_ORIGINS + 1) * 2 * LONGEST,
            "{} bytes",
            held(&ledger)
        );
        let counts = ledger
            .partitions
            .values()
            .map(|found| found.counts.letters.len());
        assert!(counts.sum::<usize>() <= 2 * (MOST_ORIGINS + 1));
        let letters = ledger.letters(2).unwrap();
        assert_eq!(
            (letters.count, letters.by_origin.len()),
            (1_000_000, MOST_LINES + 1)
        );
        assert_eq!(letters.by_origin[0], (from("frequent"), 100_000));
        assert_eq!(letters.by_origin.last().unwrap().0, other());
        assert_eq!(
            letters
                .by_origin
                .iter()
                .map(|(_, count)| count)
                .sum::<u64>(),
            1_000_000
        );
        let status =
            serde_json::to_vec(&crate::dead_letters::reason_counts(&letters.by_origin)).unwrap();
        assert!(status.len() <= 64 << 10, "{} bytes", status.len());
    }
}
