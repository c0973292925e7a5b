//! How many letters may go now, where so many in a second are the limit.

use std::time::Duration;

/// Share of a second for which letters are gathered before they go: ten transactions a second are enough to look steady, and
/// more would cost Kafka more than the letters do.
const STEP: f64 = 0.1;
/// Seconds whose letters may go at once, after a time in which none could.
const BURST: f64 = 1.0;

/// A limit of letters in a second, and what of it has not been used yet.
///
/// What is not used within a second is lost: a run that Kafka held up goes on at its pace and does not make up for the time. Over
/// any T seconds at most `per_second` × (T + 1) letters go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    per_second: f64,
    saved: f64,
    at: Duration,
}

/// What a pace says at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At most so many letters may go now, at least 1.
    Go(u64),
    /// None may go before so much time has passed.
    Wait(Duration),
}

impl Pace {
    /// A pace of `per_second` letters, at least 1, that begins at `now` with none to go. Times are since any one beginning.
    pub fn new(per_second: u32, now: Duration) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            saved: 0.0,
            at: now,
        }
    }

    /// What may go at `now`.
    pub fn turn(&mut self, now: Duration) -> Turn {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        let most = (self.per_second * BURST).max(1.0);
        self.saved = (self.saved + passed * self.per_second).min(most);
        self.at = self.at.max(now);
        let enough = (self.per_second * STEP).max(1.0);
        if self.saved >= enough {
            return Turn::Go(self.saved as u64);
        }
        Turn::Wait(Duration::from_secs_f64(
            (enough - self.saved) / self.per_second,
        ))
    }

    /// So many letters have gone.
    pub fn went(&mut self, letters: u64) {
        self.saved -= letters as f64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Letters that go within `seconds` where each transaction takes `busy`, and the most that go at once.
    fn run(per_second: u32, seconds: u64, busy: Duration) -> (u64, u64) {
        let end = Duration::from_secs(seconds);
        let mut pace = Pace::new(per_second, Duration::ZERO);
        let (mut now, mut went, mut most) = (Duration::ZERO, 0, 0);
        while now <= end {
            match pace.turn(now) {
                Turn::Go(letters) => {
                    pace.went(letters);
                    went += letters;
                    most = most.max(letters);
                    now += busy;
                }
                Turn::Wait(wait) => now += wait.max(Duration::from_nanos(1)),
            }
        }
        (went, most)
    }

    #[test]
    fn what_a_stop_has_cost_is_not_made_up_for() {
        let mut pace = Pace::new(100, Duration::ZERO);
        assert_eq!(pace.turn(Duration::from_secs(60)), Turn::Go(100));
        pace.went(100);
        assert!(matches!(pace.turn(Duration::from_secs(60)), Turn::Wait(_)));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut pace = Pace::new(10, Duration::from_secs(5));
        assert!(matches!(pace.turn(Duration::from_secs(1)), Turn::Wait(_)));
        assert!(matches!(pace.turn(Duration::from_secs(5)), Turn::Wait(_)));
    }

    #[test]
    fn one_letter_a_second_is_one_letter_a_second() {
        let (went, most) = run(1, 60, Duration::from_millis(5));
        assert!((59..=60).contains(&went), "{went}");
        assert_eq!(most, 1);
    }

    proptest! {
        #[test]
        fn the_rate_is_kept_within_two_percent(per_second in 5_u32..200_000, seconds in 10_u64..60, busy in 0_u64..400) {
            let (went, most) = run(per_second, seconds, Duration::from_millis(busy));
            let due = f64::from(per_second) * seconds as f64;
            // The last turn may lie up to one transaction before the end.
            let slack = due * 0.02 + f64::from(per_second) * busy as f64 / 1_000.0 + 1.0;
            prop_assert!(went as f64 <= due * 1.001 + 1.0, "{went} of {due}");
            prop_assert!(went as f64 >= due - slack, "{went} of {due}");
            prop_assert!(most <= u64::from(per_second), "{most} at once");
        }
    }
}
