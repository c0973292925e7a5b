use millrace_crds::{Autoscaling, LagObjective};

/// What the autoscaler is asked to keep. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Fewest replicas, at least 0.
    pub min: i32,
    /// Most replicas, at least 1.
    pub max: i32,
    /// How long a record may wait.
    pub objective: f64,
    /// In what time an existing lag is to be worked off.
    pub drain: f64,
    /// For how long fewer replicas must have been enough.
    pub window: f64,
    /// After what time without records and lag the group sleeps, where `min` is 0.
    pub idle: f64,
}

impl Policy {
    /// The policy of a ConsumerGroup.
    pub fn of(autoscaling: &Autoscaling, objective: &LagObjective) -> Self {
        Self {
            min: autoscaling.min_replicas.max(0),
            max: autoscaling.max_replicas.max(1),
            objective: f64::from(objective.lag_seconds.max(1)),
            drain: f64::from(autoscaling.drain_seconds.max(1)),
            window: f64::from(autoscaling.scale_down_window_seconds.max(1)),
            idle: f64::from(autoscaling.idle_seconds.max(1)),
        }
    }
}
