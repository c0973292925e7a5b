//! What each of Confluent's error codes means to each question, as its API documents them: a stub answers everything with one of them.

use axum::http::StatusCode;

use super::*;

/// The codes a client can meet, with the HTTP status that they come with.
const CODES: [(u16, u32); 33] = [
    (401, 40101), // unauthorised
    (403, 40301), // forbidden
    (404, 40401), // no such subject
    (404, 40402), // no such version
    (404, 40403), // no such schema
    (404, 40404), // the subject is softly deleted
    (404, 40405), // the subject is not softly deleted
    (404, 40406), // the version is softly deleted
    (404, 40407), // the version is not softly deleted
    (404, 40408), // the subject has no level of its own
    (404, 40409), // the subject has no mode of its own
    (404, 40410), // no such association
    (409, 409),   // incompatible
    (409, 40901), // incompatible, as newer registries say
    (422, 42201), // no schema
    (422, 42202), // no version
    (422, 42203), // no level
    (422, 42204), // no mode
    (422, 42205), // not permitted, such as a registry that is read-only
    (422, 42206), // others refer to it
    (422, 42207), // the id does not match
    (422, 42208), // no subject
    (422, 42209), // too large
    (422, 42210), // no rule set
    (422, 42211), // the context is not empty
    (422, 42212), // no association
    (500, 50001), // the store failed
    (500, 50002), // the store was too slow
    (500, 50003), // the leader did not take it
    (500, 50004), // there is no leader
    (500, 500),   // anything else
    (503, 503),   // a proxy in front of it
    (429, 42901), // too many requests
];

const QUESTIONS: [&str; 8] = [
    "versions",
    "lookup",
    "check",
    "register",
    "level",
    "set level",
    "delete",
    "subjects of an id",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// There is no such thing, which answers the question, or settles a deletion.
    Nothing,
    /// The text is no schema.
    Invalid,
    /// Nobody is broken: there is nothing to be compatible with.
    First,
    /// Asking again does not mend it; the code is kept.
    Refused(u32),
    /// It may pass.
    Away,
    /// Anything else.
    Something,
}

/// A registry that answers everything with one status and body.
pub(super) async fn always(status: u16, body: String) -> Confluent {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let app = Router::new().fallback(move || async move { (status, body) });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Confluent::new(Client::new(), &format!("http://{address}"))
}

async fn ask(registry: &Confluent, question: &str) -> Meaning {
    match question {
        "versions" => of(registry.versions(SUBJECT).await, Vec::is_empty),
        "lookup" => of(registry.lookup(SUBJECT, &avro(V1)).await, Option::is_none),
        "check" => match registry.check(SUBJECT, &avro(V1), Against::Every).await {
            Ok(Verdict::Invalid(_)) => Meaning::Invalid,
            Ok(Verdict::Compatible) => Meaning::First,
            other => of(other, |_| false),
        },
        "register" => of(registry.register(SUBJECT, &avro(V1)).await, |_| false),
        "level" => of(registry.level(SUBJECT).await, Option::is_none),
        "set level" => of(
            registry.set_level(SUBJECT, Compatibility::Full).await,
            |()| false,
        ),
        "delete" => of(registry.delete(SUBJECT, false).await, |()| true),
        _ => {
            let subjects = registry.subjects_of(SchemaId::Number(1)).await;
            of(subjects, |known| *known == KnownId::Nowhere)
        }
    }
}

fn of<T>(answer: Result<T, RegistryError>, nothing: impl Fn(&T) -> bool) -> Meaning {
    match answer {
        Ok(found) if nothing(&found) => Meaning::Nothing,
        Ok(_) => Meaning::Something,
        Err(RegistryError::Refused { code, .. }) => Meaning::Refused(code),
        Err(RegistryError::Unreachable(_)) => Meaning::Away,
    }
}

fn expected(question: &str, status: u16, code: u32) -> Meaning {
    match (question, code) {
        _ if status >= 500 || status == 429 => Meaning::Away,
        ("versions" | "delete" | "level", 40401 | 40404) => Meaning::Nothing,
        ("level", 40408) => Meaning::Nothing,
        ("subjects of an id", 40403) => Meaning::Nothing,
        ("lookup", 40401 | 40403 | 40404 | 42201) => Meaning::Nothing,
        ("check", 40401 | 40404) => Meaning::First,
        ("check", 42201) => Meaning::Invalid,
        _ => Meaning::Refused(code),
    }
}

