//! Whatever the headers of dead letters and the text of a bookmark say, a decision comes of them, in bounded room.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use millrace_redrive::{
    bookmark::{Bookmark, LARGEST},
    decision::{Decision, Destination, EarlierRun, Filter, Original, Rules, Skip, decide},
    letter::{
        ATTEMPT, FIRST_ORIGIN, Header, Letter, Origin, REDRIVE, added, attempts, is_kept, origin,
        return_address,
    },
    tally::{Fate, MOST_LINES, Report, Tally},
};
use proptest::{prelude::*, sample::select};

/// Longest reason and longest source, in characters.
const LONGEST: usize = 200;
/// Most bytes of the headers that a letter goes home with on top of its own: three names, a uid, a number and an origin.
const OURS: usize = 600;

const NAMES: [&str; 27] = [
    "dlq.reason",
    "dlq.source.topic",
    "dlq.source.partition",
    "dlq.source.offset",
    "__connect.errors.exception.class.name",
    "__connect.errors.topic",
    "__connect.errors.partition",
    "__connect.errors.offset",
    "__streams.errors.exception",
    "__streams.errors.topic",
    "__streams.errors.partition",
    "__streams.errors.offset",
    "__dlq.errors.message",
    "__dlq.errors.topic",
    "__dlq.errors.partition",
    "__dlq.errors.offset",
    "kafka_dlt-exception-cause-fqcn",
    "kafka_dlt-exception-fqcn",
    "kafka_dlt-key-exception-fqcn",
    "kafka_dlt-original-topic",
    "kafka_dlt-original-partition",
    "kafka_dlt-original-offset",
    REDRIVE,
    ATTEMPT,
    FIRST_ORIGIN,
    "traceparent",
    "",
];

type Owned = (String, Option<Vec<u8>>);

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(&NAMES[..]).prop_map(str::to_owned),
        2 => (select(&NAMES[..]), "\\PC{0,6}").prop_map(|(name, more)| format!("{name}{more}")),
        1 => "\\PC{0,20}",
        1 => (0_usize..40_000).prop_map(|length| "n".repeat(length)),
    ]
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    let texts = vec![
        "orders",
        "parking",
        "theirs",
        "..",
        "a b",
        "0",
        "1",
        "3",
        "-1",
        "+7",
        " 2 ",
        "\u{0}",
        " \t\n ",
        "NoPrice",
        "2147483648",
        "4294967295",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999",
        "\u{202e}x",
        "orders/2/40",
        "é",
        "a\u{0}b",
        "٣",
    ];
    prop_oneof![
        10 => select(texts).prop_map(|text| Some(text.as_bytes().to_vec())),
        3 => any::<i32>().prop_map(|number| Some(number.to_be_bytes().to_vec())),
        3 => any::<i64>().prop_map(|number| Some(number.to_be_bytes().to_vec())),
        // Integers of a length that none has, and text that is none.
        4 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Some),
        2 => "\\PC{0,300}".prop_map(|text| Some(text.into_bytes())),
        1 => (any::<u8>(), 0_usize..60_000).prop_map(|(byte, length)| Some(vec![byte; length])),
        1 => Just(None),
        1 => Just(Some(Vec::new())),
    ]
}

fn headers() -> impl Strategy<Value = Vec<Owned>> {
    prop_oneof![
        60 => prop::collection::vec((name(), value()), 0..8),
        3 => prop::collection::vec((name(), value()), 0..40),
        1 => (select(&NAMES[..]), "\\PC{0,9}", 0_usize..3_000)
            .prop_map(|(name, text, count)| vec![(name.to_owned(), Some(text.into_bytes())); count]),
    ]
}

fn borrowed(headers: &[Owned]) -> Vec<Header<'_>> {
    headers
        .iter()
        .map(|(name, value)| Header {
            name,
            value: value.as_deref(),
        })
        .collect()
}

fn rules(filter: Filter, to: Destination, quarantine: Option<String>) -> Rules {
    Rules {
        filter,
        to,
        max_attempts: 3,
        quarantine,
        allowed: BTreeMap::from([("orders".to_owned(), 3), ("parking".to_owned(), 1)]),
    }
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let filter = select(vec![
        Filter::default(),
        Filter {
            reasons: vec!["NoPrice".to_owned()],
            ..Filter::default()
        },
        Filter {
            sources: vec!["orders".to_owned()],
            headers: vec![(ATTEMPT.to_owned(), b"1".to_vec())],
            ..Filter::default()
        },
    ]);
    let to = select(vec![
        Destination::Origin,
        Destination::Topic("parking".to_owned()),
        Destination::Topic("theirs".to_owned()),
    ]);
    let quarantine = select(vec![
        None,
        Some("parking".to_owned()),
        Some("theirs".to_owned()),
    ]);
    (filter, to, quarantine).prop_map(|(filter, to, quarantine)| rules(filter, to, quarantine))
}

/// As the engine counts it.
fn fate(decision: &Decision) -> Fate<'_> {
    match decision {
        Decision::Home { topic, .. } => Fate::Home(topic),
        Decision::Quarantine { topic } => Fate::Quarantined(topic),
        Decision::Fetch { .. } => Fate::OriginalExpired,
        Decision::Refused { .. } => Fate::Refused,
        Decision::Skip(Skip::NotMatched) => Fate::NotMatched,
        Decision::Skip(Skip::NoOrigin) => Fate::NoOrigin,
        Decision::Skip(Skip::AlreadyHome) => Fate::AlreadyHome,
        Decision::Skip(Skip::Exceeded) => Fate::Exceeded,
    }
}

