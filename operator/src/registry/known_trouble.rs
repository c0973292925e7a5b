//! What is known to go wrong between operators and schema registries elsewhere, each as a case against a stub of Confluent's registry.
//! docs/design/0015-known-trouble.md says which issue each is from.

use axum::http::Method;
use millrace_crds::{Compatibility, Latest, SubjectVersion};
use serde_json::json;

use super::{NewSchema, RegistryError, SchemaRegistry, stub::Stub};
use crate::{
    plan::{SUBJECT, condition, converge, desired, visit},
    resolve::{ResolvedReference, ResolvedSchema},
    status::{State, reasons},
};

const V1: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"}]}"#;
/// Breaks readers with V1: what is written with it lacks the field.
const WITHOUT_ID: &str = r#"{"type":"record","name":"Flight","fields":[]}"#;
const MAYBE_GATE: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"gate","type":"int","default":0}]}"#;
/// Breaks itself as a reader of what was written with V1, but not of what was written with the one before.
const NEEDS_GATE: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"gate","type":"int"}]}"#;
const V1_WRITTEN_OTHERWISE: &str =
    r#"{"type":"record","name":"Flight","doc":"","fields":[{"name":"id","type":"string"}]}"#;
const CARRIER: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"}]}"#;
const CARRIER_WITH_NAME: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"},{"name":"name","type":"string","default":""}]}"#;
const FLIGHT_OF_CARRIER: &str =
    r#"{"type":"record","name":"Flight","fields":[{"name":"carrier","type":"dev.Carrier"}]}"#;

const REGISTERS: &str = "POST /subjects/flights-value/versions";

fn avro(text: &str) -> NewSchema {
    NewSchema {
        schema_type: millrace_crds::SchemaType::Avro,
        text: text.to_owned(),
        references: Vec::new(),
    }
}

/// A registry whose subject has these versions and this level.
async fn holding(versions: &[&str], level: Compatibility) -> Stub {
    let stub = Stub::start().await;
    stub.memory(|memory| {
        memory.set_level(SUBJECT, Some(Compatibility::None));
        for text in versions {
            memory.register(SUBJECT, &avro(text)).unwrap();
        }
        memory.set_level(SUBJECT, Some(level));
    });
    stub
}

/// A registry with two versions of a carrier, and a flight that names one.
async fn naming(version: SubjectVersion) -> (Stub, ResolvedSchema) {
    let stub = Stub::start().await;
    stub.memory(|memory| {
        for text in [CARRIER, CARRIER_WITH_NAME] {
            memory.register("carrier", &avro(text)).unwrap();
        }
    });
    let mut flight = desired(FLIGHT_OF_CARRIER, Compatibility::Backward, false);
    flight.references = vec![ResolvedReference {
        name: "dev.Carrier".to_owned(),
        subject: "carrier".to_owned(),
        version,
    }];
    (stub, flight)
}

async fn versions(stub: &Stub) -> Vec<i32> {
    stub.client().versions(SUBJECT).await.unwrap()
}

/// What is refused is told by its code, and the next visit does what is left to do.
async fn told_and_mended(stub: &Stub, desired: &ResolvedSchema, code: u32, words: &str) {
    let refused = visit(&stub.client(), desired, false).await.unwrap_err();
    let expected = RegistryError::Refused {
        code,
        message: words.to_owned(),
    };
    assert_eq!(refused, expected);
    assert_eq!(stub.take_writes(), [REGISTERS], "nothing follows");
    let (plan, _) = converge(&stub.client(), desired, true).await;
    assert_eq!(condition(&plan, "Registered").state, State::True);
}

/// Everything the operator asks in the life of a subject.
async fn whole_life(stub: &Stub) {
    let registry = stub.client();
    let first = desired(V1, Compatibility::Full, false);
    let (plan, _) = converge(&registry, &first, false).await;
    assert_eq!(condition(&plan, "Registered").state, State::True);
    let breaking = desired(WITHOUT_ID, Compatibility::Full, false);
    let (plan, _) = converge(&registry, &breaking, true).await;
    assert_eq!(condition(&plan, "Compatible").reason, reasons::INCOMPATIBLE);
    let next = desired(MAYBE_GATE, Compatibility::FullTransitive, false);
    let (plan, _) = converge(&registry, &next, true).await;
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(2)
    );
    registry.delete(SUBJECT, true).await.unwrap();
    assert!(versions(stub).await.is_empty());
}

