use rand::{Rng, SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, Normal, Poisson};

/// Turns a rate into records: 15 % of noise common to all partitions, second by second, and chance of arrival for each partition.
pub struct Noise {
    rng: SmallRng,
    share: f64,
    second: usize,
    common: f64,
}

impl Noise {
    pub fn new(seed: u64, share: f64) -> Self {
        Self {
            rng: SmallRng::seed_from_u64(seed),
            share,
            second: 0,
            common: 1.0,
        }
    }

    /// Records that come to a partition in a second for which `rate` are expected. Seconds come in order.
    pub fn records(&mut self, second: usize, rate: f64) -> f64 {
        if second != self.second {
            self.second = second;
            self.common = (1.0 + self.share * self.normal()).max(0.0);
        }
        let expected = rate * self.common;
        if expected <= 0.0 {
            return 0.0;
        }
        match Poisson::new(expected) {
            Ok(poisson) => poisson.sample(&mut self.rng),
            Err(_) => expected,
        }
    }

    fn normal(&mut self) -> f64 {
        Normal::new(0.0, 1.0).map_or(0.0, |normal| normal.sample(&mut self.rng))
    }

    /// A number from 0 to below 1.
    pub fn chance(&mut self) -> f64 {
        self.rng.random()
    }
}
