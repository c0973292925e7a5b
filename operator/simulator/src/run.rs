use crate::{
    group::{Conditions, Group},
    scaler::{Scaler, oracle},
    trace::Trace,
};

/// Seconds after which a record is late.
pub const OBJECTIVE: usize = 30;

/// How a scaler did with a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Percentage of the time in which the oldest record of the worst partition was late.
    pub late_time: f64,
    /// Percentage of the records that were processed late.
    pub late_records: f64,
    /// Pods times hours, from the moment a pod is asked for.
    pub replica_hours: f64,
    /// How often the number of replicas was changed.
    pub rescales: f64,
    /// Seconds from the rise of the load to the first additional replica that was asked for; None where there was none.
    pub first_scale_up: Option<f64>,
    /// Pods times hours of pods that took no partition off the busiest.
    pub wasted: f64,
}

/// One second of a run, for plots.
#[derive(Clone, Copy, Debug)]
pub struct Second {
    pub replicas: i32,
    pub lateness: usize,
}

/// Runs a scaler over a trace, beginning with what the oracle would have.
pub fn run(
    trace: &Trace,
    conditions: Conditions,
    scaler: &mut dyn Scaler,
    start: i32,
    mut watch: impl FnMut(Second),
) -> Score {
    let mut group = Group::new(trace, conditions, start, OBJECTIVE);
    let mut score = Score::default();
    let (mut late, mut pods, mut wasted) = (0, 0, 0);
    for second in 1..=trace.seconds {
        group.step();
        let lateness = group.lateness();
        late += usize::from(lateness > OBJECTIVE);
        pods += group.pods();
        wasted += group.pods() - useful(group.pods(), trace.partitions);
        watch(Second {
            replicas: group.wanted(),
            lateness,
        });
        let before = group.wanted();
        let Some(wanted) = scaler.decide(&group).filter(|wanted| *wanted != before) else {
            continue;
        };
        score.rescales += 1.0;
        let since = trace.rises.and_then(|rises| second.checked_sub(rises));
        if wanted > before && score.first_scale_up.is_none() {
            score.first_scale_up = since.map(|since| since as f64);
        }
        group.scale(wanted);
    }
    score.late_time = late as f64 / trace.seconds as f64 * 100.0;
    score.late_records = group.late_records() / trace.records().max(1.0) * 100.0;
    score.replica_hours = pods as f64 / 3_600.0;
    score.wasted = wasted as f64 / 3_600.0;
    score
}

/// Of so many pods those that take partitions off the busiest.
fn useful(pods: usize, partitions: usize) -> usize {
    match pods {
        0 => 0,
        pods => partitions.div_ceil(partitions.div_ceil(pods)),
    }
}

/// What the oracle would begin with.
pub fn start(trace: &Trace) -> i32 {
    oracle(trace).first().copied().unwrap_or(0)
}

/// The replica-hours of the oracle.
pub fn oracle_hours(trace: &Trace) -> f64 {
    let intervals = oracle(trace);
    let hours = trace.seconds as f64 / 3_600.0;
    intervals
        .iter()
        .map(|replicas| f64::from(*replicas))
        .sum::<f64>()
        / intervals.len() as f64
        * hours
}

/// The mean of the scores of several seeds.
pub fn mean(scores: &[Score]) -> Score {
    let count = scores.len().max(1) as f64;
    let of = |value: fn(&Score) -> f64| scores.iter().map(value).sum::<f64>() / count;
    let ups: Vec<f64> = scores
        .iter()
        .filter_map(|score| score.first_scale_up)
        .collect();
    Score {
        late_time: of(|score| score.late_time),
        late_records: of(|score| score.late_records),
        replica_hours: of(|score| score.replica_hours),
        rescales: of(|score| score.rescales),
        first_scale_up: (!ups.is_empty()).then(|| ups.iter().sum::<f64>() / ups.len() as f64),
        wasted: of(|score| score.wasted),
    }
}
