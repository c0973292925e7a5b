use super::{
    Header,
    family::{FAMILIES, Pick, value},
    return_address,
};

/// What the names of Millrace's own headers begin with.
const OURS: &str = "millrace.redrive.";
/// The uid of the Redrive that brought the letter home last.
pub const REDRIVE: &str = "millrace.redrive.id";
/// How often the letter has been brought home, in decimal digits.
pub const ATTEMPT: &str = "millrace.redrive.attempt";
/// Where the letter was first read from, as [`super::Address`] is written.
pub const FIRST_ORIGIN: &str = "millrace.redrive.origin";
/// Longest value of [`FIRST_ORIGIN`] that is kept, in bytes: a topic, a partition and an offset are shorter.
const LONGEST_ORIGIN: usize = 300;

/// Whether a header goes home with the letter. What tells of the failure stays behind, all of each family, and so do the headers
/// of an earlier Redrive.
pub fn is_kept(name: &str) -> bool {
    let prefixes = FAMILIES.iter().map(|family| family.prefix);
    !prefixes
        .chain([OURS])
        .any(|prefix| name.starts_with(prefix))
}

/// How often a record with these headers has been brought home already. 0 where its headers do not say, or make no sense.
pub fn attempts(headers: &[Header<'_>]) -> u32 {
    value(ATTEMPT, Pick::Last, headers.iter().copied())
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// The headers that are put behind those kept: name and value. `letter` are the headers of the dead letter, `original` those of
/// the record that is brought home: the same, unless it was read again from where it came. `redrive` is the uid of the Redrive,
/// `attempt` counts from 1.
pub fn added(
    letter: &[Header<'_>],
    original: &[Header<'_>],
    redrive: &str,
    attempt: u32,
) -> impl Iterator<Item = (&'static str, String)> {
    let all = letter.iter().chain(original).copied();
    let first = value(FIRST_ORIGIN, Pick::First, all)
        .filter(|value| value.len() <= LONGEST_ORIGIN)
        .and_then(|value| std::str::from_utf8(value).ok())
        .map(str::to_owned);
    let origin = first.or_else(|| return_address(letter).map(|address| address.to_string()));
    [
        (REDRIVE, redrive.to_owned()),
        (ATTEMPT, attempt.to_string()),
    ]
    .into_iter()
    .chain(origin.map(|origin| (FIRST_ORIGIN, origin)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers<'a>(of: &'a [(&'a str, &'a str)]) -> Vec<Header<'a>> {
        of.iter()
            .map(|(name, value)| Header {
                name,
                value: Some(value.as_bytes()),
            })
            .collect()
    }

    fn added_to(of: &[(&str, &str)], attempt: u32) -> Vec<(&'static str, String)> {
        added(&headers(of), &[], "uid", attempt).collect()
    }

    #[test]
    fn what_tells_of_the_failure_stays_behind_and_all_else_goes_home() {
        for name in [
            "dlq.reason",
            "dlq.source.group",
            "__connect.errors.exception.stacktrace",
            "__streams.errors.message",
            "__dlq.errors.delivery.count",
            "kafka_dlt-original-timestamp-type",
            REDRIVE,
            ATTEMPT,
            FIRST_ORIGIN,
        ] {
            assert!(!is_kept(name), "{name}");
        }
        for name in [
            "",
            "traceparent",
            "DLQ.reason",
            "__key_schema_id",
            "dlq",
            "kafka_nativeHeaders",
        ] {
            assert!(is_kept(name), "{name}");
        }
    }

    #[test]
    fn a_letter_says_who_brought_it_home_how_often_and_from_where() {
        let letter = [
            ("__connect.errors.topic", "orders"),
            ("__connect.errors.partition", "2"),
            ("__connect.errors.offset", "40"),
        ];
        let expected = [
            (REDRIVE, "uid"),
            (ATTEMPT, "1"),
            (FIRST_ORIGIN, "orders/2/40"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        assert_eq!(added_to(&letter, 1), expected);
    }

    #[test]
    fn where_it_first_came_from_is_kept_however_often_it_returns() {
        let letter = [
            (FIRST_ORIGIN, "orders/2/40"),
            ("dlq.source.topic", "orders.retry"),
        ];
        let origin = added_to(&letter, 2).pop();
        assert_eq!(origin, Some((FIRST_ORIGIN, "orders/2/40".to_owned())));
        assert_eq!(added_to(&[("trace", "1")], 1).len(), 2, "nobody knows");
        let odd = "x".repeat(5_000);
        assert_eq!(added_to(&[(FIRST_ORIGIN, &odd)], 1).len(), 2, "not ours");
    }

    #[test]
    fn attempts_are_counted_by_the_last_header_that_makes_sense() {
        assert_eq!(attempts(&headers(&[])), 0);
        assert_eq!(attempts(&headers(&[(ATTEMPT, "1"), (ATTEMPT, "2")])), 2);
        for odd in ["-1", "two", "99999999999999999999"] {
            assert_eq!(attempts(&headers(&[(ATTEMPT, odd)])), 0, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_headers_can_be_sent_home(all in prop::collection::vec(("[a-z.\\-_]{0,20}", prop::collection::vec(any::<u8>(), 0..20)), 0..12)) {
            let headers: Vec<Header<'_>> = all
                .iter()
                .map(|(name, value)| Header { name, value: Some(value) })
                .collect();
            let attempt = attempts(&headers).saturating_add(1);
            prop_assert!((2..=3).contains(&added(&headers, &headers, "uid", attempt).count()));
        }
    }
}
