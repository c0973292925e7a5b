#![allow(clippy::unwrap_used)]

mod hostile;

use std::sync::{Arc, Mutex};

use expect_test::expect;
use http::{Request, Response};
use kube::{Client, client::Body};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::service_fn;

use super::{verdict::Verdict, *};
use crate::cli::outcome::Found;

const FLIGHT: &str =
    r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"}]}"#;
const NEEDS_CARRIER: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"carrier","type":"string"}]}"#;
const MAYBE_CARRIER: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"carrier","type":["null","string"],"default":null}]}"#;

/// The manifest of a Schema `shop/flight` with this spec beside its cluster and topic.
fn flight(mut spec: Value) -> Value {
    spec["clusterRef"] = json!({ "name": "events" });
    spec["topicRef"] = json!({ "name": "flights" });
    json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "Schema",
        "metadata": { "name": "flight", "namespace": "shop" }, "spec": spec,
    })
}

fn carrier(text: &str) -> Value {
    json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "Schema",
        "metadata": { "name": "carrier", "namespace": "shop" },
        "spec": { "clusterRef": { "name": "events" }, "subject": "shop.carrier", "schema": text },
    })
}

fn group(name: &str, topics: Value) -> Value {
    json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ConsumerGroup",
        "metadata": { "name": name, "namespace": "shop" },
        "spec": { "clusterRef": { "name": "events" }, "serviceAccountName": "x", "topics": topics },
    })
}

fn manifests(documents: &[Value]) -> Manifests {
    let mut manifests = Manifests::default();
    for document in documents {
        manifests.add("shop.yaml", &document.to_string()).unwrap();
    }
    manifests
}

/// The verdict on the first Schema, offline.
fn offline(now: &[Value], then: &[Value]) -> (Verdict, Option<&'static str>) {
    let now = Declarations::of(&manifests(now), "");
    let then = Declarations::of(&manifests(then), "");
    let judged = offline::check(&now, &then, "main").swap_remove(0);
    (judged.verdict, judged.note)
}

fn verdict(before: Value, after: Value) -> Verdict {
    offline(&[flight(after)], &[flight(before)]).0
}

fn breaks(verdict: &Verdict) -> &[String] {
    match verdict {
        Verdict::Breaks(words) => words,
        other => panic!("{other:?}"),
    }
}

