//! One scenario for every [`SchemaRegistry`]: run against the fake, against a stub of Confluent's registry and against Apicurio Registry,
//! it must say the same, but for what [`DIFFERS`].

use millrace_crds::{Compatibility, SchemaType};

use super::{Against, NewSchema, Reference, Registered, RegistryError, SchemaRegistry, Verdict};

const FLIGHT: &str =
    r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"}]}"#;
const FLIGHT_REFORMATTED: &str = r#"{ "name": "Flight", "type": "record",
    "fields": [ { "type": "string", "name": "id" } ] }"#;
/// A field without a default: new readers cannot read what was written before.
const NEEDS_GATE: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"gate","type":"int"}]}"#;
const MAYBE_GATE: &str = r#"{"type":"record","name":"Flight","fields":[{"name":"id","type":"string"},{"name":"gate","type":"int","default":0}]}"#;
const NO_SCHEMA: &str = r#"{"type":"record"}"#;
const CARRIER: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"}]}"#;
const TRIP: &str = r#"{"type":"record","name":"Trip","namespace":"dev","fields":[{"name":"by","type":"dev.Carrier"}]}"#;
const TRIP_MAYBE_SEAT: &str = r#"{"type":"record","name":"Trip","namespace":"dev","fields":[{"name":"by","type":"dev.Carrier"},{"name":"seat","type":"int","default":0}]}"#;
const TRIP_NEEDS_SEAT: &str = r#"{"type":"record","name":"Trip","namespace":"dev","fields":[{"name":"by","type":"dev.Carrier"},{"name":"seat","type":"int"}]}"#;

/// What Confluent's registry says otherwise than Apicurio: the step, and its outcome there.
pub const DIFFERS: [(&str, &str); 3] = [
    ("level of a subject that does not exist", "Some(Backward)"),
    ("level of a subject without one", "Some(Backward)"),
    ("delete what a softly deleted subject names", "ok"),
];

/// One step of the scenario and what came of it, in words that do not depend on the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub step: &'static str,
    /// What came of it: `ok`, the code of the refusal, or what was seen.
    pub outcome: String,
}

/// Runs the scenario on subjects whose names begin with `prefix`, which must be new to the registry, and deletes them for good. The
/// outcomes of two registries can be compared for equality; ids and the registries' words are left out.
///
/// # Errors
/// The registry cannot be asked; then something may be left behind.
pub async fn run(
    registry: &dyn SchemaRegistry,
    prefix: &str,
) -> Result<Vec<Outcome>, RegistryError> {
    let mut scenario = Scenario {
        registry,
        flight: format!("{prefix}flight-value"),
        carrier: format!("{prefix}carrier"),
        trip: format!("{prefix}trip-value"),
        outcomes: Vec::new(),
    };
    scenario.all().await?;
    Ok(scenario.outcomes)
}

struct Scenario<'a> {
    registry: &'a dyn SchemaRegistry,
    flight: String,
    carrier: String,
    trip: String,
    outcomes: Vec<Outcome>,
}