#[tokio::test]
async fn a_level_loosened_for_the_sake_of_a_text_is_written_before_it() {
    let stub = holding(&[V1], Compatibility::Full).await;
    let loosened = desired(WITHOUT_ID, Compatibility::Backward, false);
    converge(&stub.client(), &loosened, true).await;
    let level = "PUT /config/flights-value BACKWARD";
    assert_eq!(stub.take_writes(), [level, REGISTERS]);
    converge(&stub.client(), &loosened, true).await;
    assert!(stub.take_writes().is_empty(), "it has converged");
}

#[tokio::test]
async fn a_level_tightened_with_a_text_leaves_no_latest_version_that_breaks_it() {
    let stub = holding(&[V1], Compatibility::Backward).await;
    let tightened = desired(WITHOUT_ID, Compatibility::Full, false);
    let (plan, _) = converge(&stub.client(), &tightened, true).await;
    assert_eq!(stub.take_writes(), ["PUT /config/flights-value FULL"]);
    assert_eq!(condition(&plan, "Compatible").reason, reasons::INCOMPATIBLE);
    assert_eq!(versions(&stub).await, [1]);
}

#[tokio::test]
async fn the_level_of_a_subject_that_was_not_taken_stays() {
    let stub = holding(&[V1], Compatibility::Full).await;
    let (plan, _) = converge(
        &stub.client(),
        &desired(V1, Compatibility::None, false),
        false,
    )
    .await;
    assert!(stub.take_writes().is_empty());
    assert_eq!(condition(&plan, "Registered").reason, reasons::NOT_ADOPTED);
}

#[tokio::test]
async fn an_old_id_that_a_deletion_for_good_left_behind_is_told() {
    let stub = Stub::start().await;
    let words = "Overwrite new schema with id 5 is not permitted.";
    let refusal = json!({ "error_code": 42205, "message": words });
    stub.answer_once(
        Method::POST,
        "/subjects/flights-value/versions",
        422,
        &refusal,
    );
    let first = desired(V1, Compatibility::Backward, false);
    told_and_mended(&stub, &first, 42205, words).await;
}

#[tokio::test]
async fn a_subject_that_was_deleted_for_good_begins_again_with_its_level() {
    let stub = holding(&[V1, MAYBE_GATE], Compatibility::Full).await;
    stub.client().delete(SUBJECT, true).await.unwrap();
    stub.take_writes();
    let (plan, _) = converge(
        &stub.client(),
        &desired(V1, Compatibility::Full, false),
        true,
    )
    .await;
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(1)
    );
    let level = "PUT /config/flights-value FULL";
    assert_eq!(stub.take_writes(), [REGISTERS, level]);
}

#[tokio::test]
async fn a_named_version_that_is_softly_deleted_is_waited_for_and_nothing_is_asked_about_the_text()
{
    let (stub, flight) = naming(SubjectVersion::Number(1)).await;
    stub.memory(|memory| memory.delete_version("carrier", 1));
    let (plan, _) = converge(&stub.client(), &flight, false).await;
    let verdict = condition(&plan, "Compatible");
    assert_eq!(verdict.reason, reasons::REFERENCE_NOT_FOUND);
    let mut heard = stub.heard().into_iter();
    assert!(heard.all(|heard| heard.method == Method::GET));
}

#[tokio::test]
async fn a_named_version_that_goes_just_before_the_registration_is_told() {
    let (stub, flight) = naming(SubjectVersion::Number(1)).await;
    let words = "Version 1 not found.";
    let refusal = json!({ "error_code": 40402, "message": words });
    stub.answer_once(
        Method::POST,
        "/subjects/flights-value/versions",
        404,
        &refusal,
    );
    told_and_mended(&stub, &flight, 40402, words).await;
}

