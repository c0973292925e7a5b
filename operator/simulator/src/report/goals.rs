use crate::{
    contest::{ALIKE, Outcome},
    run::Score,
};

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
        let late = |score: &Score| score.late_time;
        let hours = |score: &Score| score.replica_hours;
        let rescales = |score: &Score| score.rescales;
        goals.against_tuned(
            "never later than KEDA tuned for the trace",
            outcomes,
            &[],
            late,
            percent,
            |ours, theirs| ours <= theirs + ALIKE,
        );
        goals.against_tuned(
            "no more replica-hours than KEDA tuned for the trace",
            outcomes,
            &[],
            hours,
            tenths,
            |ours, theirs| ours <= theirs,
        );
        goals.against_tuned(
            "8 times fewer rescales than KEDA tuned for the trace",
            outcomes,
            &[],
            rescales,
            tenths,
            |ours, theirs| ours * 8.0 <= theirs,
        );
        goals.against_tuned(
            "a third of its replica-hours on a hot partition",
            outcomes,
            &["hot-partition"],
            hours,
            tenths,
            |ours, theirs| ours * 3.0 <= theirs,
        );
        goals.against_tuned(
            "half its late time when waking from zero",
            outcomes,
            &["on-off"],
            late,
            percent,
            |ours, theirs| ours * 2.0 <= theirs,
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

    /// A goal that compares a figure of Millrace's with that of KEDA tuned for the trace.
    fn against_tuned(
        &mut self,
        text: &'static str,
        outcomes: &[Outcome],
        on: &[&str],
        figure: fn(&Score) -> f64,
        shown: fn(f64) -> String,
        met: fn(f64, f64) -> bool,
    ) {
        self.add(text, outcomes, on, |outcome| {
            let (ours, theirs) = (
                figure(&outcome.millrace),
                figure(&outcome.keda[outcome.tuned()]),
            );
            (
                met(ours, theirs),
                format!("{} / {}", shown(ours), shown(theirs)),
            )
        });
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

fn percent(value: f64) -> String {
    format!("{value:.2} %")
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}
