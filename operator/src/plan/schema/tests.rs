use millrace_crds::Latest;
use proptest::prelude::*;

use super::{
    testing::{SUBJECT, condition, converge, desired},
    *,
};
use crate::{
    apply::observe,
    registry::{FakeRegistry, SchemaRegistry},
};

const V1: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"}]}"#;
const V1_REFORMATTED: &str = r#"{ "name": "Flight", "type": "record",
    "fields": [ { "type": "string", "name": "id" } ] }"#;
/// Breaks readers with this schema: old records lack the field.
const NEEDS_CARRIER: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"carrier","type":"string"}]}"#;
/// Breaks readers with the schema before: new records lack the field.
const WITHOUT_ID: &str = r#"{"type":"record","name":"Flight","fields":[]}"#;
const MAYBE_CARRIER: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"carrier","type":["null","string"],"default":null}]}"#;
const BROKEN: &str = r#"{"type":"record"}"#;

async fn registry_with(versions: &[&str], level: Compatibility) -> FakeRegistry {
    let registry = FakeRegistry::default();
    for text in versions {
        let schema = crate::registry::NewSchema {
            schema_type: millrace_crds::SchemaType::Avro,
            text: (*text).to_owned(),
            references: Vec::new(),
        };
        registry.register(SUBJECT, &schema).await.unwrap();
    }
    registry.set_level(SUBJECT, level).await.unwrap();
    registry.take_writes();
    registry
}

#[tokio::test]
async fn a_new_subject_gets_its_text_and_then_its_level() {
    let registry = FakeRegistry::default();
    let (plan, _) = converge(
        &registry,
        &desired(V1, Compatibility::Backward, false),
        false,
    )
    .await;
    assert_eq!(
        registry.take_writes(),
        ["register flights-value 1", "level flights-value Backward"]
    );
    assert_eq!(plan.registered, Some(Registered { id: 1, version: 1 }));
    assert!(
        plan.conditions
            .iter()
            .all(|draft| draft.state == State::True)
    );
}

#[tokio::test]
async fn a_text_that_is_no_schema_leaves_nothing_behind() {
    let registry = FakeRegistry::default();
    let (plan, _) = converge(
        &registry,
        &desired(BROKEN, Compatibility::Backward, false),
        false,
    )
    .await;
    assert!(registry.take_writes().is_empty());
    assert_eq!(
        condition(&plan, "Compatible").reason,
        reasons::INVALID_SCHEMA
    );
    assert!(
        condition(&plan, "Compatible")
            .message
            .starts_with("subject `flights-value`: spec.schema is not an Avro schema: ")
    );
}

#[tokio::test]
async fn the_same_text_in_another_shape_is_no_new_version() {
    let registry = registry_with(&[V1], Compatibility::Backward).await;
    let (plan, rounds) = converge(
        &registry,
        &desired(V1_REFORMATTED, Compatibility::Backward, false),
        true,
    )
    .await;
    assert_eq!((registry.take_writes().len(), rounds), (0, 0));
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(1)
    );
}

#[tokio::test]
async fn an_incompatible_text_writes_nothing_and_says_why() {
    let registry = registry_with(&[V1], Compatibility::Backward).await;
    let (plan, _) = converge(
        &registry,
        &desired(NEEDS_CARRIER, Compatibility::Backward, false),
        true,
    )
    .await;
    assert!(registry.take_writes().is_empty());
    let verdict = condition(&plan, "Compatible");
    assert_eq!(
        (verdict.state, verdict.reason),
        (State::False, reasons::INCOMPATIBLE)
    );
    assert!(
        verdict.message.contains("version 1") && verdict.message.contains("carrier"),
        "{}",
        verdict.message
    );
    assert_eq!(
        condition(&plan, "Registered").message,
        "nothing was registered; version 1 of subject `flights-value` stays"
    );
}

#[tokio::test]
async fn a_level_is_loosened_before_the_text_that_needs_it() {
    let registry = registry_with(&[V1], Compatibility::Full).await;
    let (plan, _) = converge(
        &registry,
        &desired(WITHOUT_ID, Compatibility::Backward, false),
        true,
    )
    .await;
    assert_eq!(
        registry.take_writes(),
        ["level flights-value Backward", "register flights-value 2"]
    );
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(2)
    );
}

#[tokio::test]
async fn a_tightened_level_judges_the_text_declared_with_it() {
    let registry = registry_with(&[V1], Compatibility::Backward).await;
    let (plan, _) = converge(
        &registry,
        &desired(WITHOUT_ID, Compatibility::Full, false),
        true,
    )
    .await;
    assert_eq!(
        registry.take_writes(),
        ["level flights-value Full"],
        "removing a field breaks the readers of before"
    );
    assert_eq!(condition(&plan, "Compatible").reason, reasons::INCOMPATIBLE);

    let registry = registry_with(&[V1], Compatibility::Backward).await;
    let (plan, _) = converge(
        &registry,
        &desired(MAYBE_CARRIER, Compatibility::Full, false),
        true,
    )
    .await;
    assert_eq!(
        registry.take_writes(),
        ["level flights-value Full", "register flights-value 2"]
    );
    assert_eq!(condition(&plan, "Compatible").state, State::True);
}

