use std::time::Duration;

/// Tries after which what Kafka refuses is not tried again.
const TRIES: u32 = 5;
/// First pause; each is twice as long as the one before.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Tries since a transaction was last committed.
#[derive(Debug, Default)]
pub(super) struct Effort {
    tries: u32,
}

impl Effort {
    /// Whether nothing came of many tries.
    pub(super) fn is_in_vain(&self) -> bool {
        self.tries >= TRIES
    }

    /// The pause before the next try.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = SHORTEST.saturating_mul(2_u32.saturating_pow(self.tries));
        self.tries += 1;
        pause.min(LONGEST)
    }

    /// Something came of it.
    pub(super) fn paid_off(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_something_comes_of_it() {
        let mut effort = Effort::default();
        let pauses: Vec<u64> = (0..8).map(|_| effort.next_pause().as_secs()).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30]);
        assert!(effort.is_in_vain());
        effort.paid_off();
        assert!(!effort.is_in_vain());
        assert_eq!(effort.next_pause(), SHORTEST);
    }
}
