use std::collections::BTreeMap;

/// `what`, with what it was in brackets where there was something, to a tenth.
pub fn named(what: &str, amounts: &BTreeMap<String, f64>) -> String {
    if amounts.is_empty() {
        return what.to_owned();
    }
    let kinds: Vec<String> = amounts
        .iter()
        .map(|(kind, amount)| format!("{} {kind}", (amount * 10.0).round() / 10.0))
        .collect();
    format!("{what} ({})", kinds.join(", "))
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn whole_numbers_stay_whole() {
        let amounts = [("Topic".to_owned(), 2.0), ("events".to_owned(), 0.3333)].into();
        assert_eq!(named("writes", &amounts), "writes (2 Topic, 0.3 events)");
        assert_eq!(named("writes", &[].into()), "writes");
    }
}
