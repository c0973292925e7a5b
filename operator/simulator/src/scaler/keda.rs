use std::collections::VecDeque;

use super::Scaler;
use crate::group::Group;

/// Seconds between two polls of KEDA, which decide between none and some (`pollingInterval`).
const POLL: usize = 30;
/// Seconds between two syncs of the HorizontalPodAutoscaler, which decides between some and more.
const SYNC: usize = 15;
/// Seconds without activity before the last replica goes (`cooldownPeriod`).
const COOLDOWN: usize = 300;
/// Seconds whose highest recommendation counts when replicas are taken away (`stabilizationWindowSeconds`).
const STABILIZATION: usize = 300;
/// Share by which lag may be off before anything is done (`--horizontal-pod-autoscaler-tolerance`).
const TOLERANCE: f64 = 0.1;

/// How fast replicas are taken away after the stabilization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScaleDown {
    /// All at once in 15 seconds.
    Default,
    /// A tenth each minute.
    Slow,
}

/// A ScaledObject with a `kafka` trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KedaSetting {
    /// `lagThreshold`.
    pub threshold: f64,
    /// `ensureEvenDistributionOfPartitions`.
    pub even: bool,
    /// `excludePersistentLag`.
    pub exclude_persistent: bool,
    /// `useCachedMetrics`.
    pub cached: bool,
    pub scale_down: ScaleDown,
    /// `minReplicaCount`.
    pub min: i32,
}

impl KedaSetting {
    /// What a ScaledObject has that says nothing.
    pub const DEFAULT: Self = Self {
        threshold: 10.0,
        even: false,
        exclude_persistent: false,
        cached: false,
        scale_down: ScaleDown::Default,
        min: 0,
    };

    /// All settings of the sweep for so many partitions.
    pub fn sweep(partitions: usize) -> Vec<Self> {
        let quarter = i32::try_from(partitions / 4).unwrap_or(i32::MAX);
        let mut settings = Vec::new();
        for threshold in [10.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0] {
            for (even, exclude_persistent, cached) in
                (0..8).map(|bits| (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0))
            {
                for scale_down in [ScaleDown::Default, ScaleDown::Slow] {
                    for min in [0, 1, quarter] {
                        settings.push(Self {
                            threshold,
                            even,
                            exclude_persistent,
                            cached,
                            scale_down,
                            min,
                        });
                    }
                }
            }
        }
        settings
    }

    /// What is not as by default, as a ScaledObject names it.
    pub fn name(&self) -> String {
        let mut parts = vec![format!("{}", self.threshold)];
        let mut add = |is: bool, word: &str| {
            if is {
                parts.push(word.to_owned());
            }
        };
        add(self.even, "even");
        add(self.exclude_persistent, "noPersistent");
        add(self.cached, "cached");
        add(self.scale_down == ScaleDown::Slow, "slow");
        add(self.min > 0, &format!("min{}", self.min));
        parts.join("+")
    }
}

/// KEDA and the HorizontalPodAutoscaler it makes, as their sources have it.
pub struct Keda {
    setting: KedaSetting,
    /// Offset of the poll and of the sync within their periods.
    phases: (usize, usize),
    previous: Vec<f64>,
    cache: f64,
    last_active: Option<usize>,
    recommendations: VecDeque<(usize, i32)>,
    /// When replicas were taken away within the last minute, and how many.
    taken: VecDeque<(usize, i32)>,
}

impl Keda {
    pub fn new(setting: KedaSetting, partitions: usize, seed: u64) -> Self {
        Self {
            setting,
            phases: ((seed * 7) as usize % POLL, (seed * 11) as usize % SYNC),
            previous: vec![-1.0; partitions],
            cache: 0.0,
            last_active: None,
            recommendations: VecDeque::new(),
            taken: VecDeque::new(),
        }
    }

