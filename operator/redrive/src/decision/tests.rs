use std::collections::BTreeMap;

use super::*;
use crate::letter::{ATTEMPT, Header, Letter};

/// A letter from `orders/2/40` that `reason` killed, at offset `offset` of partition 0.
fn letter(offset: i64, headers: &[(&'static str, &'static str)]) -> Letter<'static> {
    let came_from = [
        ("dlq.reason", "NoPrice"),
        ("dlq.source.topic", "orders"),
        ("dlq.source.partition", "2"),
        ("dlq.source.offset", "40"),
    ];
    Letter {
        partition: 0,
        offset,
        timestamp: Some(1_000),
        key: Some(b"order-7"),
        value: Some(b"v"),
        headers: with(&came_from, headers),
    }
}

fn stray(headers: &[(&'static str, &'static str)]) -> Letter<'static> {
    Letter {
        headers: with(&[], headers),
        ..letter(0, &[])
    }
}

fn with(
    some: &[(&'static str, &'static str)],
    more: &[(&'static str, &'static str)],
) -> Vec<Header<'static>> {
    let header = |(name, value): &(&'static str, &'static str)| Header {
        name,
        value: Some(value.as_bytes()),
    };
    some.iter().chain(more).map(header).collect()
}

fn rules() -> Rules {
    Rules {
        filter: Filter::default(),
        to: Destination::Origin,
        max_attempts: 3,
        quarantine: None,
        allowed: BTreeMap::from([("orders".to_owned(), 3), ("parking".to_owned(), 1)]),
    }
}

fn decided(letter: &Letter<'_>, rules: &Rules) -> Decision {
    decide(letter, Original::Unread, rules, &[])
}

fn home(partition: Option<i32>, attempt: u32) -> Decision {
    Decision::Home {
        topic: "orders".to_owned(),
        partition,
        attempt,
    }
}

#[test]
fn a_letter_goes_home_to_the_partition_it_came_from() {
    assert_eq!(decided(&letter(0, &[]), &rules()), home(Some(2), 1));
}

#[test]
fn a_partition_that_is_gone_leaves_the_choice_to_the_key() {
    let fewer = Rules {
        allowed: BTreeMap::from([("orders".to_owned(), 2)]),
        ..rules()
    };
    assert_eq!(decided(&letter(0, &[]), &fewer), home(None, 1));
}

#[test]
fn another_topic_is_reached_by_the_key() {
    let elsewhere = Rules {
        to: Destination::Topic("parking".to_owned()),
        ..rules()
    };
    let expected = Decision::Home {
        topic: "parking".to_owned(),
        partition: None,
        attempt: 1,
    };
    assert_eq!(decided(&letter(0, &[]), &elsewhere), expected);
    assert_eq!(decided(&stray(&[]), &elsewhere), expected);
}

#[test]
fn a_letter_of_unknown_origin_stays_unless_a_topic_is_named() {
    assert_eq!(
        decided(&stray(&[("trace", "1")]), &rules()),
        Decision::Skip(Skip::NoOrigin)
    );
}

#[test]
fn nothing_is_written_without_consent() {
    let refused = |topic: &str| Decision::Refused {
        topic: topic.to_owned(),
    };
    let nothing = Rules {
        allowed: BTreeMap::new(),
        ..rules()
    };
    assert_eq!(decided(&letter(0, &[]), &nothing), refused("orders"));
    let to_theirs = Rules {
        quarantine: Some("theirs".to_owned()),
        max_attempts: 1,
        ..rules()
    };
    let again = letter(0, &[(ATTEMPT, "1")]);
    assert_eq!(decided(&again, &to_theirs), refused("theirs"));
}

#[test]
fn a_letter_that_came_back_too_often_goes_to_quarantine_and_never_home() {
    assert_eq!(
        decided(&letter(0, &[(ATTEMPT, "2")]), &rules()),
        home(Some(2), 3)
    );
    let again = letter(0, &[(ATTEMPT, "3")]);
    assert_eq!(
        decided(&again, &rules()),
        Decision::Skip(Skip::Exceeded),
        "without a quarantine it stays"
    );
    let parked = Rules {
        quarantine: Some("parking".to_owned()),
        ..rules()
    };
    assert_eq!(
        decided(&again, &parked),
        Decision::Quarantine {
            topic: "parking".to_owned()
        }
    );
}

#[test]
fn a_letter_without_a_body_is_read_again_where_it_came_from() {
    let bodiless = Letter {
        key: None,
        value: None,
        ..letter(0, &[])
    };
    let fetch = Decision::Fetch {
        topic: "orders".to_owned(),
        partition: 2,
        offset: 40,
    };
    assert_eq!(decided(&bodiless, &rules()), fetch);
    let read = decide(&bodiless, Original::Read(&[]), &rules(), &[]);
    assert_eq!(read, home(Some(2), 1));
    let often = with(&[], &[(ATTEMPT, "3")]);
    assert_eq!(
        decide(&bodiless, Original::Read(&often), &rules(), &[]),
        Decision::Skip(Skip::Exceeded),
        "the original knows how often it was brought home"
    );
    let tombstone = Letter {
        value: None,
        ..letter(0, &[])
    };
    assert_eq!(
        decided(&tombstone, &rules()),
        home(Some(2), 1),
        "a tombstone is a record as any other"
    );
}

