//! Tables as kubectl prints them: columns, and no lines.

use comfy_table::{Cell, CellAlignment, Table, presets::NOTHING};

/// What is not known.
pub(super) const UNKNOWN: &str = "-";

/// Seconds as people read them: `12s`, `3m20s`, `2h05m`.
pub(super) fn span(seconds: Option<i64>) -> String {
    match seconds {
        None => UNKNOWN.to_owned(),
        Some(seconds) if seconds < 60 => format!("{seconds}s"),
        Some(seconds) if seconds < 3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        Some(seconds) => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A table without lines that begins with its header.
pub(super) fn empty<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header);
    table
}

/// Without the spaces at both ends of lines.
pub(super) fn written(table: &Table) -> String {
    let line = |line: String| format!("{}\n", line.strip_prefix(' ').unwrap_or(&line).trim_end());
    table.lines().map(line).collect()
}

pub(super) fn text(value: Option<String>) -> Cell {
    Cell::new(value.unwrap_or_else(|| UNKNOWN.to_owned()))
}

pub(super) fn number(value: Option<impl ToString>) -> Cell {
    right(value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string()))
}

pub(super) fn right(value: String) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}
