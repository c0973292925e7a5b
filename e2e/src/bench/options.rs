use std::time::Duration;

use clap::{Parser, ValueEnum, value_parser};

/// Measures on the cluster that KUBECONFIG names, with the operator and the example on it.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// The one part to measure; all without it.
    pub part: Option<Part>,
    /// Topics of the part `topics`.
    #[arg(long, default_value_t = 10_000)]
    pub topics: usize,
    /// Seconds of each of the two windows in which nothing may be written, in the part `topics`.
    #[arg(long, default_value_t = 300)]
    pub idle_seconds: u64,
    /// Minutes for which a steady load is watched, in the part `autoscaler`; at most 40, since the clients' tokens are good for an hour.
    #[arg(long, default_value_t = 15, value_parser = value_parser!(u64).range(1..=40))]
    pub steady_minutes: u64,
    /// How often the operator is killed, in the part `redrive`.
    #[arg(long, default_value_t = 50)]
    pub kills: usize,
    /// Letters of the redrive in which it is killed, in the part `redrive`.
    #[arg(long, default_value_t = 100_000)]
    pub letters: usize,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The operator installed anew.
    Install,
    /// A KafkaCluster applied.
    KafkaCluster,
    /// The operator's memory, idle.
    Memory,
    /// A burst of lag.
    Scaling,
    /// Looks at the offsets of a thousand consumer groups.
    LagScan,
    /// Bursts of lag, and a steady load.
    Autoscaler,
    /// Dead letters brought home: killed, beside a bare copy, at a limit.
    Redrive,
    /// Ten thousand Topics.
    Topics,
}

impl Options {
    /// Whether `part` is to be measured.
    pub fn wants(&self, part: Part) -> bool {
        self.part.is_none_or(|only| only == part)
    }

    /// How long nothing may be written.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// How long a steady load is watched.
    pub fn steady(&self) -> Duration {
        Duration::from_secs(self.steady_minutes * 60)
    }
}
