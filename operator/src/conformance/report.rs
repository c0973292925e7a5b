use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use millrace_crds::{ConformanceStatus, ConformanceViolation, SubjectPart};

use super::{Findings, SchemaId, Verdict, Violation};
use crate::status::{Draft, State, reasons};

/// Whether the records that were sampled conform.
pub const CONFORMANT: &str = "Conformant";

/// What there is to tell of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What was found so far.
    pub findings: Findings,
    /// What the last sample failed of, if it did. Nothing of it is counted.
    pub trouble: Option<Trouble>,
}

/// Why a sample could not be taken, or not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Kafka does not have the topic.
    NoTopic,
    /// Kafka does not answer.
    KafkaUnreachable,
    /// Kafka refused.
    KafkaRefused,
    /// The registry does not answer.
    RegistryUnreachable,
    /// The registry refused. With Confluent's `error_code` or the HTTP status, and without the registry's words: they may have the id in them.
    RegistryRefused(u32),
}

/// The condition `Conformant`. Until there is something to tell it stays as it was, so that a new start of the operator is no news.
pub fn draft(shown: Option<&Shown>, subject: &str, part: SubjectPart, old: &[Condition]) -> Draft {
    match shown {
        Some(Shown {
            trouble: Some(trouble),
            ..
        }) => troubled(*trouble),
        Some(Shown { findings, .. }) => found(findings, subject, part),
        None => {
            let said = old.iter().find(|condition| condition.type_ == CONFORMANT);
            said.map_or_else(pending, carried)
        }
    }
}

/// Whether the condition now says another thing than before, and not only in other words.
pub fn turned(before: Option<&Shown>, now: &Shown) -> bool {
    let verdict = |shown| {
        let draft = draft(Some(shown), "", SubjectPart::Value, &[]);
        (draft.state, draft.reason)
    };
    before.is_none_or(|before| verdict(before) != verdict(now))
}

