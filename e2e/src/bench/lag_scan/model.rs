use anyhow::{Context, Result};

use super::look::Look;
use crate::{bench::Figure, operator};

/// What is extrapolated to.
const GROUPS: f64 = 10_000.0;
const PARTITIONS: f64 = 100_000.0;
/// Requests that a look may take there.
const MOST_REQUESTS: f64 = 200.0;
/// Memory that the operator may take there, in MiB: 70 MB.
const MOST_MEMORY: f64 = 70e6 / 1_048_576.0;
/// In the name of a metric that counts requests on the wire. A call may be many of them.
const WIRE: &str = "wire";

/// `base + groups * group + partitions * partition`, the least squares of what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Model {
    base: f64,
    group: f64,
    partition: f64,
}

/// What a look at ten thousand groups with a hundred thousand partitions would take, each with how far the model is off where it was
/// measured.
///
/// # Errors
/// When the measurements cannot tell a group's part from a partition's.
pub fn extrapolated(looks: &[Look]) -> Result<Vec<Figure>> {
    let (counter, requests) = requests(looks);
    let figure = |what: &str, unit, values: &[f64]| {
        let points = looks.iter().zip(values);
        let points: Vec<[f64; 3]> = points
            .map(|(look, value)| [look.groups(), look.partitions(), *value])
            .collect();
        let model = Model::fit(&points).with_context(|| {
            format!("{what}: a group's part cannot be told from a partition's in {points:?}")
        })?;
        let residuals: Vec<String> = looks
            .iter()
            .zip(&points)
            .map(|(look, [groups, partitions, value])| {
                let off = value - model.at(*groups, *partitions);
                format!("{off:+.2} at {}", look.name())
            })
            .collect();
        let what = format!(
            "{what} with {GROUPS} groups and {PARTITIONS} partitions, extrapolated by {:.2} + {:.5} a group + {:.6} a partition; \
             residuals {}",
            model.base,
            model.group,
            model.partition,
            residuals.join(", ")
        );
        anyhow::Ok(Figure::new(what, model.at(GROUPS, PARTITIONS), unit))
    };
    let values = |of: fn(&Look) -> f64| looks.iter().map(of).collect::<Vec<f64>>();
    Ok(vec![
        figure(&counter, "/look", &requests)?.with_goal(MOST_REQUESTS),
        figure(
            "operator's processor time a look",
            "ms",
            &values(Look::processor_ms),
        )?,
        figure("operator's memory", "MiB", &values(Look::memory_mib))?.with_goal(MOST_MEMORY),
    ])
}

/// The metric of requests on the wire, or that of calls where there is none, and the requests of one look of each of `looks`.
fn requests(looks: &[Look]) -> (String, Vec<f64>) {
    let all: Vec<_> = looks.iter().map(Look::requests).collect();
    let mut metrics = all.iter().flat_map(|of_look| of_look.keys());
    let metric = metrics.find(|metric| metric.contains(WIRE));
    let metric = metric.map_or(operator::CALLS, String::as_str).to_owned();
    let sums = all.iter().map(|of_look| {
        let requests = of_look.get(&metric);
        requests.map_or(0.0, |requests| requests.values().sum())
    });
    let sums = sums.collect();
    (metric, sums)
}

impl Model {
    /// The model of points of groups, partitions and a value; none where other models are as good.
    fn fit(points: &[[f64; 3]]) -> Option<Self> {
        let mut equations = [[0.0; 4]; 3];
        for [groups, partitions, value] in points {
            let known = [1.0, *groups, *partitions, *value];
            for (row, equation) in equations.iter_mut().enumerate() {
                for (column, sum) in equation.iter_mut().enumerate() {
                    *sum += known[row] * known[column];
                }
            }
        }
        let [base, group, partition] = solve(equations)?;
        Some(Self {
            base,
            group,
            partition,
        })
    }

    fn at(&self, groups: f64, partitions: f64) -> f64 {
        self.base + groups * self.group + partitions * self.partition
    }
}

/// The solution of three linear equations, each its factors and its right-hand side (Gauss and Jordan, with pivots); none where there
/// is not exactly one.
fn solve(mut equations: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let scale = equations
            .iter()
            .map(|row| row[column].abs())
            .fold(0.0, f64::max);
        let pivot = (column..3).max_by(|a, b| {
            let size = |row: usize| equations[row][column].abs();
            size(*a).total_cmp(&size(*b))
        })?;
        equations.swap(column, pivot);
        let chosen = equations[column];
        if chosen[column].abs() <= scale * 1e-9 {
            return None;
        }
        for row in (0..3).filter(|row| *row != column) {
            let factor = equations[row][column] / chosen[column];
            for (value, other) in equations[row].iter_mut().zip(chosen) {
                *value -= factor * other;
            }
        }
    }
    let mut solution = [0.0; 3];
    for (row, value) in solution.iter_mut().enumerate() {
        *value = equations[row][3] / equations[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::Model;

    /// The sizes that are measured, of groups and partitions.
    const SIZES: [(f64, f64); 4] = [
        (300.0, 1_200.0),
        (100.0, 2_000.0),
        (300.0, 6_000.0),
        (1_000.0, 20_000.0),
    ];

    #[test]
    fn what_is_linear_is_found() {
        let points = SIZES.map(|(g, p)| [g, p, 6.0 + 0.01 * g + 0.002 * p]);
        let model = Model::fit(&points).unwrap();
        assert!((model.base - 6.0).abs() < 1e-6, "{model:?}");
        assert!((model.group - 0.01).abs() < 1e-8, "{model:?}");
        assert!((model.partition - 0.002).abs() < 1e-9, "{model:?}");
        assert!((model.at(1e4, 1e5) - 306.0).abs() < 1e-3, "{model:?}");
    }

    #[test]
    fn residuals_are_no_larger_than_those_of_another_model() {
        let noise = [0.3, -0.2, 0.1, -0.1];
        let mut points = SIZES.map(|(g, p)| [g, p, 20.0 + 0.01 * g]);
        for (point, noise) in points.iter_mut().zip(noise) {
            point[2] += noise;
        }
        let squares = |model: &Model| {
            let of = |[g, p, value]: &[f64; 3]| (value - model.at(*g, *p)).powi(2);
            points.iter().map(of).sum::<f64>()
        };
        let model = Model::fit(&points).unwrap();
        let best = squares(&model);
        for step in [-1e-3, 1e-3] {
            let bases = Model {
                base: model.base + step,
                ..model
            };
            let groups = Model {
                group: model.group + step * 1e-2,
                ..model
            };
            assert!(squares(&bases) > best && squares(&groups) > best);
        }
    }

    #[test]
    fn what_always_grows_together_is_not_told_apart() {
        let points = [100.0, 300.0, 1_000.0].map(|g| [g, g * 20.0, g]);
        assert_eq!(Model::fit(&points), None);
        assert_eq!(Model::fit(&points[..1]), None);
    }
}
