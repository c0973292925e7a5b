use std::time::Duration;

use jiff::Timestamp;

/// How many samples a ring keeps.
const CAPACITY: usize = 32;
const HUNDREDTHS: f64 = 100.0;

/// How long the oldest unprocessed record has been waiting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lateness {
    /// So many seconds.
    Exactly(f64),
    /// It was there already when looking began, so many seconds ago.
    AtLeast(f64),
}

impl Lateness {
    /// Seconds, where they are known.
    pub fn exactly(self) -> Option<f64> {
        match self {
            Self::Exactly(seconds) => Some(seconds),
            Self::AtLeast(_) => None,
        }
    }

    /// Seconds that have passed at the least.
    pub fn at_least(self) -> f64 {
        match self {
            Self::Exactly(seconds) | Self::AtLeast(seconds) => seconds,
        }
    }
}

/// An end offset and the time for which it was seen unchanged, in hundredths of a second since the ring began: 16 bytes, of which
/// a hundred thousand partitions have up to 32 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    end: i64,
    first: u32,
    last: u32,
}

/// When the end of one partition was where: the means to tell the age of a record from its offset.
///
/// At most 32 samples; older ones lie wider apart, so that the ring covers minutes as well as days.
/// An end that stands still is one sample, so a stopped producer neither fills the ring nor ages what was produced before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    began: Timestamp,
    samples: Vec<Sample>,
}

impl Ring {
    /// Adds that the partition ended at `end` at `time`. An end that went back (a topic made anew) starts the ring again, and so
    /// does the 497th day, when hundredths of a second no longer fit.
    pub fn push(&mut self, end: i64, time: Timestamp) {
        let goes_back = self.samples.last().is_some_and(|last| end < last.end);
        if self.samples.is_empty() || goes_back || self.since_began(time) == u32::MAX {
            self.samples.clear();
            // An end that stands still needs one place, and a list that grows begins with four.
            self.samples.reserve_exact(1);
            self.began = time;
        }
        let now = self.since_began(time);
        match self.samples.last_mut() {
            Some(last) if end == last.end => last.last = now,
            _ => {
                if self.samples.len() == CAPACITY {
                    self.thin(now);
                }
                self.samples.push(Sample {
                    end,
                    first: now,
                    last: now,
                });
            }
        }
    }

    /// How long the record at `offset` has been waiting at `now`, interpolated between the samples around it.
    /// None where no record is there yet, or nothing was ever seen.
    pub fn lateness(&self, offset: i64, now: Timestamp) -> Option<Lateness> {
        let after = self.samples.partition_point(|sample| sample.end <= offset);
        let next = self.samples.get(after)?;
        let now = self.since_began(now);
        let Some(before) = after
            .checked_sub(1)
            .and_then(|index| self.samples.get(index))
        else {
            return Some(Lateness::AtLeast(between(next.first, now)));
        };
        let share = (offset - before.end) as f64 / (next.end - before.end) as f64;
        let produced_before_next = between(before.last, next.first) * (1.0 - share);
        Some(Lateness::Exactly(
            between(next.first, now) + produced_before_next,
        ))
    }

    /// Hundredths of a second, at most `u32::MAX`.
    fn since_began(&self, time: Timestamp) -> u32 {
        (seconds(self.began, time) * HUNDREDTHS) as u32
    }

    /// Drops the inner sample whose neighbours lie closest together for their age.
    fn thin(&mut self, now: u32) {
        let spacing = |window: &[Sample]| match window {
            [before, it, after] => {
                between(before.last, after.first) / (between(it.first, now) + 1.0)
            }
            _ => f64::INFINITY,
        };
        let closest = self
            .samples
            .windows(3)
            .enumerate()
            .min_by(|(_, a), (_, b)| spacing(a).total_cmp(&spacing(b)));
        if let Some((index, _)) = closest {
            self.samples.remove(index + 1);
        }
    }
}

/// Seconds between two times of one ring.
fn between(from: u32, to: u32) -> f64 {
    f64::from(to.saturating_sub(from)) / HUNDREDTHS
}

