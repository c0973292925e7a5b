use comfy_table::{ColumnConstraint, Table, Width, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

/// Letters in a line of what was measured; longer words are wrapped.
const WIDEST: u16 = 90;

/// One measured figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// How much, in `unit`.
    pub value: f64,
    /// `s`, `ms`, `MiB`, `/s`, `/min`, `/look`, `%`, or nothing for a number of things.
    pub unit: &'static str,
    /// What it was measured against in this run, in `unit`: the least it could have been on this machine, where there is such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// What the floor is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_is: Option<String>,
    /// The most it shall be, in `unit`, where that was promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<f64>,
}

impl Figure {
    /// A figure by itself.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            // The sum of nothing is -0.
            value: value + 0.0,
            unit,
            floor: None,
            floor_is: None,
            goal: None,
        }
    }

    /// The same against a floor.
    pub fn with_floor(self, floor: f64, is: impl Into<String>) -> Self {
        Self {
            floor: Some(floor),
            floor_is: Some(is.into()),
            ..self
        }
    }

    /// The same with the most it shall be.
    pub fn with_goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    /// How many times the floor it is.
    pub fn ratio(&self) -> Option<f64> {
        self.floor
            .filter(|floor| *floor > 0.0)
            .map(|floor| self.value / floor)
    }

    /// Whether it is worse than its goal.
    pub fn is_missed(&self) -> bool {
        self.goal.is_some_and(|goal| self.value > goal)
    }

    fn amount(&self, amount: f64) -> String {
        match self.unit {
            "" => format!("{amount:.0}"),
            "ms" => format!("{amount:.0} ms"),
            unit => format!("{amount:.1} {unit}"),
        }
    }
}

/// The figures as a table for people.
pub fn table(figures: &[Figure]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header([
        "figure",
        "value",
        "goal",
        "floor",
        "ratio",
        "the floor is",
    ]);
    for figure in figures {
        let goal = figure.goal.map(|goal| {
            let missed = if figure.is_missed() { ", missed" } else { "" };
            format!("≤ {}{missed}", figure.amount(goal))
        });
        table.add_row([
            figure.what.clone(),
            figure.amount(figure.value),
            goal.unwrap_or_default(),
            figure
                .floor
                .map(|floor| figure.amount(floor))
                .unwrap_or_default(),
            figure
                .ratio()
                .map(|ratio| format!("{ratio:.2}"))
                .unwrap_or_default(),
            figure.floor_is.clone().unwrap_or_default(),
        ]);
    }
    if let Some(what) = table.column_mut(0) {
        what.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(WIDEST)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Figure, table};

    #[test]
    fn the_ratio_needs_a_floor() {
        let figure = Figure::new("start", 6.0, "s");
        assert_eq!(figure.clone().with_floor(2.0, "a pod").ratio(), Some(3.0));
        assert_eq!(figure.clone().with_floor(0.0, "nothing").ratio(), None);
        assert_eq!(figure.ratio(), None);
    }

    #[test]
    fn what_takes_many_words_is_wrapped() {
        let text = table(&[Figure::new("many words ".repeat(30), 1.0, "s")]).to_string();
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest < Some(160), "{text}");
    }

    #[test]
    fn a_missed_goal_is_said() {
        let reached = Figure::new("writes", [0.0; 0].iter().sum(), "").with_goal(0.0);
        let missed = Figure::new("edit", 1200.0, "ms").with_goal(1000.0);
        assert!(!reached.is_missed() && missed.is_missed());
        let text = table(&[reached, missed]).to_string();
        assert!(text.contains("≤ 1000 ms, missed"), "{text}");
        assert!(text.contains("≤ 0 ") && !text.contains("-0"), "{text}");
    }
}
