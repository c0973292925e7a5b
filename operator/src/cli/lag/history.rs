use std::collections::VecDeque;

use millrace_crds::ConsumerGroupStatus;

/// How many samples a curve shows.
const LENGTH: usize = 40;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A group's lag, rate and replicas of late, sampled at an even pace.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) lag: Curve,
    pub(super) rate: Curve,
    pub(super) replicas: Curve,
}

impl History {
    pub(super) fn take(&mut self, status: &ConsumerGroupStatus) {
        let lag = status.lag.as_ref();
        self.lag.push(lag.map(|lag| lag.records));
        self.rate.push(lag.and_then(|lag| lag.committed_per_second));
        let scaling = status.scaling.as_ref();
        self.replicas
            .push(scaling.map(|scaling| i64::from(scaling.replicas)));
    }
}

/// The latest values; None where it was not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve(VecDeque<Option<i64>>);

impl Curve {
    fn push(&mut self, value: Option<i64>) {
        if self.0.len() == LENGTH {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// A bar for each value, as high as its share of the highest, and the highest after them.
    pub(super) fn drawn(&self) -> String {
        let highest = self.0.iter().flatten().copied().max().unwrap_or(0);
        let bar = |value: &Option<i64>| match value {
            None => ' ',
            Some(_) if highest == 0 => BARS[0],
            Some(value) => {
                let share = *value as f64 / highest as f64;
                BARS[((share * 7.0).round() as usize).min(7)]
            }
        };
        format!("{} ≤{highest}", self.0.iter().map(bar).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_scaled_to_its_highest_value_and_shows_gaps() {
        let mut curve = Curve::default();
        [Some(0), Some(50), None, Some(100)]
            .into_iter()
            .for_each(|value| curve.push(value));
        assert_eq!(curve.drawn(), "▁▅ █ ≤100");
        (0..LENGTH).for_each(|_| curve.push(Some(0)));
        assert_eq!(curve.drawn(), format!("{} ≤0", "▁".repeat(LENGTH)));
    }
}
