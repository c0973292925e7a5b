/// What a group needed when it was last awake: what wakes it is more often the like of that than the few records seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waking {
    last: i32,
    present: i32,
}

impl Waking {
    /// Takes a look: the workload has `replicas`, and what arrives needs so many.
    pub(super) fn observe(&mut self, replicas: i32, needed: i32) {
        if replicas > 0 {
            self.present = self.present.max(needed);
        } else if self.present > 0 {
            (self.last, self.present) = (self.present, 0);
        }
    }

    /// The most replicas that arrivals needed in the last time awake; 0 where there was none.
    pub(super) fn last(&self) -> i32 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_that_was_needed_in_the_last_time_awake_is_remembered() {
        let mut waking = Waking::default();
        for (replicas, needed) in [(0, 0), (1, 1), (6, 6), (2, 2), (0, 0), (0, 0)] {
            waking.observe(replicas, needed);
        }
        assert_eq!(waking.last(), 6);
        waking.observe(2, 2);
        waking.observe(0, 0);
        assert_eq!(waking.last(), 2);
    }
}
