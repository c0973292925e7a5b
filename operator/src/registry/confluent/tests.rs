//! The client against answers of an Apicurio Registry 3.3.3, as recorded from it, and against Confluent's as its API documents them.

mod codes;
mod hostile;
mod ids;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use millrace_crds::SchemaType;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::registry::Reference;

const V1: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"}]}"#;
const BROKEN: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"strin"}]}"#;
const SUBJECT: &str = "flights-value";

#[derive(Clone, Deserialize)]
struct Recording {
    name: String,
    method: String,
    path: String,
    status: u16,
    body: String,
}

type Answers = HashMap<(String, String), (u16, String)>;

fn avro(text: &str) -> NewSchema {
    NewSchema {
        schema_type: SchemaType::Avro,
        text: text.into(),
        references: Vec::new(),
    }
}

/// A registry on the loopback that gives these answers, by method and path with query, and 404 without a body to all else.
async fn stub(answers: Answers) -> String {
    async fn answer(State(answers): State<Answers>, request: Request) -> Response<String> {
        let key = (
            request.method().to_string(),
            request.uri().path_and_query().unwrap().to_string(),
        );
        let (status, body) = answers.get(&key).cloned().unwrap_or((404, String::new()));
        Response::builder().status(status).body(body).unwrap()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(answers);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

async fn apicurio(names: &[&str]) -> Confluent {
    let recordings: Vec<Recording> =
        serde_json::from_str(include_str!("../fixtures/apicurio-3.3.3.json")).unwrap();
    let answers = names.iter().map(|name| {
        let found = recordings.iter().find(|recording| recording.name == *name);
        let recording = found
            .unwrap_or_else(|| panic!("no recording named {name:?}"))
            .clone();
        (
            (recording.method, recording.path),
            (recording.status, recording.body),
        )
    });
    let root = stub(answers.collect()).await;
    Confluent::new(Client::new(), &format!("{root}/apis/ccompat/v7"))
}

async fn confluent(method: &str, path: &str, status: u16, body: &str) -> Confluent {
    let answers = Answers::from([(
        (method.to_owned(), path.to_owned()),
        (status, body.to_owned()),
    )]);
    Confluent::new(Client::new(), &stub(answers).await)
}

/// A registry that takes everything, and the bodies it was sent.
async fn listening() -> (Confluent, Arc<Mutex<Vec<Value>>>) {
    async fn answer(State(heard): State<Arc<Mutex<Vec<Value>>>>, body: String) -> &'static str {
        heard
            .lock()
            .unwrap()
            .push(serde_json::from_str(&body).unwrap());
        r#"{"id":1,"version":1,"is_compatible":true}"#
    }
    let heard = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&heard));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (
        Confluent::new(Client::new(), &format!("http://{address}")),
        heard,
    )
}

#[tokio::test]
async fn what_a_schema_names_goes_with_every_question() {
    let (registry, heard) = listening().await;
    let mut flight = avro("\"dev.Carrier\"");
    flight.references = vec![Reference {
        name: "dev.Carrier".into(),
        subject: "carrier".into(),
        version: 2,
    }];
    registry.lookup(SUBJECT, &flight).await.unwrap();
    registry
        .check(SUBJECT, &flight, Against::Every)
        .await
        .unwrap();
    registry.register(SUBJECT, &flight).await.unwrap();
    registry.lookup(SUBJECT, &avro("\"int\"")).await.unwrap();
    let sent = json!({
        "schema": "\"dev.Carrier\"", "schemaType": "AVRO",
        "references": [{ "name": "dev.Carrier", "subject": "carrier", "version": 2 }],
    });
    let alone = json!({ "schema": "\"int\"", "schemaType": "AVRO" });
    assert_eq!(
        *heard.lock().unwrap(),
        [sent.clone(), sent.clone(), sent, alone]
    );
}

const CHECK: &str = "/compatibility/subjects/flights-value/versions?verbose=true&normalize=true";
const CHECK_LATEST: &str =
    "/compatibility/subjects/flights-value/versions/latest?verbose=true&normalize=true";
const NEXT_DRY_RUN: &str =
    "/apis/registry/v3/groups/default/artifacts/flights-value/versions?dryRun=true";