fn is_shown(text: &str) -> bool {
    let tame = !text.chars().any(char::is_control) && text.chars().count() <= LONGEST;
    tame && !text.trim().is_empty()
}

/// Nothing of a letter's headers but what is bounded goes into what is told and kept of it.
fn is_bounded(headers: &[Header<'_>]) -> Result<Origin, TestCaseError> {
    let origin = origin(headers);
    prop_assert!(is_shown(&origin.reason), "{:?}", origin.reason);
    prop_assert!(is_shown(&origin.source), "{:?}", origin.source);
    if let Some(address) = return_address(headers) {
        prop_assert!((1..=249).contains(&address.topic.len()));
        prop_assert!(address.partition.is_none_or(|partition| partition >= 0));
        prop_assert!(address.offset.is_none_or(|offset| offset >= 0));
    }
    let attempt = attempts(headers).saturating_add(1);
    let ours: Vec<_> = added(headers, &[], "0f8b1e62-uid", attempt).collect();
    let size: usize = ours
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    prop_assert!(size <= OURS, "{size} bytes");
    prop_assert!(ours.iter().all(|(name, _)| !is_kept(name)));
    Ok(origin)
}

/// The text, if what it stands for can be written and told in bounded room, and gone on with.
fn goes_on(text: &str) -> Result<(), TestCaseError> {
    let Ok(mut bookmark) = Bookmark::decode(text) else {
        return Ok(());
    };
    for _ in 0..3 {
        let written = bookmark.encode();
        prop_assert!(written.len() <= LARGEST, "{} bytes", written.len());
        prop_assert_eq!(Bookmark::decode(&written), Ok(bookmark.clone()));
        let report = Report::of([&bookmark.tally, &bookmark.tally].into_iter());
        prop_assert!(report.by_reason.len() <= MOST_LINES + 1);
        prop_assert!(report.by_destination.len() <= MOST_LINES + 1);
        let _ = (report.counts.moved(), report.counts.skipped());
        for fate in [
            Fate::Home("orders"),
            Fate::Quarantined("parking"),
            Fate::NotMatched,
        ] {
            bookmark.tally.count(fate, || Origin {
                reason: "NoPrice".to_owned(),
                source: "orders".to_owned(),
            });
        }
    }
    Ok(())
}

/// A bookmark as it is written, with counts as they never are.
fn bookmark() -> impl Strategy<Value = String> {
    let number = || prop_oneof![3 => any::<u8>().prop_map(u64::from), 1 => Just(u64::MAX), 1 => any::<u64>()];
    let line = (
        select(vec!["r", "d", "", "x"]),
        number(),
        "\\PC{0,120}",
        "\\PC{0,40}",
    )
        .prop_map(|(sign, count, reason, source)| format!("\n{sign}{count}\t{reason}\t{source}"));
    (
        prop::collection::vec(number(), 12..16),
        prop::collection::vec(line, 0..25),
    )
        .prop_map(|(numbers, lines)| {
            let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
            format!(
                "millrace-redrive/1\n{}{}",
                numbers.join(" "),
                lines.concat()
            )
        })
}

fn damaged(text: &str, at: prop::sample::Index, with: char, cut: bool) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = at.index(letters.len());
    match cut {
        true => letters.truncate(at),
        false => letters[at] = with,
    }
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn hostile_headers_come_to_a_decision_in_bounded_room(
        letters in prop::collection::vec((headers(), any::<i32>(), any::<i64>(), any::<bool>()), 1..6),
        rules in any_rules(),
        before in any_rules(),
    ) {
        let earlier = [EarlierRun { rules: before, processed: BTreeMap::from([(0, 100), (-1, i64::MAX)]) }];
        let mut tally = Tally::default();
        for (headers, partition, offset, body) in &letters {
            let headers = borrowed(headers);
            let origin = is_bounded(&headers)?;
            let body = body.then_some(&b"v"[..]);
            let letter = Letter { partition: *partition, offset: *offset, timestamp: Some(*offset), key: None, value: body, headers: headers.clone() };
            let unread = decide(&letter, Original::Unread, &rules, &earlier);
            let read = decide(&letter, Original::Read(&headers), &rules, &earlier);
            let fetches = matches!(read, Decision::Fetch { .. });
            prop_assert!(!fetches, "it would be read without end");
            for decision in [&unread, &read] {
                if let Decision::Home { topic, .. } | Decision::Quarantine { topic } = decision {
                    prop_assert!(rules.allowed.contains_key(topic), "{topic} did not consent");
                }
                tally.count(fate(decision), || origin.clone());
            }
        }
        let scanned = tally.counts.scanned;
        prop_assert_eq!(scanned, 2 * letters.len() as u64);
        goes_on(&Bookmark { tail: 7, tally }.encode())?;
    }

    #[test]
    fn a_hostile_bookmark_is_refused_or_gone_on_with_in_bounded_room(
        text in bookmark(),
        at in any::<prop::sample::Index>(),
        with in any::<char>(),
        damage in any::<Option<bool>>(),
    ) {
        let text = damage.map_or_else(|| text.clone(), |cut| damaged(&text, at, with, cut));
        goes_on(&text)?;
    }
}
