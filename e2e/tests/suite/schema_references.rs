//! Schemas that name others, and texts that lie in ConfigMaps, with the registry of the cluster.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use millrace_crds::{SCHEMA_TEXT_LABEL, Schema};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, registry, resources, wait};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const CARRIER: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"}]}"#;
const CARRIER_WITH_NAME: &str = r#"{"type":"record","name":"Carrier","namespace":"dev","fields":[{"name":"code","type":"string"},{"name":"name","type":"string","default":""}]}"#;
const FLIGHT: &str = r#"{"type":"record","name":"Flight","namespace":"dev","fields":[{"name":"carrier","type":"dev.Carrier"}]}"#;

/// The spec of a Schema whose subject goes with it.
fn spec(case: &Case, name: &str, text: &str) -> Value {
    json!({ "subject": case.name(name), "schema": text, "deletionPolicy": "HardDelete" })
}

/// The same for a flight, which names its carrier.
fn flight(case: &Case, reference: Value) -> Value {
    let mut reference = reference;
    reference["name"] = json!("dev.Carrier");
    let mut spec = spec(case, "flight", FLIGHT);
    spec["references"] = json!([reference]);
    spec
}

async fn until_version(case: &Case, name: &str, version: i32) -> Result<Schema> {
    let what = format!("version {version}");
    wait::object(&case.api::<Schema>(), name, &what, PATIENCE, |schema| {
        let status = schema.status.as_ref();
        status.and_then(|status| status.version) == Some(version)
    })
    .await
}

#[tokio::test]
async fn a_schema_is_registered_after_the_one_it_names_and_follows_it() -> Result<()> {
    let case = Case::shared("schema-order").await?;
    let named = json!({ "schemaRef": { "name": "carrier" } });
    case.apply("Schema", "flight", flight(&case, named)).await?;
    case.apply("Schema", "carrier", spec(&case, "carrier", CARRIER))
        .await?;
    until_version(&case, "flight", 1).await?;
    case.ready::<Schema>("flight").await?;
    case.apply(
        "Schema",
        "carrier",
        spec(&case, "carrier", CARRIER_WITH_NAME),
    )
    .await?;
    until_version(&case, "flight", 2).await?;
    let path = format!("subjects/{}/versions/2", case.name("flight"));
    let found = registry::get(&case.client, CLUSTER_NAMESPACE, CLUSTER, &path).await?;
    assert_eq!(found["references"][0]["version"], 2, "{found}");
    assert_eq!(found["references"][0]["subject"], case.name("carrier"));
    Ok(())
}

#[tokio::test]
async fn the_latest_version_of_a_subject_is_named_by_its_number() -> Result<()> {
    let case = Case::shared("schema-latest").await?;
    case.apply("Schema", "carrier", spec(&case, "carrier", CARRIER))
        .await?;
    case.ready::<Schema>("carrier").await?;
    let named = json!({ "subject": case.name("carrier"), "version": "latest" });
    case.apply("Schema", "flight", flight(&case, named)).await?;
    case.ready::<Schema>("flight").await?;
    Ok(())
}

#[tokio::test]
async fn a_subject_that_is_named_stays_until_the_other_is_gone() -> Result<()> {
    let case = Case::shared("schema-named").await?;
    case.apply("Schema", "carrier", spec(&case, "carrier", CARRIER))
        .await?;
    let named = json!({ "schemaRef": { "name": "carrier" } });
    case.apply("Schema", "flight", flight(&case, named)).await?;
    case.ready::<Schema>("flight").await?;
    let schemas = case.api::<Schema>();
    resources::delete(&schemas, "carrier").await?;
    let words = case.refused::<Schema>("carrier", "ReferredTo").await?;
    assert!(words.contains("deletionPolicy: Retain"), "{words}");
    resources::delete(&schemas, "flight").await?;
    wait::gone(&schemas, "flight", PATIENCE).await?;
    wait::gone(&schemas, "carrier", PATIENCE).await
}

#[tokio::test]
async fn a_circle_is_refused_at_apply() -> Result<()> {
    let case = Case::shared("schema-circle").await?;
    let naming = |name: &str, other: &str| {
        let mut spec = spec(&case, name, FLIGHT);
        spec["references"] = json!([{ "name": "dev.Carrier", "schemaRef": { "name": other } }]);
        spec
    };
    case.apply("Schema", "one", naming("one", "two")).await?;
    let words = case
        .rejected::<Schema>("Schema", "two", naming("two", "one"), "InvalidSpec")
        .await?;
    assert!(words.contains("two → one → two"), "{words}");
    Ok(())
}

#[tokio::test]
async fn a_text_in_a_config_map_is_followed() -> Result<()> {
    let case = Case::shared("schema-text").await?;
    let config_maps = case.api::<ConfigMap>();
    let texts = |text: &str| -> Result<ConfigMap> {
        Ok(serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "texts", "labels": { SCHEMA_TEXT_LABEL: "true" } },
            "data": { "carrier.avsc": text },
        }))?)
    };
    let from = json!({ "configMapKeyRef": { "name": "texts", "key": "carrier.avsc" } });
    let spec = json!({ "subject": case.name("carrier"), "schemaFrom": from });
    case.apply("Schema", "carrier", spec).await?;
    wait::object(
        &case.api::<Schema>(),
        "carrier",
        "waiting for its text",
        PATIENCE,
        |schema| {
            wait::condition_of(schema, "Ready")
                .is_some_and(|ready| ready["reason"] == "ReferenceNotFound")
        },
    )
    .await?;
    resources::apply_typed(&config_maps, &texts(CARRIER)?).await?;
    until_version(&case, "carrier", 1).await?;
    resources::apply_typed(&config_maps, &texts(CARRIER_WITH_NAME)?).await?;
    until_version(&case, "carrier", 2).await?;
    Ok(())
}
