use jiff::Timestamp;

use crate::lag::seconds;

/// Seconds from a scale-up to the new consumers' first records, until it is learned.
const BOOT: f64 = 20.0;
/// Seconds within which more can be asked for without another rebalance.
const JUST: f64 = 4.0;
/// Longest wait for replicas that do not come.
const LONGEST: f64 = 120.0;

/// Whether the replicas asked for have joined the group, and how long that takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Joining {
    expected: Option<Expected>,
    learned: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Expected {
    since: Timestamp,
    /// When the first of those on their way were asked for.
    first: Timestamp,
    replicas: i32,
}

impl Joining {
    /// More replicas were asked for.
    pub(super) fn expect(&mut self, replicas: i32, since: Timestamp) {
        let first = self.expected.map_or(since, |expected| expected.first);
        self.expected = Some(Expected {
            since,
            first,
            replicas,
        });
    }

    /// Takes a look at the group. `members` counts only where the group is stable.
    pub(super) fn observe(&mut self, now: Timestamp, replicas: i32, members: Option<usize>) {
        let Some(expected) = self.expected else {
            return;
        };
        let waited = seconds(expected.since, now);
        let joined = members.is_some_and(|members| {
            i32::try_from(members).is_ok_and(|members| members >= expected.replicas)
        });
        if joined {
            self.learned = Some(self.learned.map_or(waited, |old| old * 0.7 + waited * 0.3));
        }
        if joined || replicas < expected.replicas || waited >= LONGEST {
            self.expected = None;
        }
    }

    /// Whether replicas are on their way, so that asking for yet more would be too early.
    pub(super) fn under_way(&self, now: Timestamp) -> bool {
        let patience = self
            .learned
            .map_or(BOOT, |learned| (learned * 1.5).clamp(BOOT, LONGEST));
        self.expected
            .is_some_and(|expected| seconds(expected.since, now) < patience)
    }

    /// Whether the replicas that are on their way were asked for so shortly before that more of them would join together with them.
    pub(super) fn just_begun(&self, now: Timestamp) -> bool {
        self.expected
            .is_some_and(|expected| seconds(expected.first, now) <= JUST)
    }

    /// Seconds from asking for a replica to its first record.
    pub(super) fn boot(&self) -> f64 {
        self.learned.unwrap_or(BOOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_waits_until_they_have_joined_or_should_have() {
        let mut joining = Joining::default();
        assert!(!joining.under_way(at(0)));
        joining.expect(3, at(0));
        joining.observe(at(6), 3, Some(2));
        assert!(joining.under_way(at(6)));
        joining.observe(at(8), 3, Some(3));
        assert!(!joining.under_way(at(8)));
        assert_eq!(joining.boot(), 8.0);
        joining.expect(5, at(10));
        joining.observe(at(31), 5, Some(3));
        assert!(!joining.under_way(at(31)), "they do not come");
    }

    #[test]
    fn nobody_is_waited_for_who_was_taken_back() {
        let mut joining = Joining::default();
        joining.expect(3, at(0));
        joining.observe(at(2), 1, Some(1));
        assert!(!joining.under_way(at(3)));
    }
}