impl Scenario<'_> {
    async fn all(&mut self) -> Result<(), RegistryError> {
        self.unknown_subject().await?;
        let first = self.registration().await?;
        self.levels().await?;
        self.references().await?;
        self.deletion_of_what_is_named().await?;
        self.soft_deletion().await?;
        self.deletion_for_good(first).await
    }

    async fn unknown_subject(&mut self) -> Result<(), RegistryError> {
        let (registry, flight) = (self.registry, self.flight.clone());
        let versions = registry.versions(&flight).await?;
        self.tell(
            "versions of a subject that does not exist",
            debug(&versions),
        );
        let level = registry.level(&flight).await?;
        self.tell("level of a subject that does not exist", debug(&level));
        let found = registry.lookup(&flight, &avro(FLIGHT)).await?;
        self.tell("look a text up in it", debug(&found));
        for (step, text) in [
            ("check its first text", FLIGHT),
            ("check what is no schema for it", NO_SCHEMA),
        ] {
            let verdict = registry.check(&flight, &avro(text), Against::Nothing).await;
            self.tell(step, verdict_of(verdict)?);
        }
        let registered = registry.register(&flight, &avro(NO_SCHEMA)).await;
        self.tell("register what is no schema", version_of(registered)?);
        for (step, permanent) in [("delete it", false), ("delete it for good", true)] {
            let deleted = registry.delete(&flight, permanent).await;
            self.tell(step, done(deleted)?);
        }
        Ok(())
    }

    async fn registration(&mut self) -> Result<Registered, RegistryError> {
        let (registry, flight) = (self.registry, self.flight.clone());
        let first = registry.register(&flight, &avro(FLIGHT)).await?;
        self.tell("register a text", first.version.to_string());
        for (step, text) in [
            ("register it again", FLIGHT),
            ("register it in another shape", FLIGHT_REFORMATTED),
        ] {
            let again = registry.register(&flight, &avro(text)).await?;
            self.tell(step, same(again, first));
        }
        for (step, text) in [
            ("look it up", FLIGHT),
            ("look it up in another shape", FLIGHT_REFORMATTED),
            ("look up another text", MAYBE_GATE),
            ("look up what is no schema", NO_SCHEMA),
        ] {
            let found = registry.lookup(&flight, &avro(text)).await?;
            let words = found.map_or("none".to_owned(), |found| same(found, first));
            self.tell(step, words);
        }
        let level = registry.level(&flight).await?;
        self.tell("level of a subject without one", debug(&level));
        Ok(first)
    }

    async fn levels(&mut self) -> Result<(), RegistryError> {
        use Compatibility::{Backward, BackwardTransitive};
        let (registry, flight) = (self.registry, self.flight.clone());
        self.level("set a level", Backward).await?;
        self.check(
            "check a text that breaks readers",
            NEEDS_GATE,
            Against::Latest,
        )
        .await?;
        self.check(
            "check a text that breaks nobody",
            MAYBE_GATE,
            Against::Latest,
        )
        .await?;
        self.check("check what is no schema", NO_SCHEMA, Against::Latest)
            .await?;
        for (step, text) in [
            ("register a text that breaks readers", NEEDS_GATE),
            ("register a text that breaks nobody", MAYBE_GATE),
        ] {
            let registered = registry.register(&flight, &avro(text)).await;
            self.tell(step, version_of(registered)?);
        }
        self.check(
            "check what breaks the readers of an older version alone",
            NEEDS_GATE,
            Against::Latest,
        )
        .await?;
        self.level("set a transitive level", BackwardTransitive)
            .await?;
        self.check("check that text at it", NEEDS_GATE, Against::Every)
            .await?;
        let registered = registry.register(&flight, &avro(NEEDS_GATE)).await;
        self.tell("register that text at it", version_of(registered)?);
        self.level("set the level before", Backward).await?;
        let registered = registry.register(&flight, &avro(NEEDS_GATE)).await;
        self.tell("register that text at that", version_of(registered)?);
        let versions = registry.versions(&flight).await?;
        self.tell("versions", debug(&versions));
        Ok(())
    }

    async fn references(&mut self) -> Result<(), RegistryError> {
        let (registry, trip) = (self.registry, self.trip.clone());
        registry.register(&self.carrier, &avro(CARRIER)).await?;
        for (step, text, version) in [
            ("register what names a version that is not there", TRIP, 9),
            ("register what names a version", TRIP, 1),
            ("register it once more", TRIP, 1),
        ] {
            let registered = registry.register(&trip, &self.naming(text, version)).await;
            self.tell(step, version_of(registered)?);
        }
        for (step, schema) in [
            ("look it up with what it names", self.naming(TRIP, 1)),
            ("look it up alone", avro(TRIP)),
        ] {
            let found = registry.lookup(&trip, &schema).await?;
            let words = found.map_or("none".to_owned(), |found| found.version.to_string());
            self.tell(step, words);
        }
        registry.set_level(&trip, Compatibility::Backward).await?;
        for (step, text) in [
            ("check what names it and breaks nobody", TRIP_MAYBE_SEAT),
            ("check what names it and breaks readers", TRIP_NEEDS_SEAT),
        ] {
            let schema = self.naming(text, 1);
            let verdict = registry.check(&trip, &schema, Against::Latest).await;
            self.tell(step, verdict_of(verdict)?);
        }
        Ok(())
    }

    async fn deletion_of_what_is_named(&mut self) -> Result<(), RegistryError> {
        let (registry, carrier, trip) = (self.registry, self.carrier.clone(), self.trip.clone());
        for (step, subject, permanent) in [
            ("delete what others name", &carrier, false),
            ("delete it for good at once", &carrier, true),
            ("delete the one that names it", &trip, false),
            (
                "delete what a softly deleted subject names",
                &carrier,
                false,
            ),
            ("delete for good the one that names it", &trip, true),
            ("delete what nobody names any more", &carrier, false),
        ] {
            let deleted = registry.delete(subject, permanent).await;
            self.tell(step, done(deleted)?);
        }
        Ok(())
    }

    async fn soft_deletion(&mut self) -> Result<(), RegistryError> {
        let (registry, carrier, flight) =
            (self.registry, self.carrier.clone(), self.flight.clone());
        let again = registry.register(&carrier, &avro(CARRIER)).await;
        self.tell("register a softly deleted text again", version_of(again)?);
        for step in ["delete softly", "delete softly again"] {
            let deleted = registry.delete(&flight, false).await;
            self.tell(step, done(deleted)?);
        }
        let versions = registry.versions(&flight).await?;
        self.tell("versions of it", debug(&versions));
        let found = registry.lookup(&flight, &avro(FLIGHT)).await?;
        self.tell("look a deleted text up", debug(&found));
        for (step, text) in [
            ("check for it what would have broken readers", FLIGHT),
            ("check for it what is no schema", NO_SCHEMA),
        ] {
            let verdict = registry.check(&flight, &avro(text), Against::Nothing).await;
            self.tell(step, verdict_of(verdict)?);
        }
        let level = registry.level(&flight).await?;
        self.tell("its level", debug(&level));
        let registered = registry.register(&flight, &avro(FLIGHT)).await;
        self.tell("register in it", version_of(registered)?);
        let versions = registry.versions(&flight).await?;
        self.tell("versions after that", debug(&versions));
        Ok(())
    }

    async fn deletion_for_good(&mut self, first: Registered) -> Result<(), RegistryError> {
        let (registry, flight) = (self.registry, self.flight.clone());
        for step in ["delete for good", "delete for good again"] {
            let deleted = registry.delete(&flight, true).await;
            self.tell(step, done(deleted)?);
        }
        let again = registry.register(&flight, &avro(FLIGHT)).await?;
        self.tell("register after that", same(again, first));
        for subject in [&self.flight, &self.carrier] {
            registry.delete(subject, true).await?;
        }
        let versions = registry.versions(&flight).await?;
        self.tell("what is left", debug(&versions));
        Ok(())
    }

    /// Sets the level of the flights and tells what it then is.
    async fn level(
        &mut self,
        step: &'static str,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        self.registry.set_level(&self.flight, level).await?;
        let level = self.registry.level(&self.flight).await?;
        self.tell(step, debug(&level));
        Ok(())
    }

    async fn check(
        &mut self,
        step: &'static str,
        text: &str,
        against: Against,
    ) -> Result<(), RegistryError> {
        let schema = avro(text);
        let verdict = self.registry.check(&self.flight, &schema, against).await;
        self.tell(step, verdict_of(verdict)?);
        Ok(())
    }

    fn naming(&self, text: &str, version: i32) -> NewSchema {
        NewSchema {
            references: vec![Reference {
                name: "dev.Carrier".to_owned(),
                subject: self.carrier.clone(),
                version,
            }],
            ..avro(text)
        }
    }

    fn tell(&mut self, step: &'static str, outcome: String) {
        self.outcomes.push(Outcome { step, outcome });
    }
}

