#![allow(clippy::unwrap_used)]

//! Whole reconciles of Schemas against an API server and a registry in memory.

use std::sync::Arc;

use millrace_crds::Compatibility;
use serde_json::{Value, json};

use crate::{
    controllers::testing::House,
    registry::{FakeRegistry, NewSchema, SchemaRegistry},
};

const URL: &str = "http://registry.test";
pub(super) const CARRIER: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"}]}"#;
const CARRIER_WITH_NAME: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"},{"name":"name","type":"string","default":""}]}"#;
const CARRIER_BREAKING: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"int"}]}"#;
const FLIGHT: &str = r#"{"type":"record","name":"Flight","namespace":"dev","fields":[{"name":"carrier","type":"dev.Carrier"}]}"#;

impl House {
    pub(super) fn with_registry() -> (Self, Arc<FakeRegistry>) {
        let house = Self::new();
        house.registry(URL);
        let registry = house.registries.fake(URL);
        (house, registry)
    }

    fn schema(&self, name: &str, text: &str, mut spec: Value) {
        spec["subject"] = json!(name);
        spec["schema"] = json!(text);
        self.put("Schema", "kafka", name, spec);
    }

    fn schema_says(&self, name: &str, condition: &str) -> String {
        self.condition("Schema", "kafka", name, condition)
    }

    async fn until_schema(&self, name: &str, condition: &str, begins: &str) {
        self.until(&format!("{name}: {condition}={begins}"), || {
            self.schema_says(name, condition).starts_with(begins)
        })
        .await;
    }

    async fn until_version(&self, name: &str, version: i32) {
        self.until(&format!("version {version} of {name}"), || {
            let schema = self.get("Schema", "kafka", name).unwrap_or_default();
            schema["status"]["version"] == version
        })
        .await;
    }
}

fn naming_carrier() -> Value {
    json!({ "references": [{ "name": "dev.Carrier", "schemaRef": { "name": "carrier" } }] })
}

#[test]
fn a_schema_is_registered_after_those_it_names_and_follows_them() {
    let (house, registry) = House::with_registry();
    house.schema("flight", FLIGHT, naming_carrier());
    house.live(async |_| {
        house
            .until_schema("flight", "Ready", "Unknown/ReferenceNotFound")
            .await;
        house.schema("carrier", CARRIER, json!({}));
        house.until_schema("flight", "Ready", "True/").await;
        assert_eq!(
            registry.take_writes(),
            [
                "register carrier 1",
                "level carrier Backward",
                "register flight 1",
                "level flight Backward",
            ]
        );
        house.schema("carrier", CARRIER_WITH_NAME, json!({}));
        house.until_version("flight", 2).await;
        assert_eq!(
            registry.take_writes(),
            ["register carrier 2", "register flight 2"]
        );
        house.quiet().await;
        assert!(registry.take_writes().is_empty());
    });
}

#[test]
fn a_text_in_a_config_map_is_waited_for_and_followed() {
    let (house, registry) = House::with_registry();
    let texts = |label: &str, text: &str| {
        house.api.put(
            "configmaps",
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "texts", "namespace": "kafka", "labels": { "millrace.dev/schema-text": label } },
                "data": { "carrier.avsc": text },
            }),
        );
    };
    let from = json!({ "configMapKeyRef": { "name": "texts", "key": "carrier.avsc" } });
    texts("no", CARRIER);
    house.put(
        "Schema",
        "kafka",
        "carrier",
        json!({ "subject": "carrier", "schemaFrom": from }),
    );
    house.live(async |_| {
        house
            .until_schema("carrier", "Ready", "Unknown/ReferenceNotFound")
            .await;
        let says = house.schema_says("carrier", "Ready");
        assert!(says.contains("ConfigMap kafka/texts"), "{says}");
        texts("true", CARRIER);
        house.until_version("carrier", 1).await;
        texts("true", CARRIER_WITH_NAME);
        house.until_version("carrier", 2).await;
        house.quiet().await;
        assert_eq!(
            registry.take_writes(),
            [
                "register carrier 1",
                "level carrier Backward",
                "register carrier 2",
            ]
        );
        house.api.delete("configmaps", "kafka", "texts");
        house
            .until_schema("carrier", "Ready", "Unknown/ReferenceNotFound")
            .await;
        assert!(
            registry.take_writes().is_empty(),
            "what is registered stays"
        );
    });
}

#[test]
fn what_somebody_changes_in_the_registry_is_told_and_the_level_put_back() {
    let (house, registry) = House::with_registry();
    house.schema("carrier", CARRIER, json!({}));
    house.live(async |_| {
        house.until_schema("carrier", "LevelKept", "True/").await;
        let by_hand = NewSchema {
            schema_type: millrace_crds::SchemaType::Avro,
            text: CARRIER_WITH_NAME.to_owned(),
            references: Vec::new(),
        };
        registry.register("carrier", &by_hand).await.unwrap();
        let set = registry.set_level("carrier", Compatibility::None);
        set.await.unwrap();
        registry.take_writes();
        house
            .until_schema("carrier", "Latest", "False/Drifted")
            .await;
        assert_eq!(registry.take_writes(), ["level carrier Backward"]);
        house.until_schema("carrier", "LevelKept", "True/").await;
        assert!(house.schema_says("carrier", "Ready").starts_with("True/"));
        let told = house.api.events();
        let words =
            "LevelKept: somebody has changed the level of subject `carrier` from Backward to None";
        assert!(told.iter().any(|note| note.starts_with(words)), "{told:?}");
    });
}