#[test]
fn a_letter_without_a_body_is_not_read_for_a_topic_that_may_not_be_written_to() {
    let bodiless = Letter {
        key: None,
        value: None,
        ..letter(0, &[])
    };
    let nothing = Rules {
        allowed: BTreeMap::new(),
        ..rules()
    };
    assert!(matches!(
        decided(&bodiless, &nothing),
        Decision::Refused { .. }
    ));
}

#[test]
fn what_an_earlier_run_brought_home_is_home() {
    let earlier = EarlierRun {
        rules: Rules {
            filter: Filter {
                reasons: vec!["NoPrice".to_owned()],
                ..Filter::default()
            },
            ..rules()
        },
        processed: BTreeMap::from([(0, 10)]),
    };
    let now = |letter: &Letter<'_>, earlier: &EarlierRun| {
        decide(
            letter,
            Original::Unread,
            &rules(),
            std::slice::from_ref(earlier),
        )
    };
    let at_home = Decision::Skip(Skip::AlreadyHome);
    assert_eq!(now(&letter(9, &[]), &earlier), at_home);
    assert_eq!(
        now(&letter(10, &[]), &earlier),
        home(Some(2), 1),
        "it stopped before this one"
    );
    let elsewhere = Letter {
        partition: 1,
        ..letter(9, &[])
    };
    assert_eq!(now(&elsewhere, &earlier), home(Some(2), 1));
    let other_reason = letter(9, &[("dlq.reason", "NoCustomer")]);
    assert_eq!(now(&other_reason, &earlier), home(Some(2), 1));
    let refused_then = EarlierRun {
        rules: Rules {
            allowed: BTreeMap::new(),
            ..earlier.rules.clone()
        },
        ..earlier.clone()
    };
    assert_eq!(
        now(&letter(9, &[]), &refused_then),
        home(Some(2), 1),
        "what was refused then was left"
    );
}

#[test]
fn what_an_earlier_run_put_in_quarantine_is_not_put_there_twice() {
    let parked = Rules {
        quarantine: Some("parking".to_owned()),
        max_attempts: 1,
        ..rules()
    };
    let earlier = EarlierRun {
        rules: parked.clone(),
        processed: BTreeMap::from([(0, 10)]),
    };
    let again = letter(0, &[(ATTEMPT, "1")]);
    assert_eq!(
        decide(&again, Original::Unread, &parked, &[earlier]),
        Decision::Skip(Skip::AlreadyHome)
    );
}

mod filters {
    use super::*;

    fn matches(filter: Filter) -> bool {
        filter.matches(&letter(7, &[("tenant", "a"), ("tenant", "b")]))
    }

    fn text(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn a_filter_that_says_nothing_means_all() {
        assert!(matches(Filter::default()));
        assert!(Filter::default().matches(&Letter {
            timestamp: None,
            key: None,
            ..letter(0, &[])
        }));
    }

    #[test]
    fn reasons_and_sources_are_any_of_those_named() {
        let of = |reasons: &[&str], sources: &[&str]| Filter {
            reasons: text(reasons),
            sources: text(sources),
            ..Filter::default()
        };
        assert!(matches(of(&["Other", "NoPrice"], &[])));
        assert!(matches(of(&[], &["orders"])));
        assert!(!matches(of(&["NoPrice"], &["returns"])));
        assert!(!matches(of(&["noprice"], &[])));
    }

    #[test]
    fn times_begin_with_from_and_end_before_until() {
        let between = |from, until| Filter {
            from: Some(from),
            until: Some(until),
            ..Filter::default()
        };
        assert!(matches(between(1_000, 1_001)));
        assert!(!matches(between(1_001, 2_000)));
        assert!(!matches(between(0, 1_000)));
        let timeless = Letter {
            timestamp: None,
            ..letter(0, &[])
        };
        assert!(!between(0, i64::MAX).matches(&timeless));
    }

    #[test]
    fn offsets_are_of_the_partitions_named() {
        let within = |partition, from, until| Filter {
            offsets: vec![OffsetRange {
                partition,
                from,
                until,
            }],
            ..Filter::default()
        };
        assert!(matches(within(0, 7, Some(8))));
        assert!(matches(within(0, 0, None)));
        assert!(!matches(within(0, 0, Some(7))));
        assert!(!matches(within(0, 8, None)));
        assert!(!matches(within(1, 0, None)));
    }

    #[test]
    fn keys_and_headers_are_compared_as_bytes() {
        let prefix = |prefix: &[u8]| Filter {
            key_prefix: prefix.to_vec(),
            ..Filter::default()
        };
        assert!(matches(prefix(b"order-")));
        assert!(!matches(prefix(b"order-77")));
        let keyless = Letter {
            key: None,
            ..letter(0, &[])
        };
        assert!(!prefix(b"o").matches(&keyless));
        let headers = |pairs: &[(&str, &str)]| Filter {
            headers: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            ..Filter::default()
        };
        assert!(matches(headers(&[("tenant", "b"), ("tenant", "a")])));
        assert!(!matches(headers(&[("tenant", "a"), ("tenant", "c")])));
        assert!(!matches(headers(&[("Tenant", "a")])));
    }
}
