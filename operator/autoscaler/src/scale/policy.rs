/// What the autoscaler is asked to keep. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Fewest replicas, at least 0.
    pub min: i32,
    /// Fewest replicas that a schedule asks for at present, 0 outside of all schedules.
    pub scheduled: i32,
    /// Most replicas, at least 1.
    pub max: i32,
    /// How long a record may wait.
    pub objective: f64,
    /// In what time what lies beyond the objective is to be worked off.
    pub drain: f64,
    /// For how long fewer replicas must have been enough.
    pub window: f64,
    /// After what time without records and lag the group sleeps, where `min` is 0.
    pub idle: f64,
    /// Whether the records of one partition go to several consumers, as in a share group: then there may be more replicas than
    /// partitions.
    pub shared: bool,
}

impl Policy {
    /// Fewest replicas at present.
    pub(super) fn least(&self) -> i32 {
        self.min.max(self.scheduled)
    }

    /// Seconds of waiting that the autoscaler lets happen before it acts: half of the objective. The other half is for what it
    /// cannot foresee.
    pub(super) fn budget(&self) -> f64 {
        self.objective * 0.5
    }
}