#[tokio::test]
async fn a_text_that_the_looser_level_refuses_does_not_even_tighten() {
    let registry = registry_with(&[V1], Compatibility::Backward).await;
    converge(
        &registry,
        &desired(NEEDS_CARRIER, Compatibility::Full, false),
        true,
    )
    .await;
    assert!(registry.take_writes().is_empty());
}

#[tokio::test]
async fn a_subject_of_somebody_else_is_taken_over_only_when_told() {
    let registry = registry_with(&[V1], Compatibility::None).await;
    let (plan, _) = converge(
        &registry,
        &desired(V1, Compatibility::Backward, false),
        false,
    )
    .await;
    assert!(registry.take_writes().is_empty());
    assert_eq!(condition(&plan, "Registered").reason, reasons::NOT_ADOPTED);
    assert_eq!(plan.registered, None);
    let (plan, _) = converge(
        &registry,
        &desired(V1, Compatibility::Backward, true),
        false,
    )
    .await;
    assert_eq!(registry.take_writes(), ["level flights-value Backward"]);
    assert_eq!(
        plan.registered.map(|registered| registered.version),
        Some(1)
    );
}

const CARRIER: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"}]}"#;
const CARRIER_WITH_NAME: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"},{"name":"name","type":"string","default":""}]}"#;
const FLIGHT_OF_CARRIER: &str =
    r#"{"type":"record","name":"Flight","fields":[{"name":"carrier","type":"dev.Carrier"}]}"#;

fn naming_carrier(version: SubjectVersion) -> ResolvedSchema {
    let mut desired = desired(FLIGHT_OF_CARRIER, Compatibility::Backward, false);
    desired.references = vec![ResolvedReference {
        name: "dev.Carrier".to_owned(),
        subject: "carrier".to_owned(),
        version,
    }];
    desired
}

async fn register_carrier(registry: &FakeRegistry, text: &str) {
    let schema = crate::registry::NewSchema {
        schema_type: millrace_crds::SchemaType::Avro,
        text: text.to_owned(),
        references: Vec::new(),
    };
    registry.register("carrier", &schema).await.unwrap();
    registry.take_writes();
}

#[tokio::test]
async fn a_schema_waits_for_a_version_that_it_names() {
    let registry = FakeRegistry::default();
    register_carrier(&registry, CARRIER).await;
    for (version, words) in [
        (SubjectVersion::Number(2), "version 2 of subject `carrier`"),
        (SubjectVersion::Number(1), ""),
    ] {
        let desired = naming_carrier(version);
        let (plan, _) = converge(&registry, &desired, true).await;
        let verdict = condition(&plan, "Compatible");
        match words {
            "" => assert_eq!(verdict.state, State::True),
            words => {
                assert!(registry.take_writes().is_empty());
                assert_eq!(
                    (verdict.state, verdict.reason),
                    (State::Unknown, reasons::REFERENCE_NOT_FOUND)
                );
                assert!(verdict.message.contains(words), "{}", verdict.message);
            }
        }
    }
}

#[tokio::test]
async fn the_latest_version_is_asked_for_by_its_number_and_followed() {
    let registry = FakeRegistry::default();
    let desired = naming_carrier(SubjectVersion::Latest(Latest::Latest));
    let (plan, _) = converge(&registry, &desired, true).await;
    let verdict = condition(&plan, "Compatible");
    assert!(
        verdict.message.starts_with("subject `carrier`"),
        "{}",
        verdict.message
    );
    for (text, version) in [(CARRIER, 1), (CARRIER_WITH_NAME, 2)] {
        register_carrier(&registry, text).await;
        let observed = observe(&registry, &desired, true).await.unwrap();
        assert_eq!(observed.references[0].version, version);
        let (plan, _) = converge(&registry, &desired, true).await;
        let registered = plan.registered.map(|registered| registered.version);
        assert_eq!(registered, Some(version));
    }
}

/// The conditions on what others did, as `Latest False`, with their messages.
async fn drift(
    registry: &FakeRegistry,
    desired: &ResolvedSchema,
    before: Compatibility,
) -> Vec<(String, String)> {
    let observed = observe(registry, desired, true).await.unwrap();
    let plan = schema(desired, &observed);
    let drift = crate::plan::schema_drift(desired, &observed, &plan, Some(before));
    drift
        .into_iter()
        .map(|draft| (format!("{} {:?}", draft.kind, draft.state), draft.message))
        .collect()
}

