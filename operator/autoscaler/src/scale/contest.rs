use jiff::Timestamp;

use crate::lag::seconds;

/// Seconds within which a change after an own one counts as a contradiction.
const SOON: f64 = 60.0;
/// Contradictions that make a contest.
const CONTRADICTIONS: usize = 2;
/// Seconds after which a contradiction is forgotten.
const MEMORY: f64 = 600.0;

/// Whether somebody else (a person, a GitOps tool) keeps changing the replicas back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contest {
    own: Option<(Timestamp, i32)>,
    contradictions: Vec<Timestamp>,
}

impl Contest {
    /// The autoscaler has set `replicas`.
    pub fn set(&mut self, replicas: i32, now: Timestamp) {
        self.own = Some((now, replicas));
    }

    /// The workload was seen asking for `replicas`.
    pub fn observe(&mut self, replicas: i32, now: Timestamp) {
        self.contradictions
            .retain(|time| seconds(*time, now) < MEMORY);
        if let Some((since, own)) = self.own
            && own != replicas
        {
            if seconds(since, now) <= SOON {
                self.contradictions.push(now);
            }
            self.own = None;
        }
    }

    /// Whether there is a contest.
    pub fn is_on(&self) -> bool {
        self.contradictions.len() >= CONTRADICTIONS
    }

    /// Whether to leave the workload alone for now: in a contest it is changed at most once a minute.
    pub fn yields(&self, now: Timestamp) -> bool {
        self.is_on()
            && self
                .contradictions
                .last()
                .is_some_and(|last| seconds(*last, now) < SOON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn two_contradictions_soon_after_own_changes_are_a_contest() {
        let mut contest = Contest::default();
        contest.set(3, at(0));
        contest.observe(1, at(10));
        assert!(!contest.is_on());
        contest.set(3, at(12));
        contest.observe(1, at(20));
        assert!(contest.is_on() && contest.yields(at(30)) && !contest.yields(at(80)));
        contest.observe(1, at(700));
        assert!(!contest.is_on());
    }

    #[test]
    fn a_change_by_hand_now_and_then_is_none() {
        let mut contest = Contest::default();
        for minute in 0..10 {
            contest.set(3, at(minute * 300));
            contest.observe(3, at(minute * 300 + 2));
            contest.observe(1, at(minute * 300 + 200));
        }
        assert!(!contest.is_on());
    }

    #[test]
    fn one_contradiction_is_counted_once() {
        let mut contest = Contest::default();
        contest.set(3, at(0));
        (1..20).for_each(|look| contest.observe(1, at(look * 2)));
        assert!(!contest.is_on());
    }
}
