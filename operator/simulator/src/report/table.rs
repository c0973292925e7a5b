use comfy_table::{Cell, CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::{contest::Outcome, run::Score, scaler::KedaSetting};

/// A line for each trace: KEDA as it is tuned best for that trace, and Millrace with its one setting.
pub fn brief(outcomes: &[Outcome], settings: &[KedaSetting]) -> String {
    let header = [
        "trace",
        "oracle h",
        "KEDA tuned for it",
        "late %",
        "h",
        "rescales",
        "Millrace late %",
        "h",
        "rescales",
        "h / oracle",
    ];
    let rows = outcomes.iter().map(|outcome| {
        let (tuned, ours) = (outcome.tuned(), outcome.millrace);
        let theirs = outcome.keda[tuned];
        vec![
            outcome.trace.to_owned(),
            format!("{:.1}", outcome.oracle_hours),
            settings[tuned].name(),
            format!("{:.2}", theirs.late_time),
            format!("{:.1}", theirs.replica_hours),
            format!("{:.1}", theirs.rescales),
            format!("{:.2}", ours.late_time),
            format!("{:.1}", ours.replica_hours),
            format!("{:.1}", ours.rescales),
            format!("{:.2}", ours.replica_hours / outcome.oracle_hours),
        ]
    });
    table(&header, rows, 3)
}

/// Everything that was measured of everybody. `single`: the setting that is best over all traces.
pub fn all(outcomes: &[Outcome], settings: &[KedaSetting], single: usize) -> String {
    let header = [
        "trace",
        "scaler",
        "late time %",
        "late records %",
        "replica-hours",
        "h / oracle",
        "rescales",
        "first up s",
        "wasted h",
    ];
    let rows = outcomes.iter().flat_map(|outcome| {
        let tuned = outcome.tuned();
        let default = settings
            .iter()
            .position(|setting| *setting == KedaSetting::DEFAULT)
            .unwrap_or(0);
        let row = |name: String, score: Score| {
            vec![
                outcome.trace.to_owned(),
                name,
                format!("{:.2}", score.late_time),
                format!("{:.2}", score.late_records),
                format!("{:.1}", score.replica_hours),
                format!("{:.2}", score.replica_hours / outcome.oracle_hours),
                format!("{:.1}", score.rescales),
                score
                    .first_scale_up
                    .map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}")),
                format!("{:.1}", score.wasted),
            ]
        };
        let oracle = Score {
            replica_hours: outcome.oracle_hours,
            ..Score::default()
        };
        [
            row("oracle".to_owned(), oracle),
            row("static at peak".to_owned(), outcome.static_peak),
            row("KEDA default".to_owned(), outcome.keda[default]),
            row(
                format!("KEDA best single ({})", settings[single].name()),
                outcome.keda[single],
            ),
            row(
                format!("KEDA tuned ({})", settings[tuned].name()),
                outcome.keda[tuned],
            ),
            row("Millrace".to_owned(), outcome.millrace),
        ]
    });
    table(&header, rows, 2)
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>, words: usize) -> String {
    let mut table = Table::new();
    table
        .load_preset(ASCII_MARKDOWN)
        .set_header(header.to_vec());
    for row in rows {
        let cells = row.into_iter().enumerate().map(|(at, text)| {
            let number = at >= words || (words == 3 && at == 1);
            Cell::new(text).set_alignment(if number {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            })
        });
        table.add_row(cells);
    }
    table.to_string()
}
