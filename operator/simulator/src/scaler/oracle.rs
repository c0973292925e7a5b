use crate::trace::Trace;

/// Seconds for which the oracle settles on a number.
const INTERVAL: usize = 15;

/// The replicas for each 15 seconds of one who knows what will come and pays for no change: the fewest whose busiest can do what
/// arrives meanwhile. A partition that is too much for one replica counts as one full replica; where nothing comes there are none.
pub fn oracle(trace: &Trace) -> Vec<i32> {
    let partitions = trace.partitions;
    let interval = |start: usize| {
        let end = (start + INTERVAL).min(trace.seconds);
        let (before, after) = (trace.arrived(start), trace.arrived(end));
        let seconds = (end - start) as f64;
        let capacity = |replicas| trace.capacity(start + 1, replicas);
        let rates = before
            .iter()
            .zip(after)
            .map(|(before, after)| (after - before) / seconds);
        let rates: Vec<f64> = rates.collect();
        if rates.iter().all(|rate| *rate == 0.0) {
            return 0;
        }
        let enough = |replicas: &usize| {
            let capacity = capacity(*replicas);
            (0..*replicas).all(|member| {
                let load: f64 = rates
                    .iter()
                    .skip(member)
                    .step_by(*replicas)
                    .map(|rate| rate.min(capacity))
                    .sum();
                load <= capacity || *replicas == partitions
            })
        };
        (1..=partitions).find(enough).unwrap_or(partitions) as i32
    };
    (0..trace.seconds).step_by(INTERVAL).map(interval).collect()
}
