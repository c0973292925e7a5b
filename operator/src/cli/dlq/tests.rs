use expect_test::expect;
use jiff::Timestamp;
use millrace_crds::{Dlq, RedriveStatus};
use serde_json::json;

use super::report::{details, overview, redrive_line};

fn dlq() -> Dlq {
    serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "DLQ",
        "metadata": { "namespace": "shop", "name": "letters" },
        "spec": { "clusterRef": { "name": "events" } },
        "status": {
            "topicName": "shop.letters", "letters": 120, "lettersPerMinute": 4,
            "oldestLetterTime": "2026-11-27T11:00:00Z",
            "byReason": [
                { "reason": "NoPrice", "source": "shop.orders", "count": 100 },
                { "reason": "Other", "source": "Other", "count": 20 },
            ],
            "conditions": [{
                "type": "Healthy", "status": "False", "reason": "TooManyLetters",
                "message": "there are 120 letters, and spec.alerts.letters is 100",
                "lastTransitionTime": "2026-11-27T12:00:00Z",
            }],
        },
    }))
    .unwrap()
}

fn now() -> Timestamp {
    "2026-11-27T12:05:00Z".parse().unwrap()
}

#[test]
fn a_queue_is_one_line() {
    let mut unknown = dlq();
    unknown.status = None;
    expect![[r#"
        NAMESPACE  NAME     TOPIC         LETTERS  /MIN  OLDEST  HEALTHY         MOSTLY
        shop       letters  shop.letters      120     4   1h05m  TooManyLetters  NoPrice
        shop       letters  -                   -     -       -  -               -
    "#]]
    .assert_eq(&overview(&[dlq(), unknown], true, now()));
}

#[test]
fn all_that_is_known_of_a_queue_is_told() {
    expect![[r#"
        NAME     TOPIC         LETTERS  /MIN  OLDEST  HEALTHY         MOSTLY
        letters  shop.letters      120     4   1h05m  TooManyLetters  NoPrice

        Healthy=False TooManyLetters: there are 120 letters, and spec.alerts.letters is 100

        REASON   SOURCE       LETTERS
        NoPrice  shop.orders      100
        Other    Other             20
    "#]]
    .assert_eq(&details(&dlq(), now()));
}

#[test]
fn a_redrive_is_a_line_of_what_is_not_nothing() {
    let status: RedriveStatus = serde_json::from_value(json!({
        "phase": "Running", "lettersPerSecond": 50,
        "counts": {
            "scanned": 120, "matched": 100, "redriven": 90, "quarantined": 0, "noOrigin": 3, "alreadyHome": 7, "exceeded": 0,
            "refused": 0, "originalExpired": 0, "unreadable": 0, "returned": 1,
        },
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "Retrying", "message": "Kafka does not answer; it tries again",
            "lastTransitionTime": "2026-11-27T12:00:00Z",
        }],
    }))
    .unwrap();
    assert_eq!(
        redrive_line(&status),
        "Running (50/s): 120 looked at, 90 home, 7 home before, 3 of unknown origin, 1 came back - Retrying: Kafka does not answer; it tries again"
    );
    assert_eq!(
        redrive_line(&RedriveStatus::default()),
        "Pending: 0 looked at"
    );
}