fn not_judged(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::NotJudged(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_level_asks_for_its_own_directions() {
    let judge = |level: &str, before: &str, after: &str| {
        verdict(
            json!({ "schema": before, "compatibility": "None" }),
            json!({ "schema": after, "compatibility": level }),
        )
    };
    let added = |level| judge(level, FLIGHT, NEEDS_CARRIER);
    for level in ["Backward", "BackwardTransitive", "Full", "FullTransitive"] {
        let verdict = added(level);
        let words = &breaks(&verdict)[0];
        assert!(
            words.starts_with(
                "readers with the new schema cannot read what was written with the one at main"
            ),
            "{words}"
        );
    }
    for level in ["None", "Forward", "ForwardTransitive"] {
        assert_eq!(added(level), Verdict::Compatible, "{level}");
    }
    let removed = judge("Full", NEEDS_CARRIER, FLIGHT);
    let words = &breaks(&removed)[0];
    assert!(
        words.starts_with(
            "readers with the schema at main cannot read what is written with the new one"
        ),
        "{words}"
    );
    assert_eq!(
        judge("Backward", NEEDS_CARRIER, FLIGHT),
        Verdict::Compatible
    );
    assert_eq!(judge("Full", FLIGHT, MAYBE_CARRIER), Verdict::Compatible);
}

#[test]
fn one_revision_is_not_every_version() {
    let now = |level: &str| {
        [flight(
            json!({ "schema": MAYBE_CARRIER, "compatibility": level }),
        )]
    };
    let then = [flight(json!({ "schema": FLIGHT }))];
    let (verdict, note) = offline(&now("FullTransitive"), &then);
    assert_eq!(verdict, Verdict::Compatible);
    assert!(note.is_some_and(|note| note.contains("every version")));
    assert_eq!(offline(&now("Full"), &then).1, None);
}

#[test]
fn what_is_the_same_or_new_breaks_nobody() {
    let reformatted = r#"{ "name": "Flight", "type": "record", "fields": [ { "type": "string", "name": "id" } ] }"#;
    let same = verdict(
        json!({ "schema": FLIGHT }),
        json!({ "schema": reformatted }),
    );
    assert_eq!(same, Verdict::Unchanged);
    let new = offline(&[flight(json!({ "schema": FLIGHT }))], &[]).0;
    assert_eq!(new, Verdict::New);
}

#[test]
fn a_text_that_is_no_schema_is_refused_and_one_that_was_none_is_not_judged() {
    let none = json!({ "schema": r#"{"type":"record"}"# });
    let good = json!({ "schema": FLIGHT });
    assert!(matches!(
        verdict(good.clone(), none.clone()),
        Verdict::Refused(_)
    ));
    assert!(matches!(
        offline(&[flight(none.clone())], &[]).0,
        Verdict::Refused(_)
    ));
    assert!(not_judged(&verdict(none, good)).contains("at main is no Avro schema"));
}

#[test]
fn other_languages_are_left_to_the_registry() {
    for (language, before, after) in [
        ("Json", r#"{"type":"object"}"#, r#"{"type":"string"}"#),
        ("Protobuf", "syntax = \"proto3\";", "syntax = \"proto2\";"),
    ] {
        let spec = |text: &str| json!({ "type": language, "schema": text });
        let judged = verdict(spec(before), spec(after));
        let why = not_judged(&judged);
        assert!(why.contains("not judged offline"), "{why}");
        assert_eq!(verdict(spec(before), spec(before)), Verdict::Unchanged);
    }
    let other = verdict(
        json!({ "schema": FLIGHT }),
        json!({ "type": "Json", "schema": "{}" }),
    );
    assert!(not_judged(&other).contains("another than before"));
}

#[test]
fn the_texts_that_it_names_are_those_of_the_same_files() {
    const CARRIER: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[]}"#;
    let of_carrier = |rest: &str| {
        format!(
            r#"{{"type":"record","name":"Flight","fields":[{{"name":"carrier","type":"dev.Carrier"}}{rest}]}}"#
        )
    };
    let spec = |rest: &str, reference: Value| {
        let mut reference = reference;
        reference["name"] = json!("dev.Carrier");
        flight(json!({ "schema": of_carrier(rest), "references": [reference] }))
    };
    let more = r#",{"name":"more","type":"int"}"#;
    for reference in [
        json!({ "schemaRef": { "name": "carrier" } }),
        json!({ "subject": "shop.carrier", "version": "latest" }),
    ] {
        let now = [spec(more, reference.clone()), carrier(CARRIER)];
        let then = [spec("", reference.clone()), carrier(CARRIER)];
        assert_eq!(breaks(&offline(&now, &then).0).len(), 1);
        let alone = offline(&now[..1], &then).0;
        assert!(not_judged(&alone).contains("`dev.Carrier`"), "{alone:?}");
    }
}

#[test]
fn a_text_in_a_config_map_is_that_of_the_same_files() {
    let from = || {
        flight(
            json!({ "schemaFrom": { "configMapKeyRef": { "name": "texts", "key": "flight.avsc" } } }),
        )
    };
    let texts = |text: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "texts", "namespace": "shop" }, "data": { "flight.avsc": text },
        })
    };
    let changed = offline(&[from(), texts(NEEDS_CARRIER)], &[from(), texts(FLIGHT)]);
    assert_eq!(breaks(&changed.0).len(), 1);
    assert!(not_judged(&offline(&[from()], &[]).0).contains("ConfigMap"));
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    before: Vec<String>,
    new: String,
    backward: Vec<bool>,
    forward: Vec<bool>,
}

