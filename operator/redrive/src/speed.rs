//! How fast a run is, and when it will be done.

use std::{collections::VecDeque, time::Duration};

/// Time over which the speed is averaged.
const WINDOW: Duration = Duration::from_secs(10);
/// Time between two samples.
const STEP: Duration = Duration::from_millis(500);

/// The letters of the last seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speed {
    /// Samples at least half a second apart, and no more than go back over the window.
    marks: VecDeque<Sample>,
    newest: Option<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at: Duration,
    scanned: u64,
    moved: u64,
}

impl Speed {
    /// Takes a sample: letters scanned and written so far, at `now`. Times are since any one beginning and do not go back.
    pub fn observe(&mut self, scanned: u64, moved: u64, now: Duration) {
        let sample = Sample {
            at: now,
            scanned,
            moved,
        };
        let age = |mark: &Sample| now.saturating_sub(mark.at);
        if self.marks.back().is_none_or(|last| age(last) >= STEP) {
            self.marks.push_back(sample);
        }
        while self.marks.len() > 1 && self.marks.front().is_some_and(|mark| age(mark) > WINDOW) {
            self.marks.pop_front();
        }
        self.newest = Some(sample);
    }

    /// Letters written in a second of late. 0 before anything is known.
    pub fn moved_per_second(&self) -> f64 {
        self.per_second(|sample| sample.moved)
    }

    /// Seconds until `left` more letters have been scanned at the speed of late. None where it stands still.
    pub fn seconds_left(&self, left: u64) -> Option<f64> {
        let per_second = self.per_second(|sample| sample.scanned);
        (per_second > 0.0).then(|| left as f64 / per_second)
    }

    fn per_second(&self, of: impl Fn(&Sample) -> u64) -> f64 {
        let (Some(oldest), Some(newest)) = (self.marks.front(), self.newest) else {
            return 0.0;
        };
        let passed = newest.at.saturating_sub(oldest.at).as_secs_f64();
        if passed <= 0.0 {
            return 0.0;
        }
        of(&newest).saturating_sub(of(oldest)) as f64 / passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(seconds: u64, per_second: u64) -> Speed {
        let mut speed = Speed::default();
        for tick in 0..=seconds * 10 {
            let letters = tick * per_second / 10;
            speed.observe(letters, letters / 2, Duration::from_millis(tick * 100));
        }
        speed
    }

    #[test]
    fn a_steady_run_is_as_fast_as_it_is() {
        let speed = steady(60, 1_000);
        assert!((speed.moved_per_second() - 500.0).abs() < 5.0, "{speed:?}");
        let left = speed.seconds_left(10_000).unwrap();
        assert!((left - 10.0).abs() < 0.1, "{left}");
        assert!(speed.marks.len() < 30);
    }

    #[test]
    fn what_lies_long_back_is_forgotten() {
        let mut speed = steady(60, 1_000);
        for second in 61..80 {
            speed.observe(60_000, 30_000, Duration::from_secs(second));
        }
        assert_eq!(speed.moved_per_second(), 0.0);
        assert_eq!(speed.seconds_left(1), None);
    }

    #[test]
    fn nothing_is_known_in_the_beginning() {
        let mut speed = Speed::default();
        assert_eq!(speed.moved_per_second(), 0.0);
        speed.observe(0, 0, Duration::ZERO);
        assert_eq!(speed.seconds_left(5), None);
    }
}