#[test]
fn a_subject_that_others_name_stays_until_they_are_gone_or_it_is_to_be_kept() {
    let (house, registry) = House::with_registry();
    let deleted = |mut spec: Value| {
        spec["deletionPolicy"] = json!("HardDelete");
        spec
    };
    house.schema("carrier", CARRIER, deleted(json!({})));
    house.schema("flight", FLIGHT, deleted(naming_carrier()));
    let gone = |name: &str| house.get("Schema", "kafka", name).is_none();
    house.live(async |_| {
        house.until_schema("flight", "Ready", "True/").await;
        registry.take_writes();
        house.delete("Schema", "kafka", "carrier");
        house
            .until_schema("carrier", "Registered", "False/ReferredTo")
            .await;
        let says = house.schema_says("carrier", "Registered");
        assert!(says.contains("`deletionPolicy: Retain`"), "{says}");
        house.delete("Schema", "kafka", "flight");
        house
            .until("both gone", || gone("carrier") && gone("flight"))
            .await;
        assert_eq!(
            registry.take_writes(),
            ["delete flight hard", "delete carrier hard"]
        );

        house.schema("carrier", CARRIER, deleted(json!({})));
        house.schema("flight", FLIGHT, naming_carrier());
        house.until_schema("flight", "Ready", "True/").await;
        house.delete("Schema", "kafka", "carrier");
        house
            .until_schema("carrier", "Registered", "False/ReferredTo")
            .await;
        house.schema("carrier", CARRIER, json!({}));
        house.until("let go", || gone("carrier")).await;
    });
}

#[test]
fn a_softly_deleted_schema_still_keeps_what_it_names_and_that_is_said() {
    let (house, registry) = House::with_registry();
    let softly = |mut spec: Value| {
        spec["deletionPolicy"] = json!("SoftDelete");
        spec
    };
    house.schema("carrier", CARRIER, softly(json!({})));
    house.schema("flight", FLIGHT, softly(naming_carrier()));
    let gone = |name: &str| house.get("Schema", "kafka", name).is_none();
    house.live(async |_| {
        house.until_schema("flight", "Ready", "True/").await;
        registry.take_writes();
        house.delete("Schema", "kafka", "flight");
        house.until("flight gone", || gone("flight")).await;
        house.delete("Schema", "kafka", "carrier");
        house
            .until_schema("carrier", "Registered", "False/ReferredTo")
            .await;
        let says = house.schema_says("carrier", "Registered");
        assert!(says.contains("`deletionPolicy: HardDelete`"), "{says}");
        registry.delete("flight", true).await.unwrap();
        house.until("carrier gone", || gone("carrier")).await;
    });
}

#[test]
fn a_level_that_is_taken_out_of_the_manifest_is_the_default_again() {
    let (house, registry) = House::with_registry();
    house.schema("carrier", CARRIER, json!({ "compatibility": "Full" }));
    house.live(async |_| {
        house.until_schema("carrier", "Ready", "True/").await;
        registry.take_writes();
        house.schema("carrier", CARRIER, json!({}));
        let level = || {
            house.get("Schema", "kafka", "carrier").unwrap_or_default()["status"]["compatibility"]
                .clone()
        };
        house
            .until("the default level", || level() == "Backward")
            .await;
        assert_eq!(registry.take_writes(), ["level carrier Backward"]);
    });
}

#[test]
fn without_a_deletion_policy_the_subject_stays_with_its_level() {
    let (house, registry) = House::with_registry();
    house.schema("carrier", CARRIER, json!({ "compatibility": "Full" }));
    house.live(async |_| {
        house.until_schema("carrier", "Ready", "True/").await;
        registry.take_writes();
        house.delete("Schema", "kafka", "carrier");
        house
            .until("gone", || house.get("Schema", "kafka", "carrier").is_none())
            .await;
        house.quiet().await;
        assert!(registry.take_writes().is_empty());
        assert_eq!(registry.versions("carrier").await, Ok(vec![1]));
        let level = registry.level("carrier").await;
        assert_eq!(level, Ok(Some(Compatibility::Full)));
    });
}

#[test]
fn a_resource_that_is_made_again_does_not_get_around_its_level() {
    let (house, registry) = House::with_registry();
    let level = |adopt: bool| json!({ "compatibility": "FullTransitive", "adopt": adopt });
    house.schema("carrier", CARRIER, level(false));
    house.live(async |_| {
        house.until_schema("carrier", "Ready", "True/").await;
        registry.take_writes();
        house.delete("Schema", "kafka", "carrier");
        house
            .until("gone", || house.get("Schema", "kafka", "carrier").is_none())
            .await;
        house.schema("carrier", CARRIER_BREAKING, level(false));
        house
            .until_schema("carrier", "Ready", "False/NotAdopted")
            .await;
        house.schema("carrier", CARRIER_BREAKING, level(true));
        house
            .until_schema("carrier", "Compatible", "False/Incompatible")
            .await;
        assert!(registry.take_writes().is_empty());
    });
}