#[tokio::test]
async fn a_subject_that_comes_back_from_a_deletion_for_good_is_foreign_to_a_new_resource() {
    let stub = holding(&[V1, MAYBE_GATE], Compatibility::Backward).await;
    stub.client().delete(SUBJECT, true).await.unwrap();
    stub.memory(|memory| memory.register(SUBJECT, &avro(V1)).unwrap());
    stub.take_writes();
    let wanted = |adopt| desired(MAYBE_GATE, Compatibility::Backward, adopt);
    let (plan, _) = converge(&stub.client(), &wanted(false), false).await;
    assert_eq!(condition(&plan, "Registered").reason, reasons::NOT_ADOPTED);
    assert!(stub.take_writes().is_empty());
    let (plan, _) = converge(&stub.client(), &wanted(true), false).await;
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(2)
    );
}

#[tokio::test]
async fn a_level_that_went_with_a_soft_deletion_is_set_again() {
    let stub = holding(&[V1], Compatibility::Full).await;
    stub.memory(|memory| {
        memory.delete_softly(SUBJECT).unwrap();
        memory.set_level(SUBJECT, None);
    });
    let (plan, _) = converge(
        &stub.client(),
        &desired(V1, Compatibility::Full, false),
        true,
    )
    .await;
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(2)
    );
    let level = "PUT /config/flights-value FULL";
    assert_eq!(stub.take_writes(), [REGISTERS, level]);
}

#[tokio::test]
async fn a_deletion_for_good_is_soft_first() {
    let stub = holding(&[V1], Compatibility::Full).await;
    stub.client().delete(SUBJECT, true).await.unwrap();
    let heard = stub.heard();
    let paths: Vec<&str> = heard.iter().map(|heard| heard.path.as_str()).collect();
    let path = "/subjects/flights-value";
    assert_eq!(paths, [path, &format!("{path}?permanent=true")]);
    assert!(stub.memory(|memory| !memory.knows(SUBJECT)));
}

#[tokio::test]
async fn what_is_softly_deleted_already_is_deleted_for_good() {
    let stub = holding(&[V1], Compatibility::Full).await;
    stub.memory(|memory| memory.delete_softly(SUBJECT).unwrap());
    stub.client().delete(SUBJECT, true).await.unwrap();
    assert!(stub.memory(|memory| !memory.knows(SUBJECT)));
}

#[tokio::test]
async fn a_deletion_for_good_that_was_cut_off_is_ended_by_the_next() {
    let stub = holding(&[V1], Compatibility::Full).await;
    let trouble = json!({ "error_code": 50003, "message": "Error while forwarding" });
    let second = "/subjects/flights-value?permanent";
    stub.answer_once(Method::DELETE, second, 500, &trouble);
    let failed = stub.client().delete(SUBJECT, true).await;
    assert!(matches!(failed, Err(RegistryError::Unreachable(_))));
    stub.client().delete(SUBJECT, true).await.unwrap();
    assert!(stub.memory(|memory| !memory.knows(SUBJECT)));
}

#[tokio::test]
async fn a_text_that_the_check_lets_pass_and_the_registration_refuses_is_told() {
    let stub = holding(&[V1], Compatibility::Backward).await;
    let words = "Schema being registered is incompatible with an earlier schema";
    let refusal = json!({ "error_code": 409, "message": words });
    stub.answer_once(
        Method::POST,
        "/subjects/flights-value/versions",
        409,
        &refusal,
    );
    let next = desired(MAYBE_GATE, Compatibility::Backward, true);
    told_and_mended(&stub, &next, 409, words).await;
}

#[tokio::test]
async fn a_text_that_a_patch_release_writes_otherwise_makes_one_version_and_no_more() {
    let stub = holding(&[V1], Compatibility::Backward).await;
    stub.memory(|memory| memory.rewrite(SUBJECT, 1, &avro(V1_WRITTEN_OTHERWISE)));
    let unchanged = desired(V1, Compatibility::Backward, false);
    for expected in [&[REGISTERS][..], &[], &[]] {
        let (plan, _) = converge(&stub.client(), &unchanged, true).await;
        assert_eq!(
            plan.registered.map(|registered| registered.version),
            Some(2)
        );
        assert_eq!(stub.take_writes(), expected);
    }
}

