//! `bench-autoscaler`: the operator's autoscaler against KEDA, in a simulated consumer group, trace by trace.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod contest;
mod group;
mod report;
mod run;
mod scaler;
mod trace;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use millrace_autoscaler::scale::Policy;

use crate::{
    contest::{Outcome, Setup, alone, best, contest},
    report::Goals,
    run::{Second, run, start},
    scaler::{Keda, KedaSetting, Millrace, POLICY, Scaler},
    trace::Trace,
};

/// Windows in seconds with which Millrace is drawn beside all settings of KEDA.
const WINDOWS: [f64; 5] = [60.0, 120.0, 180.0, 300.0, 600.0];

/// Compares the autoscaler with KEDA and the HorizontalPodAutoscaler, on made-up loads and on a day of real ones.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of partitions of the topic.
    #[arg(long, default_value_t = 24)]
    partitions: usize,
    /// Number of seeds: each makes its own noise, in the load and in the group.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// flights.csv.gz of nycflights13, as docs/examples/flights/fetch-data leaves it. Without it there is no real load.
    #[arg(long)]
    flights: Option<PathBuf>,
    /// Only the traces whose name has this in it.
    #[arg(long, default_value = "")]
    only: String,
    /// Millrace alone, with the reason of each change for the first seed; nothing is written.
    #[arg(long)]
    tell: bool,
    /// Directory for report.md and the plots.
    #[arg(long, default_value = "target/bench-autoscaler")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let traces = traces(&arguments)?;
    if arguments.tell {
        tell(&traces);
        return Ok(());
    }
    let out = &arguments.out;
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let settings = KedaSetting::sweep(arguments.partitions);
    let mut report = heading(&arguments, settings.len());
    for setup in Setup::all() {
        let outcomes: Vec<Outcome> = traces
            .iter()
            .map(|seeds| contest(setup, seeds, &settings, POLICY))
            .collect();
        let goals = Goals::judge(&outcomes);
        println!(
            "## {}\n\n{}\n\n{}",
            setup.name(),
            report::brief(&outcomes, &settings),
            goals.lines()
        );
        let single = single(&outcomes, settings.len());
        report.push_str(&format!(
            "\n## {}\n\n{}\n\n{}\n",
            setup.name(),
            goals.lines(),
            report::all(&outcomes, &settings, single)
        ));
        if setup == Setup::DRAWN {
            draw(&arguments, setup, &traces, &outcomes, &settings)?;
        }
    }
    let path = out.join("report.md");
    fs::write(&path, report).with_context(|| format!("{} cannot be written", path.display()))?;
    println!(
        "Everything that was measured is in {}, with a plot of each trace beside it.",
        path.display()
    );
    Ok(())
}

/// Each trace as each seed makes it.
fn traces(arguments: &Arguments) -> Result<Vec<Vec<Trace>>> {
    let mut by_trace: Vec<Vec<Trace>> = Vec::new();
    for seed in 0..arguments.seeds.max(1) {
        let mut traces = trace::all(arguments.partitions, seed);
        if let Some(path) = &arguments.flights {
            traces.push(trace::flights(path, arguments.partitions, seed)?);
        }
        traces.retain(|trace| trace.name.contains(&arguments.only));
        by_trace.resize_with(traces.len(), Vec::new);
        by_trace
            .iter_mut()
            .zip(traces)
            .for_each(|(seeds, trace)| seeds.push(trace));
    }
    Ok(by_trace)
}

/// The setting that is late the least over all traces, and of those alike the cheapest.
fn single(outcomes: &[Outcome], settings: usize) -> usize {
    let over_all = (0..settings).map(|setting| {
        let scores = outcomes.iter().map(|outcome| outcome.keda[setting]);
        scores.fold((0.0, 0.0), |(late, hours), score| {
            (late + score.late_time, hours + score.replica_hours)
        })
    });
    best(over_all)
}

fn heading(arguments: &Arguments, settings: usize) -> String {
    format!(
        "# The autoscaler against KEDA\n\n{} partitions, {} seeds, {settings} settings of KEDA. Millrace has one setting for all traces and knows nothing of them: {POLICY:?}.\n",
        arguments.partitions, arguments.seeds
    )
}

fn draw(
    arguments: &Arguments,
    setup: Setup,
    traces: &[Vec<Trace>],
    outcomes: &[Outcome],
    settings: &[KedaSetting],
) -> Result<()> {
    for (seeds, outcome) in traces.iter().zip(outcomes) {
        let (trace, tuned) = (&seeds[0], settings[outcome.tuned()]);
        let record = |scaler: &mut dyn Scaler| {
            let mut seconds: Vec<Second> = Vec::new();
            run(trace, setup.with(0), scaler, start(trace), |second| {
                seconds.push(second)
            });
            seconds
        };
        let ours = record(&mut Millrace::new(POLICY));
        let theirs = record(&mut Keda::new(tuned, trace.partitions, 0));
        let title = format!("{}: {}", trace.name, setup.name());
        let keda = format!("KEDA tuned ({})", tuned.name());
        let path = arguments.out.join(format!("{}.svg", trace.name));
        report::curves(&path, &title, trace, &ours, (&keda, &theirs))?;
        let windows = WINDOWS.map(|window| {
            let score = alone(setup, seeds, Policy { window, ..POLICY });
            (score.replica_hours, score.late_time)
        });
        let path = arguments.out.join(format!("{}-trade-off.svg", trace.name));
        report::trade_off(&path, &title, outcome, &windows)?;
    }
    Ok(())
}

fn tell(traces: &[Vec<Trace>]) {
    for setup in Setup::all() {
        println!("## {}", setup.name());
        for seeds in traces {
            let score = alone(setup, seeds, POLICY);
            let ratio = score.replica_hours / run::oracle_hours(&seeds[0]);
            println!(
                "{} ({ratio:.2} of the oracle's hours): {score:?}",
                seeds[0].name
            );
            let mut millrace = Millrace::new(POLICY);
            let mut late = Vec::new();
            run(
                &seeds[0],
                setup.with(0),
                &mut millrace,
                start(&seeds[0]),
                |second| {
                    late.push(second.lateness > run::OBJECTIVE);
                },
            );
            for (second, replicas, reason) in &millrace.told {
                println!("  {second:>6} s: {replicas:>3}  {reason}");
            }
            let (first, last) = (
                late.iter().position(|late| *late),
                late.iter().rposition(|late| *late),
            );
            if let Some((first, last)) = first.zip(last) {
                println!("  late from {first} s to {last} s");
            }
        }
    }
}
