use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::DlqAlerts;

use super::{Letters, whole};
use crate::status::{Draft, reasons};

const KIND: &str = "Healthy";
/// Between two looks at what changes with time alone.
const PERIOD: Duration = Duration::from_secs(30);

/// Whether the letters stay within what `spec.alerts` sets. Once one was passed (`alerted`), a number has to fall to four
/// fifths of what is set before that counts as over, so that one letter more or less does not turn the condition back and forth.
pub fn health(
    letters: Option<&Letters>,
    alerts: &DlqAlerts,
    alerted: bool,
    now: Timestamp,
) -> Draft {
    let Some(letters) = letters else {
        return Draft::unknown(KIND, reasons::PROGRESSING, "the letters are being counted");
    };
    let passed = |value: i64, limit: Option<i64>| {
        limit.filter(|limit| value > if alerted { limit - limit / 5 } else { *limit })
    };
    let (count, pace, age) = (
        whole(letters.count),
        whole(letters.growth.per_minute(now)),
        age(letters, now),
    );
    let many = passed(count, alerts.letters).map(|limit| {
        let what = format!("there are {count} letters, and spec.alerts.letters is {limit}");
        (reasons::TOO_MANY_LETTERS, what)
    });
    let fast = passed(pace, alerts.letters_per_minute).map(|limit| {
        let what = format!(
            "{pace} letters a minute came in the last five minutes, and spec.alerts.lettersPerMinute is {limit}"
        );
        (reasons::LETTERS_GROW, what)
    });
    let old = passed(age, alerts.oldest_seconds).map(|limit| {
        let what =
            format!("the oldest letter is older than spec.alerts.oldestSeconds, {limit} s, allows");
        (reasons::LETTERS_TOO_OLD, what)
    });
    let found: Vec<_> = [many, fast, old].into_iter().flatten().collect();
    match found.first() {
        None => Draft::yes(KIND, reasons::HEALTHY, "no alert of spec.alerts is due"),
        Some((reason, _)) => {
            let words: Vec<_> = found.iter().map(|(_, what)| what.as_str()).collect();
            let message = format!(
                "{}: status.byReason says why they are dead and where they come from",
                words.join("; ")
            );
            Draft::no(KIND, reason, message)
        }
    }
}

/// When to look again although nothing happens: while the growth falls, and when the oldest letter becomes too old.
pub fn next_look(
    letters: Option<&Letters>,
    alerts: &DlqAlerts,
    now: Timestamp,
) -> Option<Duration> {
    let letters = letters?;
    if letters.growth.per_minute(now) > 0 {
        return Some(PERIOD);
    }
    let left = alerts.oldest_seconds? - age(letters, now);
    let due = letters.count > 0 && left >= 0;
    due.then(|| Duration::from_secs(left.unsigned_abs() + 1))
}

/// Seconds since the oldest letter was written.
fn age(letters: &Letters, now: Timestamp) -> i64 {
    let oldest = letters.oldest.unwrap_or(now);
    now.as_second().saturating_sub(oldest.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dead_letters::Growth, status::State};

    const NOON: i64 = 43_200;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn letters(count: u64, oldest: i64) -> Letters {
        let mut growth = Growth::default();
        (0..count).for_each(|_| growth.count(at(oldest)));
        Letters {
            count,
            oldest: (count > 0).then(|| at(oldest)),
            growth,
            by_origin: Vec::new(),
        }
    }

    fn alerts(letters: i64, letters_per_minute: i64, oldest_seconds: i64) -> DlqAlerts {
        DlqAlerts {
            letters: Some(letters),
            letters_per_minute: Some(letters_per_minute),
            oldest_seconds: Some(oldest_seconds),
        }
    }

    fn told(count: u64, oldest: i64, alerts: &DlqAlerts, alerted: bool) -> (State, &'static str) {
        let draft = health(Some(&letters(count, oldest)), alerts, alerted, at(NOON));
        (draft.state, draft.reason)
    }

    #[test]
    fn each_alert_is_due_beyond_its_number() {
        let alerts = alerts(100, 10, 3_600);
        let healthy = (State::True, reasons::HEALTHY);
        assert_eq!(told(0, NOON, &alerts, false), healthy);
        assert_eq!(told(100, NOON - 3_600, &alerts, false), healthy);
        assert_eq!(
            told(101, NOON - 3_600, &alerts, false),
            (State::False, reasons::TOO_MANY_LETTERS)
        );
        assert_eq!(told(50, NOON - 60, &alerts, false), healthy, "ten a minute");
        assert_eq!(
            told(51, NOON - 60, &alerts, false),
            (State::False, reasons::LETTERS_GROW)
        );
        assert_eq!(
            told(1, NOON - 3_601, &alerts, false),
            (State::False, reasons::LETTERS_TOO_OLD)
        );
        assert_eq!(
            told(1_000, 0, &DlqAlerts::default(), false),
            healthy,
            "none is set"
        );
    }

    #[test]
    fn the_message_names_all_that_is_too_much() {
        let draft = health(
            Some(&letters(101, NOON - 60)),
            &alerts(100, 10, 30),
            false,
            at(NOON),
        );
        assert_eq!(
            draft.message,
            "there are 101 letters, and spec.alerts.letters is 100; 21 letters a minute came in the last five minutes, and \
             spec.alerts.lettersPerMinute is 10; the oldest letter is older than spec.alerts.oldestSeconds, 30 s, allows: \
             status.byReason says why they are dead and where they come from"
        );
    }

    #[test]
    fn an_alert_is_over_at_four_fifths_and_one_of_zero_when_there_is_none() {
        let alerts = alerts(100, 1_000, 100_000);
        assert_eq!(told(81, NOON, &alerts, true).0, State::False);
        assert_eq!(told(80, NOON, &alerts, true).0, State::True);
        let first = DlqAlerts {
            letters: Some(0),
            ..DlqAlerts::default()
        };
        assert_eq!(told(1, NOON, &first, false).0, State::False);
        assert_eq!(told(0, NOON, &first, true).0, State::True);
    }

    #[test]
    fn it_looks_again_when_time_alone_changes_something() {
        let alerts = alerts(100, 10, 3_600);
        let next = |count, oldest| next_look(Some(&letters(count, oldest)), &alerts, at(NOON));
        assert_eq!(next(1, NOON - 60), Some(PERIOD), "growth falls");
        assert_eq!(
            next(1, NOON - 600),
            Some(Duration::from_secs(3_001)),
            "it becomes too old"
        );
        assert_eq!(next(1, NOON - 4_000), None, "it is too old already");
        assert_eq!(next(0, 0), None);
        assert_eq!(next_look(None, &alerts, at(NOON)), None);
    }
}