#[test]
fn avro_is_judged_as_its_specification_says_or_not_at_all() {
    const TABLE: &str = include_str!("../../../../e2e/tests/suite/compatibility/avro.yaml");
    let pairs: Vec<Pair> = serde_saphyr::from_str(TABLE).unwrap();
    assert!(pairs.len() >= 20, "{} pairs", pairs.len());
    let mut left_out = Vec::new();
    for pair in pairs {
        let directions = [("Backward", &pair.backward), ("Forward", &pair.forward)];
        for (level, verdicts) in directions {
            for (before, compatible) in pair.before.iter().zip(verdicts) {
                let verdict = verdict(
                    json!({ "schema": before }),
                    json!({ "schema": pair.new, "compatibility": level }),
                );
                match verdict {
                    Verdict::NotJudged(_) => left_out.push(format!("{}: {level}", pair.name)),
                    verdict => assert_eq!(
                        verdict == Verdict::Compatible,
                        *compatible,
                        "{}: {level}: {verdict:?}",
                        pair.name
                    ),
                }
            }
        }
    }
    expect![[r#"
        an enum with a default gets a symbol: Forward
        an enum with a default loses a symbol: Backward
        a record gets another name and keeps the old one as an alias: Backward"#]]
    .assert_eq(&left_out.join("\n"));
}

#[test]
fn those_who_read_the_topic_are_named() {
    let topic = |name: &str, topic_name: &str| {
        json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "Topic",
            "metadata": { "name": name, "namespace": "shop" },
            "spec": { "clusterRef": { "name": "events" }, "partitions": 1, "topicName": topic_name },
        })
    };
    let manifests = manifests(&[
        topic("flights", "shop.flights"),
        topic("other", "shop.other"),
        group("by-name", json!([{ "name": "flights" }])),
        group("by-prefix", json!([{ "prefix": "shop." }])),
        group(
            "elsewhere",
            json!([{ "name": "flights", "namespace": "team" }]),
        ),
        group("not", json!([{ "name": "other" }])),
        flight(json!({ "schema": FLIGHT })),
        carrier(FLIGHT),
    ]);
    let readers = Readers::of(&manifests, "");
    let declared = Declarations::of(&manifests, "");
    let wanted = ["ConsumerGroup shop/by-name", "ConsumerGroup shop/by-prefix"];
    assert_eq!(readers.of_schema(&declared.0[0]), wanted);
    assert_eq!(readers.of_schema(&declared.0[1]), [""; 0]);
    let mut by_subject = flight(json!({ "schema": FLIGHT, "subject": "shop.flights-value" }));
    by_subject["spec"]
        .as_object_mut()
        .unwrap()
        .remove("topicRef");
    let mut manifests = manifests;
    manifests.documents.clear();
    manifests.add("x.yaml", &by_subject.to_string()).unwrap();
    let declared = Declarations::of(&manifests, "");
    assert_eq!(readers.of_schema(&declared.0[0]), wanted);
}

fn told(now: &[Value], then: &[Value], strict: bool, output: Output) -> Report {
    let manifests = manifests(now);
    let readers = Readers::of(&manifests, "");
    let now = Declarations::of(&manifests, "");
    let then = Declarations::of(&super::tests::manifests(then), "");
    let checked = Checked::all(offline::check(&now, &then, "main"), &readers);
    report(&checked, &readers, strict, output).unwrap()
}

