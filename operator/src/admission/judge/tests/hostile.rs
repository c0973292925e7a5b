//! Whatever body reaches the webhook's port, it is answered.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::avro::hostile::texts;

/// The resources as they are written, with something of everything in them.
fn written() -> Vec<Value> {
    let of = |kind: &str, spec: Value| object(kind, "flights", "flights.x", spec);
    let cluster = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
        "metadata": { "name": "main", "namespace": "kafka" },
        "spec": {
            "version": "4.3.1", "nodes": { "replicas": 3, "storage": { "size": "1Gi" } }, "schemaRegistry": {},
            "namespaces": [{ "selector": { "matchLabels": { "a": "b" } }, "prefixes": ["flights."], "limits": { "topics": 3 } }],
        },
    });
    vec![
        of(
            "Topic",
            json!({
                "partitions": 3, "topicName": "flights.x", "replicas": 3, "config": { "retention.ms": "1", "x": null },
                "producers": [{ "serviceAccountName": "w", "transactionalIdPrefix": "flights.t" }],
                "allowedConsumers": { "from": "Selector", "selector": { "matchExpressions": [{ "key": "a", "operator": "In", "values": ["b"] }] } },
            }),
        ),
        of(
            "ConsumerGroup",
            json!({
                "groupId": "flights.g", "topics": [{ "name": "x" }, { "prefix": "flights." }], "serviceAccountName": "r",
                "dlqRef": { "name": "letters" }, "scaleTargetRef": { "name": "w" }, "lagObjective": { "seconds": 30 },
                "autoscaling": { "minReplicas": 0, "maxReplicas": 9, "schedules": [{ "start": "0 6 * * *", "duration": "2h", "timeZone": "Europe/Paris", "minReplicas": 3 }] },
                "resetOffsets": { "id": "a", "to": "Offsets", "offsets": [{ "topic": "x", "partition": 0, "offset": 1 }] },
            }),
        ),
        of(
            "Schema",
            json!({
                "subject": "flights.x-value", "schema": "\"string\"", "compatibility": "Full", "type": "Avro",
                "references": [{ "name": "R", "subject": "flights.r", "version": "latest" }, { "name": "S", "schemaRef": { "name": "s" } }],
            }),
        ),
        of(
            "DLQ",
            json!({
                "topicName": "flights.dlq", "partitions": 1, "alerts": { "letters": 1, "lettersPerMinute": 2, "oldestSeconds": 3 },
                "allowedGroups": { "from": "All" }, "readers": [{ "serviceAccountName": "r", "groupId": "flights.r" }],
            }),
        ),
        of(
            "Redrive",
            json!({
                "dlqRef": { "name": "letters" }, "lettersPerSecond": 9, "maxAttempts": 3, "to": "Origin", "quarantineTopicName": "flights.q",
                "filter": { "reasons": ["x"], "from": "2026-01-01T00:00:00Z", "offsets": [{ "partition": 0, "from": 1 }], "keyPrefix": "a" },
            }),
        ),
        cluster,
    ]
}

fn odd() -> impl Strategy<Value = Value> {
    let long = (0_usize..20_000).prop_map(|length| Value::from("a".repeat(length)));
    let some = select(vec![
        json!(null),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(true),
        json!(""),
        json!("a\u{0}b"),
        json!("../.."),
        json!("99999999999999999999Gi"),
        json!("@every -1s"),
        json!("60 25 32 13 8"),
        json!("9999-99-99T99:99:99Z"),
        json!({}),
        json!([]),
        json!([null]),
        json!({ "": {} }),
    ]);
    let nested =
        (0_usize..200).prop_map(|levels| (0..levels).fold(json!(1), |inner, _| json!([inner])));
    prop_oneof![6 => some, 1 => long, 1 => nested, 2 => "\\PC{0,30}".prop_map(Value::from), 2 => texts().prop_map(Value::from)]
}

/// Puts `with` in the place of one part of a value, counted from the outermost.
fn replace(value: &mut Value, at: &mut usize, with: &Value) {
    if *at == 0 {
        *value = with.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, at, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| replace(field, at, with)),
        _ => {}
    }
}

fn objects() -> impl Strategy<Value = Value> {
    let changes = prop::collection::vec((0_usize..40, odd()), 0..4);
    (select(written()), changes).prop_map(|(mut object, changes)| {
        for (mut at, with) in changes {
            replace(&mut object, &mut at, &with);
        }
        object
    })
}

fn reviews() -> impl Strategy<Value = Vec<u8>> {
    let operation = select(vec!["CREATE", "UPDATE", "DELETE", "x"]);
    let old = prop::option::of(objects());
    (objects(), old, operation, any::<bool>()).prop_map(|(object, old, operation, dry_run)| {
        reviewed(operation, &object, old.as_ref(), dry_run)
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let changed = (reviews(), 0_usize..20, odd()).prop_map(|(body, mut at, with)| {
        let mut review: Value = serde_json::from_slice(&body).unwrap_or_default();
        replace(&mut review, &mut at, &with);
        serde_json::to_vec(&review).unwrap_or_default()
    });
    let place = any::<prop::sample::Index>();
    let damaged =
        (reviews(), place, any::<u8>(), any::<bool>()).prop_map(|(mut body, at, byte, cut)| {
            let at = at.index(body.len());
            match cut {
                true => body.truncate(at),
                false => body[at] = byte,
            }
            body
        });
    let open = select(vec!["[", r#"{"request":"#]);
    let nested = (0_usize..5_000, open).prop_map(|(levels, open)| open.repeat(levels).into_bytes());
    let any_bytes = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![6 => reviews(), 3 => changed, 2 => damaged, 1 => nested, 1 => any_bytes]
}

proptest! {
    #[test]
    fn a_hostile_body_is_answered(body in bodies()) {
        // Time that stands still passes at once where all wait.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        let answer = runtime.block_on(async { review::answer(&plain(), &body).await.unwrap_or_else(|refusal| *refusal) });
        let answer = serde_json::to_value(answer)?;
        let warnings = answer["response"]["warnings"].as_array().cloned().unwrap_or_default();
        let length: usize = warnings.iter().filter_map(Value::as_str).map(str::len).sum();
        prop_assert!(length <= 4_096, "{length} bytes of warnings");
    }
}
