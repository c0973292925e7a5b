use jiff::Timestamp;

use crate::lag::seconds;

/// Seconds without consumption that a rebalance costs, until it is learned.
const REBALANCE: f64 = 5.0;
/// Longest one that is learned from.
const LONGEST: f64 = 60.0;

/// How long the group's rebalances take, as its state shows from look to look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rebalancing {
    since: Option<Timestamp>,
    learned: Option<f64>,
}

impl Rebalancing {
    /// Takes a look. `settled`: the group is in no rebalance.
    pub(super) fn observe(&mut self, now: Timestamp, settled: bool) {
        match (self.since, settled) {
            (None, false) => self.since = Some(now),
            (Some(since), true) => {
                let took = seconds(since, now).min(LONGEST);
                self.learned = Some(self.learned.map_or(took, |old| old * 0.7 + took * 0.3));
                self.since = None;
            }
            _ => {}
        }
    }

    /// Seconds that a rebalance costs.
    pub(super) fn cost(&self) -> f64 {
        self.learned.unwrap_or(REBALANCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_how_long_the_group_was_unsettled() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut rebalancing = Rebalancing::default();
        assert_eq!(rebalancing.cost(), 5.0);
        for (second, settled) in [(0, true), (2, false), (6, false), (10, true)] {
            rebalancing.observe(at(second), settled);
        }
        assert_eq!(rebalancing.cost(), 8.0);
    }
}
