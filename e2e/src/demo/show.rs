//! Numbers and moments as people read them.

use crate::flights::Sample;

/// `336776` as `336,776`.
pub fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 { format!("-{text}") } else { text }
}

/// One moment of the stream.
pub fn sample(sample: &Sample) -> String {
    format!(
        "{:>4} s   produced {:>7}   lag {:>7}   replicas {}",
        sample.at.as_secs(),
        number(sample.produced),
        number(sample.lag),
        sample.replicas
    )
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1000, 336_776, -1_234_567].map(number),
            ["0", "999", "1,000", "336,776", "-1,234,567"]
        );
    }
}
