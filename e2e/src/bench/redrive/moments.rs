use std::time::Duration;

/// Times by chance that a seed determines: SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Moments(u64);

impl Moments {
    /// The same seed gives the same times.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A time less than `longest`.
    pub fn within(&mut self, longest: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        longest.mul_f64((bits >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Moments;

    #[test]
    fn moments_are_all_over_the_time_and_the_same_again() {
        let longest = Duration::from_secs(4);
        let times = |seed| {
            let mut moments = Moments::new(seed);
            let times: Vec<Duration> = (0..1_000).map(|_| moments.within(longest)).collect();
            times
        };
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
        for quarter in 0..4 {
            let inside = |time: &&Duration| time.as_secs() == quarter;
            let number = times(1).iter().filter(inside).count();
            assert!((200..300).contains(&number), "{number} in {quarter}");
        }
    }
}
