use jiff::Timestamp;
use millrace_autoscaler::lag::seconds;

/// A yes or no that changes only when the opposite has been seen for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Latch {
    state: Option<bool>,
    calm: bool,
    contrary_since: Option<Timestamp>,
}

impl Latch {
    /// A latch that knows nothing yet and begins with `calm`, the answer that alarms nobody.
    pub(super) fn new(calm: bool) -> Self {
        Self {
            state: None,
            calm,
            contrary_since: None,
        }
    }

    /// The same with what was true before.
    pub(super) fn resume(self, state: Option<bool>) -> Self {
        Self { state, ..self }
    }

    /// Takes a reading; None changes nothing. The state turns to alarm after `rise` seconds of it, and back to calm after `fall` seconds.
    pub(super) fn observe(&mut self, reading: Option<bool>, now: Timestamp, rise: f64, fall: f64) {
        let Some(reading) = reading else { return };
        let state = *self.state.get_or_insert(self.calm);
        if reading == state {
            self.contrary_since = None;
            return;
        }
        let since = *self.contrary_since.get_or_insert(now);
        let hold = if reading == self.calm { fall } else { rise };
        if seconds(since, now) >= hold {
            self.state = Some(reading);
            self.contrary_since = None;
        }
    }

    /// The state; None while nothing is known.
    pub(super) fn state(&self) -> Option<bool> {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_rises_and_falls_after_the_hold_and_not_before() {
        let mut latch = Latch::new(false);
        latch.observe(Some(true), at(0), 30.0, 10.0);
        assert_eq!(latch.state(), Some(false));
        latch.observe(Some(true), at(30), 30.0, 10.0);
        assert_eq!(latch.state(), Some(true));
        latch.observe(Some(false), at(40), 30.0, 10.0);
        latch.observe(Some(true), at(45), 30.0, 10.0);
        latch.observe(Some(false), at(51), 30.0, 10.0);
        assert_eq!(latch.state(), Some(true), "the contrary was interrupted");
        latch.observe(Some(false), at(61), 30.0, 10.0);
        assert_eq!(latch.state(), Some(false));
    }

    #[test]
    fn an_unknown_reading_changes_nothing() {
        let mut latch = Latch::new(false).resume(Some(true));
        latch.observe(None, at(0), 0.0, 0.0);
        assert_eq!(latch.state(), Some(true));
        assert_eq!(Latch::new(true).state(), None);
    }
}
