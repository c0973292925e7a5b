//! A curve in one line of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `values` in at most `width` columns: each column shows the highest of the values it stands for.
pub fn columns(values: &[i64], width: usize) -> Vec<i64> {
    let columns = width.min(values.len());
    (0..columns)
        .map(|column| {
            let from = column * values.len() / columns;
            let to = (column + 1) * values.len() / columns;
            values[from..to].iter().copied().max().unwrap_or_default()
        })
        .collect()
}

/// A bar for each value, as high as its share of the highest. Zero is the lowest bar.
pub fn bars(values: &[i64]) -> String {
    let highest = values.iter().copied().max().unwrap_or_default().max(1);
    values
        .iter()
        .map(|&value| {
            BARS[usize::try_from((value.max(0) * 7 + highest / 2) / highest)
                .unwrap_or_default()
                .min(7)]
        })
        .collect()
}

/// A digit for each value, `+` above nine.
pub fn digits(values: &[i64]) -> String {
    values
        .iter()
        .map(|&value| {
            u32::try_from(value)
                .ok()
                .and_then(|value| char::from_digit(value, 10))
                .unwrap_or('+')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{bars, columns, digits};

    #[test]
    fn a_column_shows_the_highest_of_its_values() {
        assert_eq!(columns(&[1, 5, 2, 2, 9, 0], 3), [5, 2, 9]);
        assert_eq!(columns(&[1, 2], 10), [1, 2]);
        assert!(columns(&[], 10).is_empty());
    }

    #[test]
    fn bars_go_from_nothing_to_the_highest() {
        assert_eq!(bars(&[0, 50, 100]), "▁▅█");
        assert_eq!(bars(&[0, 0]), "▁▁");
    }

    #[test]
    fn digits_stop_at_nine() {
        assert_eq!(digits(&[1, 6, 12]), "16+");
    }
}
