//! What comes to a topic, second by second and partition by partition, and what befalls those who read it.

mod flights;
mod noise;
mod shapes;

pub use flights::flights;
pub use shapes::all;

/// Records a second that one replica does when nothing is wrong.
pub const CAPACITY: f64 = 100.0;

/// A load, and what happens meanwhile. The same for every scaler.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its name in tables and plots.
    pub name: &'static str,
    /// How long it lasts.
    pub seconds: usize,
    /// Number of partitions.
    pub partitions: usize,
    /// When the load first rises for good, in seconds from the start; where it does.
    pub rises: Option<usize>,
    /// What happens to the consumers and brokers.
    pub events: Vec<Event>,
    /// Records that have come to a partition by the end of a second, at `second * partitions + partition`; second 0 is before all.
    cumulative: Vec<f64>,
}

/// From one second to another, or at one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Each replica does a share of what it could.
    Slow { from: usize, to: usize, share: f64 },
    /// All replicas together do no more than so many records a second.
    Saturated { from: usize, to: usize, total: f64 },
    /// One partition holds a record that its consumer does not get past.
    Stuck {
        from: usize,
        to: usize,
        partition: usize,
    },
    /// The first partitions have no leader: nothing is read from them, and producers hold back what is for them.
    Leaderless {
        from: usize,
        to: usize,
        partitions: usize,
    },
    /// All pods are replaced, as a Deployment does with 25 % surge and 25 % unavailable.
    Rollout { at: usize },
}

impl Trace {
    /// A trace of what `rate(second, partition)` gives, in records a second. Leaderless partitions get theirs afterwards.
    pub fn new(
        name: &'static str,
        seconds: usize,
        partitions: usize,
        events: Vec<Event>,
        mut rate: impl FnMut(usize, usize) -> f64,
    ) -> Self {
        let mut cumulative = vec![0.0; (seconds + 1) * partitions];
        let mut held = vec![0.0; partitions];
        for second in 1..=seconds {
            for (partition, held) in held.iter_mut().enumerate() {
                *held += rate(second, partition).max(0.0);
                let leaderless = events.iter().any(|event| matches!(event, Event::Leaderless { from, to, partitions } if partition < *partitions && (*from..*to).contains(&second)));
                let arrived = if leaderless {
                    0.0
                } else {
                    std::mem::take(held)
                };
                let at = second * partitions + partition;
                cumulative[at] = cumulative[at - partitions] + arrived;
            }
        }
        Self {
            name,
            seconds,
            partitions,
            rises: None,
            events,
            cumulative,
        }
    }

    /// The same, with the second at which its load rises.
    pub fn rising(self, at: usize) -> Self {
        Self {
            rises: Some(at),
            ..self
        }
    }

    /// Records that have come to each partition by the end of a second.
    pub fn arrived(&self, second: usize) -> &[f64] {
        &self.cumulative[second * self.partitions..(second + 1) * self.partitions]
    }

    /// Records that come in all.
    pub fn records(&self) -> f64 {
        self.arrived(self.seconds).iter().sum()
    }

    /// Whether a partition has a leader.
    pub fn is_led(&self, partition: usize, second: usize) -> bool {
        !self.events.iter().any(|event| {
            matches!(event, Event::Leaderless { from, to, partitions } if partition < *partitions && (*from..*to).contains(&second))
        })
    }

    /// Whether the consumer of a partition does not get past a record.
    pub fn is_stuck(&self, partition: usize, second: usize) -> bool {
        self.events.iter().any(|event| {
            matches!(event, Event::Stuck { from, to, partition: stuck } if partition == *stuck && (*from..*to).contains(&second))
        })
    }

    /// Records a second that each of so many replicas can do.
    pub fn capacity(&self, second: usize, replicas: usize) -> f64 {
        self.events
            .iter()
            .fold(CAPACITY, |capacity, event| match event {
                Event::Slow { from, to, share } if (*from..*to).contains(&second) => {
                    capacity * share
                }
                Event::Saturated { from, to, total } if (*from..*to).contains(&second) => {
                    capacity.min(total / replicas.max(1) as f64)
                }
                _ => capacity,
            })
    }

    /// When the pods are replaced.
    pub fn rollout(&self) -> Option<usize> {
        self.events.iter().find_map(|event| match event {
            Event::Rollout { at } => Some(*at),
            _ => None,
        })
    }
}
