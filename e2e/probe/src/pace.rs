//! Which records are written when.

use std::ops::Range;
use std::time::Duration;

use crate::chance::Chance;

/// So many records may be on their way at a time.
const AT_ONCE: usize = 10_000;
/// A second's records are written in so many parts.
const PARTS: usize = 10;

/// Records that are written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// When, since the writing began.
    pub due: Duration,
    /// Their numbers.
    pub numbers: Range<usize>,
}

/// `count` records as fast as they go.
pub fn unbounded(count: usize) -> Vec<Batch> {
    let batch = |first| Batch {
        due: Duration::ZERO,
        numbers: first..count.min(first + AT_ONCE),
    };
    (0..count).step_by(AT_ONCE).map(batch).collect()
}

/// `count` records one by one, `rate` a second.
pub fn even(count: usize, rate: u32) -> Vec<Batch> {
    let batch = |number| Batch {
        due: Duration::from_secs_f64(number as f64 / f64::from(rate)),
        numbers: number..number + 1,
    };
    (0..count).map(batch).collect()
}

/// For so many seconds about `rate` records in each: as many as chance gives, normally distributed around `rate` with the
/// standard deviation `noise * rate`. The same seed gives the same numbers.
pub fn noisy(seconds: usize, rate: u32, noise: f64, seed: u64) -> Vec<Batch> {
    let mut chance = Chance::new(seed);
    let mut batches = Vec::with_capacity(seconds * PARTS);
    let mut first = 0;
    for second in 0..seconds {
        let records = f64::from(rate) * (1.0 + noise * chance.normal()).max(0.0);
        let records = records.round() as usize;
        for part in 0..PARTS {
            let tenths = (second * PARTS + part) as f64;
            batches.push(Batch {
                due: Duration::from_secs_f64(tenths / PARTS as f64),
                numbers: first + records * part / PARTS..first + records * (part + 1) / PARTS,
            });
        }
        first += records;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rate_large_batches_follow_one_another() {
        let batches = unbounded(AT_ONCE + 5);
        let numbers: Vec<_> = batches.iter().map(|batch| batch.numbers.clone()).collect();
        assert_eq!(numbers, [0..AT_ONCE, AT_ONCE..AT_ONCE + 5]);
        assert!(batches.iter().all(|batch| batch.due.is_zero()));
        assert!(unbounded(0).is_empty());
    }

    #[test]
    fn a_rate_spreads_records_evenly() {
        let batches = even(3, 4);
        assert_eq!(batches[2].numbers, 2..3);
        assert_eq!(batches[2].due, Duration::from_millis(500));
    }

    #[test]
    fn noise_keeps_the_mean_and_leaves_no_record_out() {
        let batches = noisy(1_000, 240, 0.2, 1);
        for (one, next) in batches.iter().zip(&batches[1..]) {
            assert_eq!(one.numbers.end, next.numbers.start);
            assert!(one.due < next.due);
        }
        let seconds: Vec<usize> = batches
            .chunks(PARTS)
            .map(|parts| parts[PARTS - 1].numbers.end - parts[0].numbers.start)
            .collect();
        let mean = seconds.iter().sum::<usize>() as f64 / 1_000.0;
        assert!((mean - 240.0).abs() < 8.0, "{mean}");
        let varies = seconds.iter().filter(|n| n.abs_diff(240) > 48).count();
        assert!((200..500).contains(&varies), "{varies}");
        let quiet = noisy(2, 7, 0.0, 1);
        assert_eq!(quiet[PARTS - 1].numbers.end, 7);
        assert_eq!(quiet[2 * PARTS - 1].numbers.end, 14);
    }
}