/// Seconds from one time to another; 0 where the second is earlier.
pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    Duration::try_from(to.duration_since(from))
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ring(samples: &[(i64, i64)]) -> Ring {
        let mut ring = Ring::default();
        samples
            .iter()
            .for_each(|(second, end)| ring.push(*end, at(*second)));
        ring
    }

    #[test]
    fn age_is_interpolated_between_the_samples_around_the_offset() {
        let ring = ring(&[(0, 0), (10, 100), (20, 200)]);
        assert_eq!(ring.lateness(150, at(30)), Some(Lateness::Exactly(15.0)));
    }

    #[test]
    fn nothing_waits_at_the_end() {
        assert_eq!(ring(&[(0, 0), (10, 100)]).lateness(100, at(30)), None);
    }

    #[test]
    fn what_was_there_before_looking_began_is_only_known_to_be_as_old_as_the_looking() {
        assert_eq!(
            ring(&[(0, 500), (10, 600)]).lateness(20, at(40)),
            Some(Lateness::AtLeast(40.0))
        );
    }

    #[test]
    fn a_record_after_a_pause_is_as_old_as_the_record_and_not_as_the_pause() {
        let ring = ring(&[(0, 100), (600, 100), (602, 200)]);
        assert_eq!(ring.lateness(100, at(603)), Some(Lateness::Exactly(3.0)));
    }

    #[test]
    fn a_stopped_producer_ages_nothing_while_the_consumer_works() {
        let mut ring = ring(&[(0, 0), (10, 100)]);
        (11..200).for_each(|second| ring.push(100, at(second)));
        assert_eq!(ring.lateness(50, at(10)), Some(Lateness::Exactly(5.0)));
        assert_eq!(ring.lateness(100, at(200)), None);
    }

    #[test]
    fn a_ring_outlives_its_measure_of_time() {
        let mut ring = ring(&[(0, 0), (10, 100)]);
        let much_later = 500 * 86_400;
        ring.push(200, at(much_later));
        ring.push(300, at(much_later + 10));
        assert_eq!(
            ring.lateness(250, at(much_later + 20)),
            Some(Lateness::Exactly(15.0))
        );
    }

    #[test]
    fn a_topic_made_anew_starts_again() {
        assert_eq!(
            ring(&[(0, 0), (10, 100), (20, 5)]).lateness(3, at(25)),
            Some(Lateness::AtLeast(5.0))
        );
    }

    #[test]
    fn a_full_ring_covers_a_day_and_still_tells_seconds() {
        let mut ring = Ring::default();
        (0..43_200).for_each(|look| ring.push(look * 20, at(look * 2)));
        assert!(ring.samples.len() <= CAPACITY);
        let now = at(86_398);
        let late = |ago: i64| ring.lateness((86_398 - ago) * 10, now).unwrap().at_least();
        for ago in [10, 60, 600, 3_600, 40_000] {
            assert!(
                (late(ago) - ago as f64).abs() < 1.0 + ago as f64 * 0.05,
                "{ago}: {}",
                late(ago)
            );
        }
    }

    proptest! {
        #[test]
        fn age_is_never_negative_and_never_above_the_time_looked(
            steps in prop::collection::vec((1i64..50, 0i64..500), 1..200), offset in 0i64..50_000,
        ) {
            let mut ring = Ring::default();
            let (mut second, mut end) = (0, 0);
            for (wait, more) in steps {
                ring.push(end, at(second));
                second += wait;
                end += more;
            }
            if let Some(late) = ring.lateness(offset, at(second)) {
                prop_assert!(late.at_least() >= 0.0 && late.at_least() <= second as f64 + 1e-9);
                prop_assert!(ring.samples.len() <= CAPACITY);
            }
        }

        #[test]
        fn a_later_record_is_never_older(ends in prop::collection::vec(0i64..500, 2..100), a in 0i64..20_000, b in 0i64..20_000) {
            let mut ring = Ring::default();
            let (mut second, mut end) = (0, 0);
            for more in ends {
                ring.push(end, at(second));
                second += 2;
                end += more;
            }
            let (early, late) = (ring.lateness(a.min(b), at(second)), ring.lateness(a.max(b), at(second)));
            if let (Some(early), Some(late)) = (early, late) {
                prop_assert!(early.at_least() + 1e-9 >= late.at_least());
            }
        }
    }
}
