//! A cap on records a second.

use std::time::{Duration, Instant};

/// A token bucket that holds at most what `window` lets in.
pub struct Pace {
    per_second: Option<f64>,
    window: Duration,
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// At most `per_second` records a second, 0 for as many as there are.
    pub fn new(per_second: u32, window: Duration, now: Instant) -> Self {
        Self {
            per_second: (per_second > 0).then_some(f64::from(per_second)),
            window,
            tokens: 0.0,
            filled: now,
        }
    }

    /// How many records may go at `now`, at least one, or how long until one may.
    pub fn allowed(&mut self, now: Instant) -> Result<usize, Duration> {
        let Some(per_second) = self.per_second else {
            return Ok(usize::MAX);
        };
        let room = (per_second * self.window.as_secs_f64()).max(1.0);
        let gained = per_second * now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + gained).min(room);
        self.filled = now;
        if self.tokens >= 1.0 {
            Ok(self.tokens as usize)
        } else {
            Err(Duration::from_secs_f64((1.0 - self.tokens) / per_second))
        }
    }

    /// Records that went.
    pub fn spend(&mut self, records: usize) {
        if self.per_second.is_some() {
            self.tokens -= records as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(250);

    #[test]
    fn no_more_than_the_rate_goes_in_a_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(1000, WINDOW, start);
        let mut gone = 0;
        for millisecond in 0..60_000 {
            if let Ok(records) = pace.allowed(start + Duration::from_millis(millisecond)) {
                pace.spend(records);
                gone += records;
            }
        }
        assert!((59_900..=60_000).contains(&gone), "{gone}");
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(1000, WINDOW, start);
        assert_eq!(pace.allowed(start + Duration::from_secs(60)), Ok(250));
    }

    #[test]
    fn it_says_how_long_to_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(2, WINDOW, start);
        assert_eq!(pace.allowed(start), Err(Duration::from_millis(500)));
    }

    #[test]
    fn zero_is_no_cap() {
        let start = Instant::now();
        assert_eq!(Pace::new(0, WINDOW, start).allowed(start), Ok(usize::MAX));
    }
}