fn avro(text: &str) -> NewSchema {
    NewSchema {
        schema_type: SchemaType::Avro,
        text: text.to_owned(),
        references: Vec::new(),
    }
}

fn debug(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn same(found: Registered, first: Registered) -> String {
    match found == first {
        true => "the same".to_owned(),
        false if found.id == first.id => format!("the same id, version {}", found.version),
        false => format!("another id, version {}", found.version),
    }
}

/// A refusal by its code; no answer is none.
fn told<T>(
    answer: Result<T, RegistryError>,
    words: impl Fn(T) -> String,
) -> Result<String, RegistryError> {
    match answer {
        Ok(value) => Ok(words(value)),
        Err(RegistryError::Refused { code, .. }) => Ok(code.to_string()),
        Err(unreachable) => Err(unreachable),
    }
}

fn verdict_of(answer: Result<Verdict, RegistryError>) -> Result<String, RegistryError> {
    let words = |verdict| match verdict {
        Verdict::Compatible => "compatible",
        Verdict::Incompatible(_) => "incompatible",
        Verdict::Invalid(_) => "invalid",
    };
    told(answer, |verdict| words(verdict).to_owned())
}

fn version_of(answer: Result<Registered, RegistryError>) -> Result<String, RegistryError> {
    told(answer, |registered| registered.version.to_string())
}

fn done(answer: Result<(), RegistryError>) -> Result<String, RegistryError> {
    told(answer, |()| "ok".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;

    use super::*;
    use crate::registry::{FakeRegistry, stub::Stub};

    /// The end-to-end suite holds Apicurio Registry to the same.
    #[tokio::test]
    async fn the_fake_answers_as_apicurio_does() {
        let outcomes = run(&FakeRegistry::default(), "conformance-").await.unwrap();
        let told: String = outcomes
            .iter()
            .map(|told| format!("{}: {}\n", told.step, told.outcome))
            .collect();
        expect![[r#"
            versions of a subject that does not exist: []
            level of a subject that does not exist: None
            look a text up in it: None
            check its first text: compatible
            check what is no schema for it: invalid
            register what is no schema: 42201
            delete it: ok
            delete it for good: ok
            register a text: 1
            register it again: the same
            register it in another shape: the same
            look it up: the same
            look it up in another shape: the same
            look up another text: none
            look up what is no schema: none
            level of a subject without one: Some(None)
            set a level: Some(Backward)
            check a text that breaks readers: incompatible
            check a text that breaks nobody: compatible
            check what is no schema: invalid
            register a text that breaks readers: 409
            register a text that breaks nobody: 2
            check what breaks the readers of an older version alone: compatible
            set a transitive level: Some(BackwardTransitive)
            check that text at it: incompatible
            register that text at it: 409
            set the level before: Some(Backward)
            register that text at that: 3
            versions: [1, 2, 3]
            register what names a version that is not there: 42201
            register what names a version: 1
            register it once more: 1
            look it up with what it names: 1
            look it up alone: none
            check what names it and breaks nobody: compatible
            check what names it and breaks readers: incompatible
            delete what others name: 42206
            delete it for good at once: 42206
            delete the one that names it: ok
            delete what a softly deleted subject names: 42206
            delete for good the one that names it: ok
            delete what nobody names any more: ok
            register a softly deleted text again: 2
            delete softly: ok
            delete softly again: ok
            versions of it: []
            look a deleted text up: None
            check for it what would have broken readers: compatible
            check for it what is no schema: invalid
            its level: Some(Backward)
            register in it: 4
            versions after that: [4]
            delete for good: ok
            delete for good again: ok
            register after that: the same
            what is left: []
        "#]]
        .assert_eq(&told);
    }

    #[tokio::test]
    async fn the_stub_answers_as_the_fake_but_for_what_registries_differ_in() {
        let fake = run(&FakeRegistry::default(), "conformance-").await.unwrap();
        let stub = Stub::start().await;
        let stub = run(&stub.client(), "conformance-").await.unwrap();
        let differs = BTreeMap::from(DIFFERS);
        for (fake, stub) in fake.iter().zip(&stub) {
            let expected = differs.get(fake.step).copied();
            assert_eq!(
                stub.outcome,
                expected.unwrap_or(&fake.outcome),
                "{}",
                fake.step
            );
            assert!(expected != Some(fake.outcome.as_str()), "{}", fake.step);
        }
        assert_eq!(stub.len(), fake.len());
    }
}