#[tokio::test]
async fn a_version_by_somebody_else_is_seen_and_left_alone() {
    let registry = registry_with(&[V1, MAYBE_CARRIER], Compatibility::Backward).await;
    let desired = desired(V1, Compatibility::Backward, false);
    let (plan, _) = converge(&registry, &desired, true).await;
    assert!(registry.take_writes().is_empty());
    assert_eq!(condition(&plan, "Registered").state, State::True);
    let found = drift(&registry, &desired, Compatibility::Backward).await;
    assert_eq!(found[0].0, "Latest False");
    assert!(
        found[0]
            .1
            .contains("version 2 of subject `flights-value` is newer than version 1"),
        "{}",
        found[0].1
    );
    assert_eq!(found[1].0, "LevelKept True");
}

#[tokio::test]
async fn a_level_that_somebody_changed_is_told_and_one_that_the_resource_changes_is_not() {
    let registry = registry_with(&[V1], Compatibility::None).await;
    let wanted = desired(V1, Compatibility::Backward, false);
    let found = drift(&registry, &wanted, Compatibility::Backward).await;
    assert_eq!(found[1].0, "LevelKept False");
    assert!(
        found[1]
            .1
            .contains("from Backward to None: it is put back;"),
        "{}",
        found[1].1
    );
    let edited = drift(&registry, &wanted, Compatibility::None).await;
    assert_eq!(edited.len(), 1, "{edited:?}");
    converge(&registry, &wanted, true).await;
    let found = drift(&registry, &wanted, Compatibility::Backward).await;
    assert_eq!(found[1].0, "LevelKept True");
}

#[tokio::test]
async fn a_level_that_is_not_put_back_yet_is_not_said_to_be() {
    let registry = registry_with(&[V1], Compatibility::Backward).await;
    let refused = desired(NEEDS_CARRIER, Compatibility::Full, false);
    let found = drift(&registry, &refused, Compatibility::Full).await;
    let (kind, words) = &found[0];
    assert_eq!(kind, "LevelKept False");
    assert!(words.contains("with the next text"), "{words}");
}

fn level() -> impl Strategy<Value = Compatibility> {
    use Compatibility::{
        Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive, None,
    };
    prop::sample::select(vec![
        None,
        Backward,
        BackwardTransitive,
        Forward,
        ForwardTransitive,
        Full,
        FullTransitive,
    ])
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        V1,
        V1_REFORMATTED,
        NEEDS_CARRIER,
        WITHOUT_ID,
        MAYBE_CARRIER,
        BROKEN,
    ])
}

proptest! {
    /// Two rounds suffice, and planning again gives nothing: neither a step nor another verdict.
    #[test]
    fn a_plan_ends(edits in prop::collection::vec((text(), level(), any::<bool>()), 1..6), owned: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let registry = FakeRegistry::default();
            let mut owned = owned;
            for (text, level, adopt) in edits {
                let desired = desired(text, level, adopt);
                let (plan, rounds) = converge(&registry, &desired, owned).await;
                prop_assert!(rounds <= 2);
                owned = owned || plan.registered.is_some();
                registry.take_writes();
                let (again, rounds) = converge(&registry, &desired, owned).await;
                prop_assert_eq!((again, rounds), (plan, 0));
                prop_assert!(registry.take_writes().is_empty());
            }
            Ok(())
        })?;
    }

    /// What is registered passes the level declared with it: a strict registry at that level takes it too.
    #[test]
    fn no_version_breaks_its_own_level(before in text(), stored in level(), after in text(), declared in level()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let registry = registry_with(&[V1], Compatibility::None).await;
            converge(&registry, &desired(before, Compatibility::None, false), true).await;
            registry.set_level(SUBJECT, stored).await.unwrap();
            let versions = registry.latest(SUBJECT).await.unwrap();
            let judge = registry_with(&[V1], Compatibility::None).await;
            converge(&judge, &desired(before, Compatibility::None, false), true).await;
            judge.set_level(SUBJECT, declared).await.unwrap();

            let desired = desired(after, declared, false);
            let (plan, _) = converge(&registry, &desired, true).await;
            if plan.registered.is_some() && registry.latest(SUBJECT).await.unwrap() > versions {
                let verdict = observe(&judge, &desired, true).await.unwrap().verdict;
                prop_assert_eq!(verdict, Some(Verdict::Compatible));
            }
            Ok(())
        })?;
    }
}

#[test]
fn levels_are_ordered_by_what_they_ask() {
    use Compatibility::{Backward, BackwardTransitive, Forward, Full, FullTransitive, None};
    assert!(allows_all_of(None, Some(FullTransitive)));
    assert!(
        allows_all_of(Backward, Some(BackwardTransitive)) && allows_all_of(Forward, Some(Full))
    );
    assert!(
        !allows_all_of(Full, Some(BackwardTransitive)) && !allows_all_of(Forward, Some(Backward))
    );
    assert!(
        !allows_all_of(None, Option::None),
        "an untold level may be any"
    );
    assert!(refuses_all_of(Full, Some(Backward)) && !refuses_all_of(Backward, Some(Full)));
}
