use std::collections::BTreeMap;

use jiff::Timestamp;

/// Seconds over which growth is told.
pub(super) const WINDOW: i64 = 300;
/// Seconds of one slot.
const SLOT: i64 = 10;
/// Slots kept: those of two windows, so that a clock that runs a little ahead pushes none out that counts.
const MOST_SLOTS: usize = 60;

/// How many letters were written when, in the last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth(BTreeMap<i64, u64>);

impl Growth {
    /// Letters a minute in the five minutes before `now`, rounded up.
    pub fn per_minute(&self, now: Timestamp) -> u64 {
        let end = slot(now);
        let slots = self.0.range(end - WINDOW / SLOT + 1..=end);
        let letters: u64 = slots.map(|(_, count)| count).sum();
        (letters * 60).div_ceil(WINDOW.unsigned_abs())
    }

    pub(super) fn count(&mut self, written: Timestamp) {
        self.put(slot(written), 1);
    }

    pub(super) fn add(&mut self, other: &Self) {
        other
            .0
            .iter()
            .for_each(|(slot, count)| self.put(*slot, *count));
    }

    fn put(&mut self, slot: i64, count: u64) {
        *self.0.entry(slot).or_default() += count;
        if self.0.len() > MOST_SLOTS {
            self.0.pop_first();
        }
    }
}

fn slot(time: Timestamp) -> i64 {
    time.as_second().div_euclid(SLOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn growth_is_that_of_the_last_five_minutes() {
        let mut growth = Growth::default();
        (0..60).for_each(|second| growth.count(at(1_000 + second)));
        assert_eq!(growth.per_minute(at(1_060)), 12, "60 in five minutes");
        assert_eq!(growth.per_minute(at(1_299)), 12);
        assert_eq!(growth.per_minute(at(1_320)), 6, "half of them are older");
        assert_eq!(growth.per_minute(at(1_400)), 0);
        growth.count(at(1_400));
        assert_eq!(growth.per_minute(at(1_400)), 1, "one is not none");
    }

    #[test]
    fn times_without_end_fill_no_memory() {
        let mut growth = Growth::default();
        (0..10_000).for_each(|minute| growth.count(at(minute * 60)));
        assert_eq!(growth.0.len(), MOST_SLOTS);
        assert_eq!(growth.per_minute(at(9_999 * 60)), 1);
    }
}
