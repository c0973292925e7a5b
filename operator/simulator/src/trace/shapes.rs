use std::f64::consts::TAU;

use super::{Event, Trace, noise::Noise};

const HOUR: usize = 3_600;
const MINUTE: usize = 60;
/// How long each made-up trace lasts.
const SECONDS: usize = 4 * HOUR;
/// Share of noise in a second.
const NOISE: f64 = 0.15;
/// Records a second of the traces whose load is steady.
const STEADY: f64 = 700.0;

/// All made-up traces for so many partitions. Rates grow with the partitions: they are given for 24.
pub fn all(partitions: usize, seed: u64) -> Vec<Trace> {
    let scale = partitions as f64 / 24.0;
    let even = |name, events, rate: &dyn Fn(usize) -> f64| {
        let mut noise = Noise::new(seed, NOISE);
        Trace::new(name, SECONDS, partitions, events, |second, _| {
            noise.records(second, rate(second) * scale / partitions as f64)
        })
    };
    let steady = |name, event| even(name, vec![event], &|_| STEADY);
    let mut noisier = Noise::new(seed, 0.20);
    vec![
        even("step", vec![], &|second| {
            if second < HOUR { 300.0 } else { 900.0 }
        })
        .rising(HOUR),
        even("spike", vec![], &spike).rising(HOUR),
        even("ramp", vec![], &ramp).rising(HOUR),
        even("diurnal", vec![], &diurnal).rising(1),
        even("on-off", vec![], &on_off).rising(30 * MINUTE),
        weighted(
            "mild-skew",
            partitions,
            seed,
            |partition| ((partition + 1) as f64).powf(-0.3),
            &|second| diurnal(second) * scale,
        ),
        weighted(
            "hot-partition",
            partitions,
            seed,
            |partition| {
                if partition == 5 {
                    partitions as f64 - 1.0
                } else {
                    1.0
                }
            },
            &|_| 800.0 * scale,
        ),
        steady(
            "slow-down",
            Event::Slow {
                from: HOUR,
                to: HOUR + 10 * MINUTE,
                share: 1.0 / 3.0,
            },
        ),
        steady(
            "saturated",
            Event::Saturated {
                from: HOUR,
                to: HOUR + 10 * MINUTE,
                total: 400.0 * scale,
            },
        ),
        steady(
            "stuck",
            Event::Stuck {
                from: HOUR,
                to: 2 * HOUR,
                partition: 7,
            },
        ),
        steady("roll-out", Event::Rollout { at: HOUR }),
        steady(
            "broker-loss",
            Event::Leaderless {
                from: HOUR,
                to: HOUR + 2 * MINUTE,
                partitions: partitions / 3,
            },
        ),
        Trace::new("steady", SECONDS, partitions, vec![], |second, _| {
            noisier.records(second, STEADY * scale / partitions as f64)
        }),
    ]
}

/// A fifth of the spike, the spike for 20 minutes, and a fifth again.
fn spike(second: usize) -> f64 {
    if (HOUR..HOUR + 20 * MINUTE).contains(&second) {
        1_600.0
    } else {
        320.0
    }
}

/// Up within an hour, an hour of it, and down at once.
fn ramp(second: usize) -> f64 {
    match second / HOUR {
        1 => 200.0 + 1_500.0 * (second - HOUR) as f64 / HOUR as f64,
        2 => 1_700.0,
        _ => 200.0,
    }
}

fn diurnal(second: usize) -> f64 {
    900.0 - 700.0 * (second as f64 / SECONDS as f64 * TAU).cos()
}

/// Five minutes of every hour, from the 30th on.
fn on_off(second: usize) -> f64 {
    if (30 * MINUTE..35 * MINUTE).contains(&(second % HOUR)) {
        800.0
    } else {
        0.0
    }
}

fn weighted(
    name: &'static str,
    partitions: usize,
    seed: u64,
    weight: impl Fn(usize) -> f64,
    rate: &dyn Fn(usize) -> f64,
) -> Trace {
    let mut noise = Noise::new(seed, NOISE);
    let total: f64 = (0..partitions).map(&weight).sum();
    // A hot key may lie anywhere: the weights begin at a partition of chance.
    let shift = (noise.chance() * partitions as f64) as usize;
    Trace::new(name, SECONDS, partitions, vec![], |second, partition| {
        let share = weight((partition + shift) % partitions) / total;
        noise.records(second, rate(second) * share)
    })
}
