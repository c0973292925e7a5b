use jiff::Timestamp;

use crate::lag::seconds;

/// How many windows after replicas were taken away asking for more means that they should have stayed.
const SOON: f64 = 3.0;
/// How many windows without regret make the patience half as long again.
const CALM: f64 = 8.0;
/// Longest patience, in windows.
const MOST: f64 = 8.0;

/// Whether replicas that were taken away had to be asked for again soon. Each time they stay twice as long the next time: a load
/// that comes and goes faster than the window is no reason to rebalance at its pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Regret {
    windows: f64,
    taken: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Default for Regret {
    fn default() -> Self {
        Self {
            windows: 1.0,
            taken: None,
            last: None,
        }
    }
}

impl Regret {
    /// Takes a look: there were `before` replicas, and there are `after` now. To and from none does not count.
    pub(super) fn observe(&mut self, before: i32, after: i32, now: Timestamp, window: f64) {
        let within = |time: Timestamp, windows: f64| seconds(time, now) < windows * window;
        if 0 < after && after < before {
            self.taken = Some(now);
        } else if 0 < before
            && before < after
            && self
                .taken
                .take()
                .is_some_and(|taken| within(taken, SOON * self.windows))
        {
            self.windows = (self.windows * 2.0).min(MOST);
            self.last = Some(now);
        }
        if self
            .last
            .is_some_and(|last| !within(last, CALM * self.windows))
        {
            self.windows = (self.windows / 2.0).max(1.0);
            self.last = (self.windows > 1.0).then_some(now);
        }
    }

    /// For how many windows fewer replicas must have been enough, at least 1.
    pub(super) fn windows(&self) -> f64 {
        self.windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_with_each_regret_and_halves_with_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut regret = Regret::default();
        regret.observe(4, 2, at(0), 60.0);
        regret.observe(2, 4, at(300), 60.0);
        assert_eq!(regret.windows(), 1.0, "that was long after");
        regret.observe(4, 2, at(400), 60.0);
        regret.observe(2, 3, at(500), 60.0);
        assert_eq!(regret.windows(), 2.0);
        regret.observe(3, 0, at(600), 60.0);
        regret.observe(0, 3, at(610), 60.0);
        assert_eq!(regret.windows(), 2.0, "waking is no regret");
        regret.observe(3, 3, at(500 + 2 * 8 * 60), 60.0);
        assert_eq!(regret.windows(), 1.0);
    }
}
