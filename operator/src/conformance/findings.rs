use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{SchemaId, Verdict};

/// For so long all samples have to conform before a violation counts as over.
const OVER: SignedDuration = SignedDuration::from_mins(10);

/// What was found in all samples since a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// When counting began, in whole seconds as a status keeps it.
    pub since: Timestamp,
    /// The last violation.
    pub last: Option<Violation>,
    counts: BTreeMap<Verdict, u64>,
    /// When a record was judged last, and when a violation was found last.
    sampled: Timestamp,
    violated: Option<Timestamp>,
}

/// A record that does not conform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, in whole seconds.
    pub time: Option<Timestamp>,
    /// What is said of it.
    pub verdict: Verdict,
    /// The id it has, where the registry knows that one: else it may be what somebody wrote.
    pub id: Option<SchemaId>,
}

impl Findings {
    /// None yet, from `since` on.
    pub fn new(since: Timestamp) -> Self {
        Self {
            since: whole_seconds(since),
            last: None,
            counts: BTreeMap::new(),
            sampled: since,
            violated: None,
        }
    }

    /// Counts a record that was judged at `now`.
    pub fn count(
        &mut self,
        (partition, offset): (i32, i64),
        time: Option<Timestamp>,
        verdict: Verdict,
        id: Option<SchemaId>,
        now: Timestamp,
    ) {
        *self.counts.entry(verdict).or_default() += 1;
        self.sampled = now;
        if verdict.is_violation() {
            self.violated = Some(now);
            self.last = Some(Violation {
                partition,
                offset,
                time: time.map(whole_seconds),
                verdict,
                id: id.filter(|_| verdict == Verdict::OtherSubject),
            });
        }
    }

    /// Records of which this was said.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.counts.get(&verdict).copied().unwrap_or_default()
    }

    /// All records.
    pub fn sampled(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Records that do not conform.
    pub fn violations(&self) -> u64 {
        let against = Verdict::ALL.into_iter().filter(|v| v.is_violation());
        against.map(|verdict| self.of(verdict)).sum()
    }

    /// Whether there was a violation of late: since then, records were not sampled for ten minutes without another one. A topic that
    /// nobody writes to stays as it was found.
    pub fn is_violated(&self) -> bool {
        let over = |violated: Timestamp| self.sampled.duration_since(violated) >= OVER;
        self.violated.is_some_and(|violated| !over(violated))
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn found(findings: &mut Findings, offset: i64, verdict: Verdict, second: i64) {
        let id = Some(SchemaId::Number(7));
        findings.count((3, offset), Some(at(5)), verdict, id, at(second));
    }

    #[test]
    fn each_verdict_is_counted_and_the_last_violation_kept() {
        let mut findings = Findings::new(at(0));
        let said = [
            Verdict::Conforming,
            Verdict::NotFramed,
            Verdict::OtherSubject,
            Verdict::Unchecked,
            Verdict::Conforming,
        ];
        for (offset, verdict) in (0..).zip(said) {
            found(&mut findings, offset, verdict, 1);
        }
        let counts = Verdict::ALL.map(|verdict| findings.of(verdict));
        assert_eq!(counts, [2, 1, 0, 1, 1]);
        assert_eq!((findings.sampled(), findings.violations()), (5, 2));
        let last = findings.last.unwrap();
        assert_eq!((last.partition, last.offset), (3, 2));
        assert_eq!(last.id, Some(SchemaId::Number(7)));
    }

    #[test]
    fn an_id_that_the_registry_does_not_know_may_be_payload_and_is_not_kept() {
        for verdict in [Verdict::UnknownId, Verdict::NotFramed] {
            let mut findings = Findings::new(at(0));
            found(&mut findings, 0, verdict, 1);
            assert_eq!(findings.last.unwrap().id, None, "{verdict:?}");
        }
    }

    #[test]
    fn a_violation_is_over_once_samples_have_conformed_for_ten_minutes() {
        let mut findings = Findings::new(at(0));
        assert!(!findings.is_violated());
        found(&mut findings, 0, Verdict::UnknownId, 100);
        assert!(findings.is_violated(), "and stays while nothing is written");
        found(&mut findings, 1, Verdict::Conforming, 699);
        assert!(findings.is_violated());
        found(&mut findings, 2, Verdict::Conforming, 700);
        assert!(!findings.is_violated());
        found(&mut findings, 3, Verdict::NotFramed, 701);
        assert!(findings.is_violated());
    }
}
