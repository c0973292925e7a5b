use crate::contest::{ALIKE, Outcome};

/// Which of the goals were met on which traces.
#[derive(Debug, Default)]
pub struct Goals(Vec<Goal>);

#[derive(Debug)]
struct Goal {
    text: &'static str,
    met: Vec<String>,
    missed: Vec<String>,
}

impl Goals {
    /// Judges the outcomes of one setup.
    pub fn judge(outcomes: &[Outcome]) -> Self {
        let mut goals = Self::default();
        goals.add(
            "never later than KEDA tuned for the trace",
            outcomes,
            &[],
            |outcome| {
                let (ours, theirs) = (
                    outcome.millrace.late_time,
                    outcome.keda[outcome.tuned()].late_time,
                );
                (
                    ours <= theirs + ALIKE,
                    format!("{ours:.2} % / {theirs:.2} %"),
                )
            },
        );
        goals.add(
            "no more replica-hours than KEDA tuned for the trace",
            outcomes,
            &[],
            |outcome| {
                let (ours, theirs) = (
                    outcome.millrace.replica_hours,
                    outcome.keda[outcome.tuned()].replica_hours,
                );
                (ours <= theirs, format!("{ours:.1} / {theirs:.1}"))
            },
        );
        goals.add(
            "8 times fewer rescales than KEDA tuned for the trace",
            outcomes,
            &[],
            |outcome| {
                let (ours, theirs) = (
                    outcome.millrace.rescales,
                    outcome.keda[outcome.tuned()].rescales,
                );
                (ours * 8.0 <= theirs, format!("{ours:.1} / {theirs:.1}"))
            },
        );
        goals.add(
            "a third of its replica-hours on a hot partition",
            outcomes,
            &["hot-partition"],
            |outcome| {
                let (ours, theirs) = (
                    outcome.millrace.replica_hours,
                    outcome.keda[outcome.tuned()].replica_hours,
                );
                (ours * 3.0 <= theirs, format!("{ours:.1} / {theirs:.1}"))
            },
        );
        goals.add(
            "half its late time when waking from zero",
            outcomes,
            &["on-off"],
            |outcome| {
                let (ours, theirs) = (
                    outcome.millrace.late_time,
                    outcome.keda[outcome.tuned()].late_time,
                );
                (ours * 2.0 <= theirs, format!("{ours:.2} % / {theirs:.2} %"))
            },
        );
        goals.add(
            "within 1.25 of the oracle's replica-hours",
            outcomes,
            &["spike", "diurnal", "ramp"],
            |outcome| {
                let ratio = outcome.millrace.replica_hours / outcome.oracle_hours;
                (ratio <= 1.25, format!("{ratio:.2}"))
            },
        );
        goals
    }

    fn add(
        &mut self,
        text: &'static str,
        outcomes: &[Outcome],
        on: &[&str],
        met: impl Fn(&Outcome) -> (bool, String),
    ) {
        let mut goal = Goal {
            text,
            met: Vec::new(),
            missed: Vec::new(),
        };
        for outcome in outcomes
            .iter()
            .filter(|outcome| on.is_empty() || on.contains(&outcome.trace))
        {
            let (is_met, figures) = met(outcome);
            let list = if is_met {
                &mut goal.met
            } else {
                &mut goal.missed
            };
            list.push(format!("{} ({figures})", outcome.trace));
        }
        self.0.push(goal);
    }

    /// A line for each goal: how often it was met, and where not.
    pub fn lines(&self) -> String {
        let line = |goal: &Goal| {
            let all = goal.met.len() + goal.missed.len();
            let missed = match goal.missed.is_empty() {
                true => String::new(),
                false => format!("; missed on {}", goal.missed.join(", ")),
            };
            format!("- {}: {} of {all}{missed}\n", goal.text, goal.met.len())
        };
        self.0.iter().map(line).collect()
    }
}
