use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
};

use crate::{contest::Outcome, run::Second, scaler::oracle, trace::Trace};

const SIZE: (u32, u32) = (1_100, 900);
const OURS: RGBColor = RGBColor(0, 96, 176);
const THEIRS: RGBColor = RGBColor(200, 80, 0);
const BEST: RGBColor = RGBColor(120, 120, 120);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// A curve's name, its colour, and its points: hours and values.
type Curve<'a> = (&'a str, RGBColor, Vec<(f64, f64)>);

/// The load, the replicas and the lateness of one run, one above the other. `keda`: its name and its run.
///
/// # Errors
/// When the file cannot be written.
pub fn curves(
    path: &Path,
    title: &str,
    trace: &Trace,
    ours: &[Second],
    keda: (&str, &[Second]),
) -> Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    drawn(root.fill(&WHITE))?;
    let root = drawn(root.titled(title, ("sans-serif", 22)))?;
    let panels = root.split_evenly((3, 1));
    let load: Vec<f64> = (1..=trace.seconds)
        .map(|second| rate(trace, second))
        .collect();
    panel(
        &panels[0],
        "records/s that arrive",
        &[("load", BEST, averaged(&load))],
    )?;
    let replicas = |run: &[Second]| {
        averaged(
            &run.iter()
                .map(|at| f64::from(at.replicas))
                .collect::<Vec<f64>>(),
        )
    };
    let lateness = |run: &[Second]| {
        highest(
            &run.iter()
                .map(|at| at.lateness as f64)
                .collect::<Vec<f64>>(),
        )
    };
    let oracle: Vec<f64> = oracle(trace)
        .into_iter()
        .flat_map(|replicas| [f64::from(replicas); 15])
        .collect();
    let curves = [
        ("oracle", BEST, averaged(&oracle)),
        (keda.0, THEIRS, replicas(keda.1)),
        ("Millrace", OURS, replicas(ours)),
    ];
    panel(&panels[1], "replicas", &curves)?;
    let curves = [
        (keda.0, THEIRS, lateness(keda.1)),
        ("Millrace", OURS, lateness(ours)),
    ];
    panel(
        &panels[2],
        "age of the oldest unprocessed record, s (objective 30)",
        &curves,
    )?;
    drawn(root.present())
}

/// Late time against replica-hours: each setting of KEDA, and Millrace with several windows.
///
/// # Errors
/// When the file cannot be written.
pub fn trade_off(path: &Path, title: &str, outcome: &Outcome, ours: &[(f64, f64)]) -> Result<()> {
    let theirs: Vec<(f64, f64)> = outcome
        .keda
        .iter()
        .map(|score| (score.replica_hours, score.late_time))
        .collect();
    let all = || theirs.iter().chain(ours);
    let most = all()
        .map(|(hours, _)| *hours)
        .fold(outcome.oracle_hours, f64::max)
        * 1.05;
    let latest = all().map(|(_, late)| *late).fold(1.0, f64::max) * 1.05;
    let root = SVGBackend::new(path, (1_100, 500)).into_drawing_area();
    drawn(root.fill(&WHITE))?;
    let mut chart = drawn(
        ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 22))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..most, 0.0..latest),
    )?;
    let mut mesh = chart.configure_mesh();
    drawn(
        mesh.x_desc("replica-hours")
            .y_desc("% of the time late")
            .draw(),
    )?;
    let dots = |points: &[(f64, f64)], colour: RGBColor| {
        points
            .iter()
            .map(|point| Circle::new(*point, 4, colour.filled()))
            .collect::<Vec<_>>()
    };
    let series = [
        (
            "KEDA, each setting of the sweep",
            THEIRS,
            dots(&theirs, THEIRS),
        ),
        ("Millrace, windows of 60 to 600 s", OURS, dots(ours, OURS)),
    ];
    for (name, colour, dots) in series {
        let drawn_series = drawn(chart.draw_series(dots))?;
        drawn_series
            .label(name)
            .legend(move |at| Circle::new(at, 4, colour.filled()));
    }
    let floor = LineSeries::new(
        [(outcome.oracle_hours, 0.0), (outcome.oracle_hours, latest)],
        BEST,
    );
    drawn(chart.draw_series(floor))?
        .label("oracle")
        .legend(|(x, y)| PathElement::new([(x - 8, y), (x + 8, y)], BEST));
    legend(&mut chart)?;
    drawn(root.present())
}

fn panel(area: &Area, what: &str, curves: &[Curve]) -> Result<()> {
    let points = || curves.iter().flat_map(|(_, _, points)| points);
    let hours = points().map(|(hour, _)| *hour).fold(0.0, f64::max);
    let most = points().map(|(_, value)| *value).fold(1.0, f64::max) * 1.1;
    let mut chart = drawn(
        ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(28)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..hours, 0.0..most),
    )?;
    drawn(chart.configure_mesh().x_desc("hours").y_desc(what).draw())?;
    for (name, colour, points) in curves {
        let colour = *colour;
        drawn(chart.draw_series(LineSeries::new(
            points.iter().copied(),
            colour.stroke_width(2),
        )))?
        .label(*name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    legend(&mut chart)
}

fn legend<'a>(chart: &mut Chart<'a, 'a>) -> Result<()> {
    drawn(
        chart
            .configure_series_labels()
            .border_style(BLACK)
            .background_style(WHITE)
            .draw(),
    )
}

fn rate(trace: &Trace, second: usize) -> f64 {
    let (before, after) = (trace.arrived(second - 1), trace.arrived(second));
    after.iter().sum::<f64>() - before.iter().sum::<f64>()
}

/// At most some thousand points: more are not seen.
fn chunks(values: &[f64], of: impl Fn(&[f64]) -> f64) -> Vec<(f64, f64)> {
    let size = (values.len() / 1_440).max(1);
    let chunks = values.chunks(size).enumerate();
    chunks
        .map(|(at, chunk)| ((at * size) as f64 / 3_600.0, of(chunk)))
        .collect()
}

fn averaged(values: &[f64]) -> Vec<(f64, f64)> {
    chunks(values, |chunk| {
        chunk.iter().sum::<f64>() / chunk.len() as f64
    })
}

fn highest(values: &[f64]) -> Vec<(f64, f64)> {
    chunks(values, |chunk| chunk.iter().copied().fold(0.0, f64::max))
}

fn drawn<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T> {
    result.map_err(|error| anyhow!("the plot cannot be drawn: {error}"))
}
