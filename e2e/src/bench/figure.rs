use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

/// One measured figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: &'static str,
    /// How much, in `unit`.
    pub value: f64,
    /// `s` or `MiB`.
    pub unit: &'static str,
    /// The least it could have been on this machine in this run, in `unit`, where there is such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// What the floor is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_is: Option<&'static str>,
}

impl Figure {
    /// How many times the floor it is.
    pub fn ratio(&self) -> Option<f64> {
        self.floor
            .filter(|floor| *floor > 0.0)
            .map(|floor| self.value / floor)
    }
}

/// The figures as a table for people.
pub fn table(figures: &[Figure]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header([
        "figure",
        "value",
        "floor",
        "ratio",
        "the floor is",
    ]);
    for figure in figures {
        table.add_row([
            figure.what.to_owned(),
            format!("{:.1} {}", figure.value, figure.unit),
            figure
                .floor
                .map(|floor| format!("{floor:.1} {}", figure.unit))
                .unwrap_or_default(),
            figure
                .ratio()
                .map(|ratio| format!("{ratio:.1}"))
                .unwrap_or_default(),
            figure.floor_is.unwrap_or_default().to_owned(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn the_ratio_needs_a_floor() {
        let figure = |floor| Figure {
            what: "start",
            value: 6.0,
            unit: "s",
            floor,
            floor_is: None,
        };
        assert_eq!(figure(Some(2.0)).ratio(), Some(3.0));
        assert_eq!(figure(Some(0.0)).ratio(), None);
        assert_eq!(figure(None).ratio(), None);
    }
}