#[tokio::test]
async fn each_code_means_the_right_thing_to_each_question() {
    for (status, code) in CODES {
        // Apicurio/apicurio-registry#1081: some registries send more than Confluent's two fields.
        let body = json!({ "error_code": code, "message": "words", "detail": "more", "name": "Exception" });
        let registry = always(status, body.to_string()).await;
        for question in QUESTIONS {
            assert_eq!(
                ask(&registry, question).await,
                expected(question, status, code),
                "{question}: {status} {code}"
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_keeps_the_registrys_words() {
    let body = r#"{"error_code":42205,"message":"Subject x is in read-only mode"}"#;
    let refused = always(422, body.to_owned())
        .await
        .register(SUBJECT, &avro(V1))
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Subject x is in read-only mode (code 42205)"
    );
}

#[tokio::test]
async fn an_error_without_a_code_is_known_by_its_status() {
    for (status, body, meaning) in [
        (404, r#"{"message":"no such page"}"#, Meaning::Refused(404)),
        (403, "<html>forbidden</html>", Meaning::Refused(403)),
        (502, "<html>bad gateway</html>", Meaning::Away),
        (429, "", Meaning::Away),
    ] {
        let registry = always(status, body.to_owned()).await;
        for question in QUESTIONS {
            assert_eq!(
                ask(&registry, question).await,
                meaning,
                "{question}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn a_deletion_for_good_ends_with_what_the_second_step_says() {
    let path = format!("/subjects/{SUBJECT}");
    for (status, code, meaning) in [
        (404, 40401, Meaning::Nothing),
        (404, 40405, Meaning::Refused(40405)),
        (422, 42206, Meaning::Refused(42206)),
        (500, 50001, Meaning::Away),
    ] {
        let answers = Answers::from([
            (("DELETE".to_owned(), path.clone()), (200, "[1]".to_owned())),
            (
                ("DELETE".to_owned(), format!("{path}?permanent=true")),
                (
                    status,
                    json!({ "error_code": code, "message": "" }).to_string(),
                ),
            ),
        ]);
        let registry = Confluent::new(Client::new(), &stub(answers).await);
        let deleted = registry.delete(SUBJECT, true).await;
        let referred = deleted.as_ref().is_err_and(RegistryError::is_referred_to);
        assert_eq!(referred, code == 42206);
        assert_eq!(of(deleted, |()| true), meaning, "{code}");
    }
}

/// Karapace (Aiven-Open/karapace#435) and newer registries add fields to what they answer.
#[tokio::test]
async fn what_a_registry_adds_to_its_answers_is_passed_over() {
    let body = json!({
        "id": 7, "version": 3, "guid": "d3b07384-d113-4ec6-8d3d-0c1b3f0c0a0a", "subject": SUBJECT, "ts": 1, "deleted": false,
        "schema": V1, "schemaType": "AVRO", "references": [], "metadata": null, "ruleSet": null, "schemaTags": [],
        "is_compatible": true, "messages": [], "compatibilityLevel": "FULL", "compatibility": "FULL", "normalize": true,
        "alias": "", "validateFields": false, "compatibilityGroup": "", "defaultMetadata": {},
    });
    let registry = always(200, body.to_string()).await;
    let registered = Registered { id: 7, version: 3 };
    let found = registry.lookup(SUBJECT, &avro(V1)).await;
    assert_eq!(found, Ok(Some(registered)));
    assert_eq!(registry.register(SUBJECT, &avro(V1)).await, Ok(registered));
    assert_eq!(
        registry.check(SUBJECT, &avro(V1), Against::Every).await,
        Ok(Verdict::Compatible)
    );
    assert_eq!(registry.level(SUBJECT).await, Ok(Some(Compatibility::Full)));
    let set = registry.set_level(SUBJECT, Compatibility::Full).await;
    assert_eq!(set, Ok(()));
}

#[tokio::test]
async fn a_level_that_is_none_of_the_seven_is_not_known() {
    let registry = always(200, r#"{"compatibilityLevel":"SIDEWAYS"}"#.to_owned()).await;
    assert_eq!(registry.level(SUBJECT).await, Ok(None));
}
