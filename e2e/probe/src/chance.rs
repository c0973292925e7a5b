//! Chance that a seed determines.

use std::f64::consts::TAU;

/// A sequence of random numbers: SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Chance(u64);

impl Chance {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number of the standard normal distribution (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.fraction().ln()).sqrt();
        radius * (TAU * self.fraction()).cos()
    }

    /// Above 0, at most 1.
    fn fraction(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn it_is_normal_and_the_same_again() {
        let numbers = |seed| {
            let mut chance = Chance::new(seed);
            (0..10_000).map(|_| chance.normal()).collect::<Vec<f64>>()
        };
        let drawn = numbers(1);
        let mean = drawn.iter().sum::<f64>() / 1e4;
        let variance = drawn.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.05, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
        assert_eq!(drawn, numbers(1));
        assert_ne!(drawn, numbers(2));
    }
}