/// The findings as a status has them.
pub fn status(findings: &Findings, subject: &str, part: SubjectPart) -> ConformanceStatus {
    let count = |verdict| whole(findings.of(verdict));
    ConformanceStatus {
        sampled: whole(findings.sampled()),
        conforming: count(Verdict::Conforming),
        not_framed: count(Verdict::NotFramed),
        unknown_id: count(Verdict::UnknownId),
        other_subject: count(Verdict::OtherSubject),
        unchecked: count(Verdict::Unchecked),
        last_violation: findings.last.map(|violation| ConformanceViolation {
            partition: violation.partition,
            offset: violation.offset,
            time: violation.time.map(Time),
            what: what(&violation, subject, part),
        }),
        since: Time(findings.since),
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn found(findings: &Findings, subject: &str, part: SubjectPart) -> Draft {
    if let Some(last) = findings.last.filter(|_| findings.is_violated()) {
        let message = format!(
            "detected in a sample: {} at partition {}, offset {}. {} of {} records sampled since {} do not conform; status.conformance counts them. \
             Nothing keeps such records out: have their producer serialize with the schemas of subject `{subject}`",
            what(&last, subject, part),
            last.partition,
            last.offset,
            findings.violations(),
            findings.sampled(),
            findings.since,
        );
        return Draft::no(CONFORMANT, reasons::VIOLATIONS, message);
    }
    if findings.sampled() == 0 {
        let message = "no record has been sampled: there is none yet";
        return Draft::unknown(CONFORMANT, reasons::NO_RECORDS, message);
    }
    if findings.sampled() == findings.of(Verdict::Unchecked) {
        let message = "the records sampled have ids that were not looked up: the registry cannot be asked for GUIDs, or there were too many of them";
        return Draft::unknown(CONFORMANT, reasons::UNCHECKED, message);
    }
    let message = match findings.last {
        None => "no violation was detected in the records sampled",
        Some(_) => {
            "no violation was detected in the samples of late; status.conformance counts those before"
        }
    };
    Draft::yes(CONFORMANT, reasons::CONFORMING, message)
}

fn what(violation: &Violation, subject: &str, part: SubjectPart) -> String {
    let part = match part {
        SubjectPart::Key => "key",
        SubjectPart::Value => "value",
    };
    let id = |id: SchemaId| format!("schema id {id}");
    match violation.verdict {
        Verdict::OtherSubject => {
            let id = violation.id.map_or("a schema id".to_owned(), id);
            format!("a {part} with {id}, which is registered, but not under subject `{subject}`")
        }
        Verdict::UnknownId => {
            format!("a {part} with a schema id that the registry does not know")
        }
        _ => format!("a {part} without a schema id"),
    }
}

fn troubled(trouble: Trouble) -> Draft {
    let (reason, why) = match trouble {
        Trouble::NoTopic => (
            reasons::REFERENCE_NOT_FOUND,
            "Kafka does not have the topic yet".to_owned(),
        ),
        Trouble::KafkaUnreachable => (
            reasons::KAFKA_UNREACHABLE,
            "Kafka does not answer".to_owned(),
        ),
        Trouble::KafkaRefused => (
            reasons::KAFKA_REFUSED,
            "Kafka refused to tell where the topic's records end".to_owned(),
        ),
        Trouble::RegistryUnreachable => (
            reasons::REGISTRY_UNREACHABLE,
            "the schema registry does not answer".to_owned(),
        ),
        Trouble::RegistryRefused(code) => (
            reasons::REGISTRY_REFUSED,
            format!("the schema registry refused to tell of a schema id (code {code})"),
        ),
    };
    let message = format!("the last sample could not be judged, and counts for nothing: {why}");
    Draft::unknown(CONFORMANT, reason, message)
}

fn pending() -> Draft {
    let message = "the first sample is being taken";
    Draft::unknown(CONFORMANT, reasons::PROGRESSING, message)
}

fn carried(condition: &Condition) -> Draft {
    let known = [
        reasons::VIOLATIONS,
        reasons::CONFORMING,
        reasons::NO_RECORDS,
        reasons::UNCHECKED,
    ];
    let Some(reason) = known.into_iter().find(|known| condition.reason == *known) else {
        return pending();
    };
    let state = match condition.status.as_str() {
        "True" => State::True,
        "False" => State::False,
        _ => State::Unknown,
    };
    Draft {
        kind: CONFORMANT,
        state,
        reason,
        message: condition.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::status::merge;

    const SUBJECT: &str = "shop.orders-value";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn shown(verdicts: &[Verdict]) -> Shown {
        let mut findings = Findings::new(at(0));
        for (offset, verdict) in (0..).zip(verdicts) {
            let id = Some(SchemaId::Number(7));
            findings.count((2, offset), Some(at(5)), *verdict, id, at(60));
        }
        let trouble = None;
        Shown { findings, trouble }
    }

    fn told(shown: &Shown) -> Draft {
        draft(Some(shown), SUBJECT, SubjectPart::Value, &[])
    }

    fn verdict(verdicts: &[Verdict]) -> (State, &'static str) {
        let draft = told(&shown(verdicts));
        (draft.state, draft.reason)
    }

    #[test]
    fn a_violation_is_told_with_its_place_and_that_it_was_detected() {
        let draft = told(&shown(&[Verdict::Conforming, Verdict::OtherSubject]));
        assert_eq!(
            (draft.state, draft.reason),
            (State::False, "NonConformingRecords")
        );
        assert_eq!(
            draft.message,
            "detected in a sample: a value with schema id 7, which is registered, but not under subject `shop.orders-value` at partition 2, \
             offset 1. 1 of 2 records sampled since 1970-01-01T00:00:00Z do not conform; status.conformance counts them. Nothing keeps such \
             records out: have their producer serialize with the schemas of subject `shop.orders-value`"
        );
        for verdict in [Verdict::NotFramed, Verdict::UnknownId] {
            let message = told(&shown(&[verdict])).message;
            assert!(!message.contains("id 7"), "it may be payload: {message}");
        }
    }

    #[test]
    fn nothing_is_claimed_that_was_not_seen() {
        let (yes, unknown) = (State::True, State::Unknown);
        assert_eq!(verdict(&[]), (unknown, "NoRecords"));
        assert_eq!(verdict(&[Verdict::Unchecked]), (unknown, "Unchecked"));
        let some = [Verdict::Unchecked, Verdict::Conforming];
        assert_eq!(verdict(&some), (yes, "Conforming"));
    }

    #[test]
    fn while_something_is_away_nothing_is_known() {
        let mut shown = shown(&[Verdict::NotFramed]);
        for (trouble, reason) in [
            (Trouble::NoTopic, "ReferenceNotFound"),
            (Trouble::KafkaUnreachable, "KafkaUnreachable"),
            (Trouble::KafkaRefused, "KafkaRefused"),
            (Trouble::RegistryUnreachable, "RegistryUnreachable"),
            (Trouble::RegistryRefused(40101), "RegistryRefused"),
        ] {
            shown.trouble = Some(trouble);
            let draft = told(&shown);
            assert_eq!((draft.state, draft.reason), (State::Unknown, reason));
        }
    }

    #[test]
    fn a_new_start_is_no_news() {
        let said = told(&shown(&[Verdict::NotFramed]));
        let old = merge(&[], std::slice::from_ref(&said), None, at(0));
        let now = |old| draft(None, SUBJECT, SubjectPart::Value, old);
        assert_eq!(now(&old), said);
        assert_eq!(now(&[]).reason, reasons::PROGRESSING);
        let mut troubled = shown(&[]);
        troubled.trouble = Some(Trouble::KafkaUnreachable);
        let old = merge(&[], &[told(&troubled)], None, at(0));
        assert_eq!(now(&old).reason, reasons::PROGRESSING);
    }

    #[test]
    fn more_of_the_same_has_time() {
        let one = shown(&[Verdict::NotFramed]);
        assert!(turned(None, &one));
        let more = shown(&[Verdict::NotFramed, Verdict::UnknownId, Verdict::Conforming]);
        assert!(!turned(Some(&one), &more));
        assert!(turned(Some(&shown(&[Verdict::Conforming])), &more));
    }

    #[test]
    fn the_status_has_every_count_and_no_more_of_a_record_than_its_place() {
        let shown = shown(&[Verdict::Conforming, Verdict::UnknownId, Verdict::Unchecked]);
        let told = status(&shown.findings, SUBJECT, SubjectPart::Key);
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(
            told,
            serde_json::json!({
                "sampled": 3, "conforming": 1, "notFramed": 0, "unknownId": 1, "otherSubject": 0, "unchecked": 1,
                "lastViolation": {
                    "partition": 2, "offset": 1, "time": "1970-01-01T00:00:05Z",
                    "what": "a key with a schema id that the registry does not know",
                },
                "since": "1970-01-01T00:00:00Z",
            })
        );
    }
}