/// A text that names another subject's.
fn trip() -> NewSchema {
    let mut trip =
        avro(r#"{"type":"record","name":"Trip","fields":[{"name":"by","type":"dev.Carrier"}]}"#);
    trip.references = vec![Reference {
        name: "dev.Carrier".into(),
        subject: "carrier".into(),
        version: 2,
    }];
    trip
}

#[tokio::test]
async fn an_unknown_or_deleted_subject_has_no_version() {
    for name in [
        "versions of an unknown subject",
        "versions of a softly deleted subject",
    ] {
        assert_eq!(
            apicurio(&[name]).await.latest(SUBJECT).await,
            Ok(None),
            "{name}"
        );
    }
    assert_eq!(
        apicurio(&["versions"]).await.latest(SUBJECT).await,
        Ok(Some(1))
    );
}

#[tokio::test]
async fn reformatted_text_is_found_and_other_text_is_not() {
    let registry = apicurio(&["lookup of reformatted text"]).await;
    let found = registry.lookup(SUBJECT, &avro(V1)).await;
    assert_eq!(found, Ok(Some(Registered { id: 1, version: 1 })));
    for name in [
        "lookup in an unknown subject",
        "lookup of another text",
        "lookup of no schema",
        "lookup in a softly deleted subject",
    ] {
        assert_eq!(
            apicurio(&[name]).await.lookup(SUBJECT, &avro(V1)).await,
            Ok(None),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_registration_yields_id_and_version() {
    let registry = apicurio(&["first registration", "lookup of reformatted text"]).await;
    let registered = registry.register(SUBJECT, &avro(V1)).await;
    assert_eq!(registered, Ok(Registered { id: 1, version: 1 }));
}

#[tokio::test]
async fn a_refused_registration_carries_the_registrys_words() {
    let registry = apicurio(&["registration of a breaking text"]).await;
    let Err(RegistryError::Refused { code: 409, message }) =
        registry.register(SUBJECT, &avro(V1)).await
    else {
        panic!("409 expected")
    };
    assert!(message.contains("carrier at /fields/1"), "{message}");
}

#[tokio::test]
async fn a_breaking_text_is_explained_by_a_dry_run_where_the_check_gives_no_words() {
    let registry = apicurio(&["check of a breaking text", "dry run of a breaking text"]).await;
    let verdict = registry.check(SUBJECT, &avro(V1), Against::Every).await;
    assert_eq!(
        verdict,
        Ok(Verdict::Incompatible(vec![
            "carrier at /fields/1 (a field without a default that the other version lacks)".into()
        ]))
    );
    let registry = apicurio(&["check of a breaking text"]).await;
    let verdict = registry.check(SUBJECT, &avro(V1), Against::Every).await;
    assert_eq!(
        verdict,
        Ok(Verdict::Incompatible(Vec::new())),
        "no dry run, no words"
    );
}

/// As Apicurio 3.3.3 answered for texts that name another subject's: its check leaves out what is named, and calls an Avro text no
/// schema and fails on a JSON schema; its dry run judges them.
#[tokio::test]
async fn a_text_with_references_is_judged_by_a_dry_run() {
    let checks = [
        (
            422,
            r#"{"message":"Invalid schema: Syntax violation for Avro artifact.","error_code":42201}"#,
        ),
        (
            500,
            r#"{"message":"Unresolved JSON Schema reference: carrier.json","error_code":0}"#,
        ),
    ];
    let dry_runs = [
        (
            200,
            r#"{"version":"3","artifactType":"AVRO","state":"ENABLED"}"#,
            Some(Verdict::Compatible),
        ),
        (
            400,
            r#"{"causes":[{"description":"x","context":"/fields/1"}],"title":"Incompatible artifact","status":400,"name":"RuleViolationException"}"#,
            Some(Verdict::Incompatible(vec![
                "x at /fields/1 (a field without a default that the other version lacks)".into(),
            ])),
        ),
        (
            422,
            r#"{"title":"Could not execute compatibility rule on invalid Avro schema","status":422,"name":"UnprocessableSchemaException"}"#,
            None,
        ),
    ];
    for ((check, words), (status, body, expected)) in checks
        .iter()
        .flat_map(|check| dry_runs.iter().map(move |run| (*check, run.clone())))
    {
        let answers = Answers::from([
            (
                ("POST".to_owned(), format!("/apis/ccompat/v7{CHECK_LATEST}")),
                (check, words.to_owned()),
            ),
            (
                ("POST".to_owned(), NEXT_DRY_RUN.to_owned()),
                (status, body.to_owned()),
            ),
        ]);
        let root = stub(answers).await;
        let registry = Confluent::new(Client::new(), &format!("{root}/apis/ccompat/v7"));
        let verdict = registry.check(SUBJECT, &trip(), Against::Latest).await;
        match expected {
            Some(expected) => assert_eq!(verdict, Ok(expected)),
            None => assert!(matches!(verdict, Ok(Verdict::Invalid(_))), "{verdict:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_asked_depends_on_what_a_text_is_compared_with() {
    for (against, path) in [
        (Against::Nothing, CHECK),
        (Against::Latest, CHECK_LATEST),
        (Against::Every, CHECK),
    ] {
        let registry = confluent("POST", path, 200, r#"{"is_compatible":true}"#).await;
        let verdict = registry.check(SUBJECT, &avro(V1), against).await;
        assert_eq!(verdict, Ok(Verdict::Compatible), "{against:?}");
    }
}

#[tokio::test]
async fn confluents_own_words_are_kept_without_the_schemas_it_repeats() {
    let body = r#"{"is_compatible":false,"messages":["{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'carrier' has no default'}","{oldSchemaVersion: 1}","{oldSchema: '{}'}","{validateFields: 'false', compatibility: 'BACKWARD'}"]}"#;
    let verdict = confluent("POST", CHECK, 200, body)
        .await
        .check(SUBJECT, &avro(V1), Against::Every)
        .await;
    let Ok(Verdict::Incompatible(words)) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].contains("READER_FIELD_MISSING_DEFAULT_VALUE"));
}

#[tokio::test]
async fn a_text_that_is_no_schema_is_invalid_and_says_where() {
    for names in [
        &["check of no schema"][..],
        &[
            "check of an unknown subject",
            "dry run of a first version that is no schema",
        ],
    ] {
        let verdict = apicurio(names)
            .await
            .check(SUBJECT, &avro(BROKEN), Against::Every)
            .await;
        let Ok(Verdict::Invalid(words)) = verdict else {
            panic!("{names:?}: {verdict:?}")
        };
        assert!(words.contains("strin"), "{words}");
    }
}

#[tokio::test]
async fn a_first_version_breaks_nobody() {
    let registry = apicurio(&["check of an unknown subject", "dry run of a first version"]).await;
    assert_eq!(
        registry.check(SUBJECT, &avro(V1), Against::Every).await,
        Ok(Verdict::Compatible)
    );
    let json = NewSchema {
        schema_type: SchemaType::Json,
        text: V1.into(),
        references: Vec::new(),
    };
    let verdict = registry.check(SUBJECT, &json, Against::Nothing).await;
    assert_eq!(
        verdict,
        Ok(Verdict::Invalid("the text is a schema of type AVRO".into()))
    );
    let body = r#"{"error_code":40401,"message":"Subject 'flights-value' not found."}"#;
    let registry = confluent("POST", CHECK, 404, body).await;
    assert_eq!(
        registry.check(SUBJECT, &avro(V1), Against::Every).await,
        Ok(Verdict::Compatible)
    );
}

#[tokio::test]
async fn levels_are_read_and_written() {
    let registry = apicurio(&["level of a subject", "setting a level"]).await;
    assert_eq!(
        registry.level(SUBJECT).await,
        Ok(Some(Compatibility::Backward))
    );
    assert_eq!(
        registry.set_level(SUBJECT, Compatibility::Backward).await,
        Ok(())
    );
    let unknown = apicurio(&["level of an unknown subject"]).await;
    assert_eq!(unknown.level(SUBJECT).await, Ok(None));
    let default = apicurio(&["level of a subject without one"]).await;
    assert_eq!(default.level(SUBJECT).await, Ok(Some(Compatibility::None)));
    let body = r#"{"error_code":40408,"message":"Subject 'x' does not have subject-level compatibility configured"}"#;
    let registry = confluent("GET", "/config/x?defaultToGlobal=true", 404, body).await;
    assert_eq!(registry.level("x").await, Ok(None));
}

#[tokio::test]
async fn what_is_deleted_already_is_no_error() {
    for names in [
        &["soft deletion", "permanent deletion"][..],
        &["soft deletion again", "permanent deletion"],
        &["soft deletion again", "permanent deletion again"],
    ] {
        let registry = apicurio(names).await;
        assert_eq!(registry.delete(SUBJECT, true).await, Ok(()), "{names:?}");
        assert_eq!(registry.delete(SUBJECT, false).await, Ok(()), "{names:?}");
    }
}

#[tokio::test]
async fn a_subject_that_others_refer_to_is_not_deleted() {
    let registry = apicurio(&["deletion of a subject that is referred to"]).await;
    let refused = registry.delete(SUBJECT, false).await;
    let message = "There are subjects referencing flights-value".to_owned();
    assert_eq!(
        refused,
        Err(RegistryError::Refused {
            code: 42206,
            message
        })
    );
}

#[tokio::test]
async fn a_page_that_is_not_there_is_not_taken_for_a_missing_subject() {
    let nothing = apicurio(&[]).await;
    let refused = nothing.latest(SUBJECT).await;
    assert!(
        matches!(refused, Err(RegistryError::Refused { code: 404, .. })),
        "{refused:?}"
    );
    let proxy = confluent("GET", "/subjects/flights-value/versions", 200, "<html>").await;
    let refused = proxy.latest(SUBJECT).await;
    assert!(
        matches!(refused, Err(RegistryError::Refused { code: 200, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_registry_in_trouble_counts_as_unreachable() {
    let path = "/subjects/flights-value/versions";
    for (status, body) in [
        (500, r#"{"error_code":50003,"message":"no leader"}"#),
        (503, "draining"),
        (429, ""),
    ] {
        let answer = confluent("GET", path, status, body)
            .await
            .latest(SUBJECT)
            .await;
        assert!(
            matches!(answer, Err(RegistryError::Unreachable(_))),
            "{status}: {answer:?}"
        );
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = Confluent::new(Client::new(), &format!("http://{closed}"))
        .latest(SUBJECT)
        .await;
    assert!(
        matches!(away, Err(RegistryError::Unreachable(_))),
        "{away:?}"
    );
}

#[test]
fn a_subject_is_one_segment_of_the_path() {
    assert_eq!(segment("a/b c?d#é"), "a%2Fb%20c%3Fd%23%C3%A9");
    assert_eq!(segment("flights.v1_x-value~"), "flights.v1_x-value~");
}