#[tokio::test]
async fn a_text_that_a_patch_release_takes_for_incompatible_is_told_and_nothing_is_written() {
    let stub = holding(&[V1], Compatibility::Full).await;
    stub.memory(|memory| memory.rewrite(SUBJECT, 1, &avro(WITHOUT_ID)));
    for _ in 0..2 {
        let unchanged = desired(V1, Compatibility::Full, false);
        let (plan, _) = converge(&stub.client(), &unchanged, true).await;
        assert_eq!(condition(&plan, "Compatible").reason, reasons::INCOMPATIBLE);
        let stays = &condition(&plan, "Registered").message;
        assert!(stays.contains("version 1 of subject"), "{stays}");
        assert!(stub.take_writes().is_empty());
    }
}

#[tokio::test]
async fn a_check_that_fails_is_no_verdict_and_nothing_is_written() {
    let stub = holding(&[V1], Compatibility::Backward).await;
    let trouble = json!({ "error_code": 0, "message": "Unresolved JSON Schema reference" });
    stub.answer_once(Method::POST, "/compatibility/", 500, &trouble);
    let next = desired(MAYBE_GATE, Compatibility::Backward, false);
    let failed = visit(&stub.client(), &next, true).await;
    assert!(matches!(failed, Err(RegistryError::Unreachable(_))));
    assert!(stub.take_writes().is_empty());
    converge(&stub.client(), &next, true).await;
    assert_eq!(stub.take_writes(), [REGISTERS]);
}

#[tokio::test]
async fn a_level_that_is_not_transitive_is_judged_by_the_latest_version_alone() {
    let older_breaks = desired(NEEDS_GATE, Compatibility::Backward, false);
    let stub = holding(&[V1, MAYBE_GATE], Compatibility::Backward).await;
    let (plan, _) = converge(&stub.client(), &older_breaks, true).await;
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(3)
    );
    let checks = |stub: &Stub| -> Vec<String> {
        let heard = stub.heard().into_iter();
        let checks = heard.filter(|heard| heard.path.starts_with("/compatibility"));
        checks.map(|heard| heard.path).collect()
    };
    let asked = checks(&stub);
    assert!(
        asked.iter().all(|path| path.contains("/versions/latest?")),
        "{asked:?}"
    );

    let stub = holding(&[V1, MAYBE_GATE], Compatibility::BackwardTransitive).await;
    let transitive = desired(NEEDS_GATE, Compatibility::BackwardTransitive, false);
    let (plan, _) = converge(&stub.client(), &transitive, true).await;
    assert_eq!(condition(&plan, "Compatible").reason, reasons::INCOMPATIBLE);
    let asked = checks(&stub);
    assert!(
        asked.iter().all(|path| path.contains("/versions?")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn latest_goes_over_the_wire_as_a_number() {
    let (stub, flight) = naming(SubjectVersion::Latest(Latest::Latest)).await;
    converge(&stub.client(), &flight, false).await;
    let heard = stub.heard();
    let named = heard
        .iter()
        .filter_map(|heard| heard.body.get("references"));
    let named: Vec<_> = named.map(|named| named[0]["version"].clone()).collect();
    assert!(
        !named.is_empty() && named.iter().all(|version| *version == 2),
        "{named:?}"
    );
}

#[tokio::test]
async fn a_subject_that_the_registry_does_not_find_while_it_registers_is_told() {
    let (stub, flight) = naming(SubjectVersion::Number(1)).await;
    let words = "Subject 'carrier' not found.";
    let refusal = json!({ "error_code": 40401, "message": words });
    stub.answer_once(
        Method::POST,
        "/subjects/flights-value/versions",
        404,
        &refusal,
    );
    told_and_mended(&stub, &flight, 40401, words).await;
}

#[tokio::test]
async fn fields_beside_confluents_own_disturb_nothing() {
    let stub = Stub::start().await;
    stub.add_to_answers(json!({
        "detail": "SubjectNotFoundException: more", "name": "Exception", "status": 0, "compatibility": "FULL", "normalize": true,
        "guid": "d3b07384-d113-4ec6-8d3d-0c1b3f0c0a0a", "schemaTags": [], "messages": [], "references": [], "metadata": null,
    }));
    whole_life(&stub).await;
}

#[tokio::test]
async fn no_question_asks_for_another_format() {
    let stub = Stub::start().await;
    whole_life(&stub).await;
    let asked: Vec<String> = stub.heard().into_iter().map(|heard| heard.path).collect();
    assert!(
        asked.len() > 10 && asked.iter().all(|path| !path.contains("format=")),
        "{asked:?}"
    );
}
