use rayon::prelude::*;

use crate::{
    group::{Conditions, Protocol},
    run::{Score, mean, oracle_hours, run, start},
    scaler::{Keda, KedaSetting, Millrace, Static, oracle},
    trace::Trace,
};
use millrace_autoscaler::scale::Policy;

/// Two late times are alike when they differ by less than this, in percentage points.
pub const ALIKE: f64 = 0.1;

/// The trace that is about sleeping and waking.
const SLEEPING: &str = "on-off";

/// What a group runs under, beside its load and its seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    pub protocol: Protocol,
    pub boot: f64,
}

impl Setup {
    /// The one whose runs are drawn.
    pub const DRAWN: Self = Self {
        protocol: Protocol::Cooperative,
        boot: 20.0,
    };

    /// All that are compared.
    pub fn all() -> Vec<Self> {
        let protocols = [Protocol::Eager, Protocol::Cooperative, Protocol::Consumer];
        let with = |boot| protocols.map(|protocol| Self { protocol, boot });
        [with(20.0), with(60.0)].concat()
    }

    /// As in `cooperative, pods start in 20 s`.
    pub fn name(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Eager => "eager",
            Protocol::Cooperative => "cooperative",
            Protocol::Consumer => "consumer (KIP-848)",
        };
        format!("{protocol}, pods start in {} s", self.boot)
    }

    /// The same with a seed.
    pub fn with(self, seed: u64) -> Conditions {
        Conditions {
            protocol: self.protocol,
            boot: self.boot,
            seed,
        }
    }
}

/// How all did with one trace under one setup; means over the seeds.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub trace: &'static str,
    pub oracle_hours: f64,
    pub static_peak: Score,
    pub millrace: Score,
    /// In the order of the sweep.
    pub keda: Vec<Score>,
    /// Whether that setting lets an idle group go to zero.
    sleeps: Vec<bool>,
}

impl Outcome {
    /// The setting that is late the least, and of those the cheapest. Where the load is to go to sleep, of those that let it.
    pub fn tuned(&self) -> usize {
        let scores = self.keda.iter().zip(&self.sleeps).map(|(score, sleeps)| {
            let late = if *sleeps || self.trace != SLEEPING {
                score.late_time
            } else {
                f64::INFINITY
            };
            (late, score.replica_hours)
        });
        best(scores)
    }
}

/// Of pairs of late time and cost the one that is late the least, and of those alike the cheapest.
pub fn best(scores: impl Iterator<Item = (f64, f64)> + Clone) -> usize {
    let least = scores
        .clone()
        .map(|(late, _)| late)
        .fold(f64::INFINITY, f64::min);
    let alike = scores
        .enumerate()
        .filter(|(_, (late, _))| *late < least + ALIKE);
    alike
        .min_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b))
        .map_or(0, |(at, _)| at)
}

/// Lets all scalers run over a trace. `seeds`: the trace as each seed makes it.
pub fn contest(setup: Setup, seeds: &[Trace], settings: &[KedaSetting], policy: Policy) -> Outcome {
    let each = |score: &(dyn Fn(&Trace, Conditions) -> Score + Sync)| over(setup, seeds, score);
    let oracles = seeds.iter().map(oracle_hours);
    Outcome {
        trace: seeds[0].name,
        oracle_hours: oracles.sum::<f64>() / seeds.len() as f64,
        static_peak: each(&|trace, conditions| {
            let peak = oracle(trace).into_iter().max().unwrap_or(1);
            run(trace, conditions, &mut Static, peak, |_| {})
        }),
        millrace: each(&|trace, conditions| millrace(trace, conditions, policy)),
        keda: settings
            .par_iter()
            .map(|setting| each(&|trace, conditions| keda(trace, conditions, *setting)))
            .collect(),
        sleeps: settings.iter().map(|setting| setting.min == 0).collect(),
    }
}

/// Our own autoscaler alone.
pub fn alone(setup: Setup, seeds: &[Trace], policy: Policy) -> Score {
    over(setup, seeds, &|trace, conditions| {
        millrace(trace, conditions, policy)
    })
}

/// The mean over the seeds.
fn over(
    setup: Setup,
    seeds: &[Trace],
    score: &(dyn Fn(&Trace, Conditions) -> Score + Sync),
) -> Score {
    let scores = seeds
        .par_iter()
        .enumerate()
        .map(|(seed, trace)| score(trace, setup.with(seed as u64)));
    mean(&scores.collect::<Vec<Score>>())
}

fn millrace(trace: &Trace, conditions: Conditions, policy: Policy) -> Score {
    run(
        trace,
        conditions,
        &mut Millrace::new(policy),
        start(trace),
        |_| {},
    )
}

fn keda(trace: &Trace, conditions: Conditions, setting: KedaSetting) -> Score {
    let mut keda = Keda::new(setting, trace.partitions, conditions.seed);
    run(trace, conditions, &mut keda, start(trace), |_| {})
}
