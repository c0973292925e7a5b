//! When a run is stopped because the letters it brought home come back.

/// Letters that must have gone home before their return says anything.
pub const LEAST: u64 = 100;

/// Whether more than `percent` of a hundred letters come back, once at least [`LEAST`] have gone home. `returned` and `redriven`
/// are letters of this run. What has come back is known only after its consumers have failed on it, so the slower a run, the
/// fewer letters it moves before it is stopped.
pub fn too_many(returned: u64, redriven: u64, percent: u8) -> bool {
    let limit = u128::from(redriven) * u128::from(percent);
    redriven >= LEAST && u128::from(returned) * 100 > limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_stopped_beyond_the_limit_and_not_at_it() {
        assert!(!too_many(10, 100, 10));
        assert!(too_many(11, 100, 10));
        assert!(too_many(1, 100, 0));
        assert!(!too_many(1_000, 1_000, 100));
        assert!(too_many(u64::MAX, u64::MAX, 99));
    }

    #[test]
    fn a_few_letters_say_nothing() {
        assert!(!too_many(LEAST - 1, LEAST - 1, 0));
        assert!(!too_many(0, 0, 0));
    }
}
