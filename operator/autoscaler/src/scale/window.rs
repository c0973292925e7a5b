use std::collections::VecDeque;

use jiff::Timestamp;

use crate::lag::seconds;

/// Seconds without a look after which the past no longer counts as covered.
const GAP: f64 = 30.0;

/// The most replicas that were needed within the last so many seconds.
///
/// Only needs that no later one exceeds are kept, so there are never more than there are different needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    needs: VecDeque<(Timestamp, i32)>,
    covered_since: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Window {
    /// Takes the need at `now`; needs older than `length` seconds are forgotten.
    pub(super) fn push(&mut self, now: Timestamp, need: i32, length: f64) {
        if self.last.is_none_or(|last| seconds(last, now) > GAP) {
            self.covered_since = Some(now);
        }
        self.last = Some(now);
        while self
            .needs
            .back()
            .is_some_and(|(_, earlier)| *earlier <= need)
        {
            self.needs.pop_back();
        }
        self.needs.push_back((now, need));
        while self
            .needs
            .front()
            .is_some_and(|(time, _)| seconds(*time, now) > length)
        {
            self.needs.pop_front();
        }
    }

    /// The most replicas needed, if the last `length` seconds were looked at without a gap.
    pub(super) fn most(&self, length: f64) -> Option<i32> {
        let covered = seconds(self.covered_since?, self.last?);
        let (_, most) = self.needs.front()?;
        (covered >= length).then_some(*most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_gap_begins_the_window_anew() {
        let mut window = Window::default();
        (0..100).for_each(|second| window.push(at(second), 1, 60.0));
        assert_eq!(window.most(60.0), Some(1));
        window.push(at(200), 1, 60.0);
        assert_eq!(window.most(60.0), None);
    }

    proptest! {
        #[test]
        fn it_is_the_maximum_of_the_last_seconds(needs in prop::collection::vec(0i32..20, 61..300)) {
            let mut window = Window::default();
            for (second, need) in (0..).zip(&needs) {
                window.push(at(second), *need, 60.0);
            }
            prop_assert_eq!(window.most(60.0), needs[needs.len() - 61..].iter().max().copied());
            prop_assert!(window.needs.len() <= 20);
        }
    }
}
