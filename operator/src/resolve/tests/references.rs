//! What a Schema may name, what it waits for, and that nobody waits for itself.

use super::*;
use crate::resolve::ResolvedReference;

/// A Schema of `team-a` whose subject is `team-a.<name>`, and which names these Schemas.
fn naming(name: &str, references: &[&str]) -> Schema {
    let references: Vec<String> = references
        .iter()
        .map(|other| format!("{{name: dev.{other}, schemaRef: {{name: {other}}}}}"))
        .collect();
    a_schema(
        "team-a",
        name,
        1,
        &format!(
            ", subject: team-a.{name}, references: [{}]",
            references.join(", ")
        ),
    )
}

/// The same after it was looked at: as `version`, with the condition Registered in this state.
fn registered(mut schema: Schema, version: i32, state: &str) -> Schema {
    schema.metadata.generation = Some(1);
    schema.status = parse(&format!(
        "{{observedGeneration: 1, subject: {}, version: {version}, conditions: [{{type: Registered, status: '{state}', reason: x, message: x, lastTransitionTime: '2026-01-01T00:00:00Z'}}]}}",
        schema.spec.subject.clone().unwrap_or_default()
    ));
    schema
}

fn by_subject(namespace: &str, subject: &str, version: &str) -> Schema {
    a_schema(
        namespace,
        "visitor",
        9,
        &format!(
            ", subject: {namespace}.visitor, references: [{{name: dev.X, subject: {subject}, version: {version}}}]"
        ),
    )
}

fn words<T: std::fmt::Debug>(result: Result<T, Rejection>) -> String {
    result.expect_err("it is rejected").message
}

#[test]
fn a_schema_names_the_version_that_the_other_one_has() {
    let facts = Manifests::new().with_schema(registered(naming("carrier", &[]), 3, "True"));
    let resolved = schema(&naming("flight", &["carrier"]), &facts).expect("it is accepted");
    assert_eq!(
        resolved.references,
        [ResolvedReference {
            name: "dev.carrier".into(),
            subject: "team-a.carrier".into(),
            version: millrace_crds::SubjectVersion::Number(3),
        }]
    );
}

#[test]
fn it_waits_for_one_that_is_not_there_or_not_registered_as_it_is_now() {
    let flight = naming("flight", &["carrier"]);
    let with = |carrier| Manifests::new().with_schema(carrier);
    assert_eq!(
        reason(schema(&flight, &Manifests::new())),
        reasons::REFERENCE_NOT_FOUND
    );
    let unregistered = schema(&flight, &with(naming("carrier", &[])));
    assert_eq!(reason(unregistered.clone()), reasons::REFERENCE_NOT_READY);
    assert!(words(unregistered).contains("Schema team-a/carrier"));
    let waiting = with(registered(naming("carrier", &[]), 1, "Unknown"));
    assert_eq!(
        reason(schema(&flight, &waiting)),
        reasons::REFERENCE_NOT_READY
    );
    let mut edited = registered(naming("carrier", &[]), 1, "True");
    edited.metadata.generation = Some(2);
    assert_eq!(
        reason(schema(&flight, &with(edited))),
        reasons::REFERENCE_NOT_READY
    );
    let refused = with(registered(naming("carrier", &[]), 1, "False"));
    assert!(
        schema(&flight, &refused).is_ok(),
        "the version before stays, and those that name it are left alone"
    );
}

#[test]
fn one_of_another_cluster_or_language_is_refused() {
    let flight = naming("flight", &["carrier"]);
    let mut elsewhere = registered(naming("carrier", &[]), 1, "True");
    elsewhere.spec.cluster_ref.name = "other".into();
    let mut json = registered(naming("carrier", &[]), 1, "True");
    json.spec.schema_type = millrace_crds::SchemaType::Json;
    for other in [elsewhere, json] {
        let facts = Manifests::new().with_schema(other);
        assert_eq!(reason(schema(&flight, &facts)), reasons::INVALID_SPEC);
    }
}

#[test]
fn a_circle_is_refused_and_spelled_out() {
    let facts = Manifests::new()
        .with_schema(naming("b", &["c", "d"]))
        .with_schema(naming("c", &["a"]))
        .with_schema(naming("d", &[]));
    let rejection = schema(&naming("a", &["b"]), &facts).expect_err("it is rejected");
    assert_eq!(rejection.reason, reasons::INVALID_SPEC);
    assert!(
        rejection.message.contains("a → b → c → a"),
        "{}",
        rejection.message
    );
    let itself = words(schema(&naming("a", &["a"]), &Manifests::new()));
    assert!(itself.contains("a → a"), "{itself}");
}

#[test]
fn a_circle_by_the_latest_versions_of_subjects_would_never_end_and_is_refused() {
    let following = |name: &str, subject: &str, version: &str| {
        a_schema(
            "team-a",
            name,
            1,
            &format!(
                ", subject: team-a.{name}, references: [{{name: dev.X, subject: team-a.{subject}, version: {version}}}]"
            ),
        )
    };
    let itself = words(schema(&following("a", "a", "latest"), &Manifests::new()));
    assert!(itself.contains("a → a"), "{itself}");
    let other = || Manifests::new().with_schema(following("b", "a", "latest"));
    let both = words(schema(&following("a", "b", "latest"), &other()));
    assert!(both.contains("a → b → a"), "{both}");
    assert!(
        schema(&following("a", "b", "1"), &other()).is_ok(),
        "a number follows nobody"
    );
}

#[test]
fn a_circle_of_others_is_theirs_and_waited_for() {
    let facts = Manifests::new()
        .with_schema(naming("b", &["c"]))
        .with_schema(naming("c", &["b"]));
    assert_eq!(
        reason(schema(&naming("a", &["b"]), &facts)),
        reasons::REFERENCE_NOT_READY
    );
}

#[test]
fn two_ways_to_one_schema_are_no_circle() {
    let facts = Manifests::new()
        .with_schema(registered(naming("b", &["d"]), 1, "True"))
        .with_schema(registered(naming("c", &["d"]), 1, "True"))
        .with_schema(registered(naming("d", &[]), 1, "True"));
    assert!(schema(&naming("a", &["b", "c"]), &facts).is_ok());
}

#[test]
fn a_subject_of_the_namespace_may_be_named_with_a_number_or_the_latest() {
    for version in ["7", "latest"] {
        let visitor = by_subject("team-a", "team-a.carrier", version);
        assert!(schema(&visitor, &Manifests::new()).is_ok(), "{version}");
    }
}