    /// The lag as the scaler has it, all of it and the part that scales. A partition that does not answer has none.
    fn lag(&mut self, group: &Group) -> (f64, f64) {
        let (mut all, mut counted) = (0.0, 0.0);
        for (partition, previous) in self.previous.iter_mut().enumerate() {
            let Some((committed, end)) = group.offsets(partition) else {
                continue;
            };
            let lag = end.floor() - committed.floor();
            all += lag;
            if !(self.setting.exclude_persistent && *previous == committed) {
                counted += lag;
            }
            *previous = committed;
        }
        let partitions = group.trace.partitions;
        let threshold = self.setting.threshold;
        if self.setting.even {
            counted = threshold * divisor(partitions, (counted / threshold).ceil() as usize) as f64;
        }
        (all, counted.min(partitions as f64 * threshold))
    }

    fn poll(&mut self, group: &Group) -> Option<i32> {
        let (all, counted) = self.lag(group);
        self.cache = counted;
        if all > 0.0 {
            self.last_active = Some(group.second);
            return (group.wanted() == 0).then(|| self.setting.min.max(1));
        }
        let since = self.last_active.unwrap_or(0);
        let idle = self.setting.min == 0 && group.second - since >= COOLDOWN;
        (idle && group.wanted() > 0).then_some(0)
    }

    /// `GetExternalPerPodMetricReplicas`, then the stabilization and the rates of the default behaviour.
    fn sync(&mut self, group: &Group) -> Option<i32> {
        let now = group.second;
        let current = group.wanted();
        if current == 0 {
            self.recommendations.clear();
            return None;
        }
        let lag = if self.setting.cached {
            self.cache
        } else {
            self.lag(group).1
        };
        let usage = lag / (self.setting.threshold * f64::from(current));
        let proposed = if (usage - 1.0).abs() <= TOLERANCE {
            current
        } else {
            (lag / self.setting.threshold).ceil() as i32
        };
        let proposed = proposed.max(self.setting.min.max(1));
        self.recommendations.push_back((now, proposed));
        while self
            .recommendations
            .front()
            .is_some_and(|(time, _)| now - time > STABILIZATION)
        {
            self.recommendations.pop_front();
        }
        let highest = self
            .recommendations
            .iter()
            .map(|(_, replicas)| *replicas)
            .max()
            .unwrap_or(proposed);
        let wanted = if proposed > current {
            proposed.min((current + 4).max(current * 2))
        } else {
            self.take_away(now, current, highest.min(current))
        };
        (wanted != current).then_some(wanted)
    }

    fn take_away(&mut self, now: usize, current: i32, wanted: i32) -> i32 {
        if self.setting.scale_down == ScaleDown::Default {
            return wanted;
        }
        while self.taken.front().is_some_and(|(time, _)| now - time >= 60) {
            self.taken.pop_front();
        }
        let taken: i32 = self.taken.iter().map(|(_, count)| count).sum();
        let began_with = current + taken;
        let least = began_with - (f64::from(began_with) * 0.1).ceil() as i32;
        let wanted = wanted.max(least);
        if wanted < current {
            self.taken.push_back((now, current - wanted));
        }
        wanted
    }
}

impl Scaler for Keda {
    fn decide(&mut self, group: &Group) -> Option<i32> {
        let at = |phase: usize, period: usize| group.second % period == phase;
        let polled = if at(self.phases.0, POLL) {
            self.poll(group)
        } else {
            None
        };
        if polled.is_some() {
            return polled;
        }
        if at(self.phases.1, SYNC) {
            self.sync(group)
        } else {
            None
        }
    }
}

/// The least divisor of the partitions that is not below `wanted`; the partitions where there is none.
fn divisor(partitions: usize, wanted: usize) -> usize {
    (wanted.max(1)..=partitions)
        .find(|count| partitions.is_multiple_of(*count))
        .unwrap_or(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_numbers_are_divisors() {
        assert_eq!(
            [0, 1, 5, 9, 13, 24, 90].map(|wanted| divisor(24, wanted)),
            [1, 1, 6, 12, 24, 24, 24]
        );
    }

    #[test]
    fn the_sweep_has_each_setting_once() {
        let names: std::collections::BTreeSet<String> = KedaSetting::sweep(24)
            .iter()
            .map(KedaSetting::name)
            .collect();
        assert_eq!(names.len(), 6 * 8 * 2 * 3);
    }
}