#[test]
fn a_break_is_shown_with_what_changed_and_who_reads_it() {
    let now = [
        flight(json!({ "schema": NEEDS_CARRIER })),
        group("billing", json!([{ "name": "flights" }])),
    ];
    let then = [flight(json!({ "schema": FLIGHT }))];
    let said = told(&now, &then, false, Output::Text);
    assert_eq!(said.found, Found::Something);
    expect![[r#"
        Schema shop/flight (shop.yaml:1): breaks its readers
                {
                  "name": "id",
                  "type": "string"
          +     },
          +     {
          +       "name": "carrier",
          +       "type": "string"
                }
              ],
              "name": "Flight",
          readers with the new schema cannot read what was written with the one at main: Incompatible schemata! Field 'carrier' in reader schema must have a default value
          read by ConsumerGroup shop/billing

        1 schema: 1 break readers, 0 compatible, 0 new, 0 unchanged, 0 refused, 0 not judged
    "#]]
    .assert_eq(&said.text);
    let json = told(&now, &then, false, Output::Json);
    let json: Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(json["format"], "millrace-schema-check/v1");
    assert_eq!(json["schemas"][0]["verdict"], "breaks");
    assert_eq!(
        json["schemas"][0]["readers"],
        json!(["ConsumerGroup shop/billing"])
    );
    assert_eq!(json["summary"]["breaks"], 1);
}

#[test]
fn what_is_not_judged_is_trouble_only_when_asked() {
    let spec = |text: &str| [flight(json!({ "type": "Json", "schema": text }))];
    let said = |strict| told(&spec("{}"), &spec("true"), strict, Output::Text);
    assert_eq!(said(false).found, Found::Nothing);
    assert_eq!(said(true).found, Found::Trouble);
    assert!(
        said(false).text.contains("not judged"),
        "{}",
        said(false).text
    );
    let none = told(
        &[flight(json!({ "schema": "{}" }))],
        &[],
        false,
        Output::Text,
    );
    assert_eq!(none.found, Found::Trouble, "a text that is no schema");
}

/// A client of an API server that has this live Schema, and answers a dry run so; and the bodies it was sent.
fn server(
    live: Option<Value>,
    status: u16,
    warning: Option<&'static str>,
    message: &'static str,
) -> (Client, Arc<Mutex<Vec<Value>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = sent.clone();
    let service = service_fn(move |request: Request<Body>| {
        let (live, seen) = (live.clone(), seen.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let mut response = Response::builder();
            let answer = match (head.method.as_str(), &live) {
                ("GET", Some(live)) => live.clone(),
                ("GET", None) => {
                    response = response.status(404);
                    json!({ "kind": "Status", "reason": "NotFound", "message": "not found", "code": 404, "details": { "kind": "schemas" } })
                }
                _ => {
                    let body: Value = serde_json::from_slice(&body).unwrap();
                    seen.lock().unwrap().push(body.clone());
                    response = response.status(status);
                    if let Some(warning) = warning {
                        response = response.header("warning", format!("299 - \"{warning}\""));
                    }
                    match status {
                        200 => body,
                        _ => json!({ "kind": "Status", "message": message }),
                    }
                }
            };
            let body = Body::from(answer.to_string().into_bytes());
            Ok::<_, std::convert::Infallible>(response.body(body).unwrap())
        }
    });
    (Client::new(service, "default"), sent)
}

async fn online(
    live: Option<Value>,
    status: u16,
    warning: Option<&'static str>,
    message: &'static str,
) -> Verdict {
    let (client, _) = server(live, status, warning, message);
    let now = Declarations::of(&manifests(&[flight(json!({ "schema": FLIGHT }))]), "");
    online::check(&client, &now)
        .await
        .unwrap()
        .swap_remove(0)
        .verdict
}

#[tokio::test]
async fn the_registrys_verdict_comes_through_the_webhook() {
    let words = "admission webhook denied the request: the schema is incompatible with version 1 of subject `x`";
    let verdict = online(None, 403, None, words).await;
    assert_eq!(breaks(&verdict), [words]);
    let verdict = online(None, 403, None, "namespace `shop` may not use it").await;
    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
    let step = "plan: register the schema as version 2 of subject `x`";
    assert_eq!(online(None, 200, Some(step), "").await, Verdict::Compatible);
    let live = Some(flight(json!({ "schema": FLIGHT })));
    assert_eq!(online(live, 200, None, "").await, Verdict::Unchanged);
}

#[tokio::test]
async fn a_silent_or_ignorant_webhook_judges_nothing() {
    let verdict = online(None, 200, None, "").await;
    assert!(not_judged(&verdict).contains("webhook"));
    for warning in [
        "the schema could not be checked: no answer from the registry",
        "plan: not known, ReferenceNotFound: there is no Topic shop/flights",
    ] {
        let verdict = online(None, 200, Some(warning), "").await;
        let why = not_judged(&verdict);
        assert!(warning.ends_with(why) && !why.contains("plan"), "{why}");
    }
}

#[tokio::test]
async fn the_text_of_a_config_map_in_the_files_is_the_one_that_is_asked_about() {
    let (client, sent) = server(None, 200, Some("plan: nothing to do in Kafka"), "");
    let from = json!({ "configMapKeyRef": { "name": "texts", "key": "flight.avsc" } });
    let texts = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "texts", "namespace": "shop" }, "data": { "flight.avsc": FLIGHT },
    });
    let manifests = manifests(&[flight(json!({ "schemaFrom": from })), texts]);
    let now = Declarations::of(&manifests, "");
    online::check(&client, &now).await.unwrap();
    let spec = sent.lock().unwrap()[0]["spec"].clone();
    assert_eq!(
        (&spec["schema"], &spec["schemaFrom"]),
        (&json!(FLIGHT), &Value::Null)
    );
}
