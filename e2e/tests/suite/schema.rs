//! A schema that would break its readers gets nowhere.

use anyhow::{Context, Result, bail};
use millrace_crds::Schema;
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case, registry, resources};
use serde_json::{Value, json};

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;
const ORDER_REFORMATTED: &str = r#"{
    "type": "record", "name": "Order",
    "fields": [ { "type": "long", "name": "id" } ]
}"#;
const ORDER_WITH_DEFAULT: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":"string","default":""}]}"#;
const ORDER_BREAKING: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"customer","type":"string"}]}"#;

async fn versions(case: &Case) -> Result<Value> {
    let path = format!("subjects/{}/versions", case.name("orders-value"));
    registry::get(&case.client, CLUSTER_NAMESPACE, CLUSTER, &path).await
}

async fn apply(case: &Case, schema: &str) -> Result<()> {
    case.apply(
        "Schema",
        "orders",
        json!({ "subject": case.name("orders-value"), "schema": schema }),
    )
    .await
}

/// The Schema once version `version` of its subject is the one it speaks of.
async fn registered(case: &Case, version: i32) -> Result<Schema> {
    let schema = case.ready::<Schema>("orders").await?;
    let found = schema.status.as_ref().and_then(|status| status.version);
    if found != Some(version) {
        bail!("version {found:?} instead of {version}");
    }
    Ok(schema)
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_at_apply_and_the_registered_version_stays() -> Result<()>
{
    let case = Case::shared("schema-break").await?;
    apply(&case, ORDER).await?;
    let before = registered(&case, 1).await?;

    let error = apply(&case, ORDER_BREAKING)
        .await
        .err()
        .context("the incompatible schema was let in")?;
    let words = resources::refusal(&error).context("it failed, but was not refused")?;
    assert!(
        words.contains("customer") || words.to_lowercase().contains("incompatible"),
        "not the registry's words: {words}"
    );
    assert_eq!(versions(&case).await?, json!([1]));
    let after: Schema = case.api().get("orders").await?;
    assert_eq!(after.spec.schema, before.spec.schema);
    assert_eq!(
        after.status.and_then(|status| status.id),
        before.status.and_then(|status| status.id)
    );
    Ok(())
}

#[tokio::test]
async fn a_compatible_schema_makes_a_version_and_a_reformatted_one_does_not() -> Result<()> {
    let case = Case::shared("schema-versions").await?;
    apply(&case, ORDER).await?;
    registered(&case, 1).await?;
    apply(&case, ORDER_REFORMATTED).await?;
    registered(&case, 1).await?;
    assert_eq!(versions(&case).await?, json!([1]));
    apply(&case, ORDER_WITH_DEFAULT).await?;
    registered(&case, 2).await?;
    assert_eq!(versions(&case).await?, json!([1, 2]));
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_no_schema_is_refused_at_apply() -> Result<()> {
    let case = Case::shared("schema-parse").await?;
    let error = apply(&case, r#"{"type":"record","name":"Order"}"#)
        .await
        .err()
        .context("it was let in")?;
    let words = resources::refusal(&error).context("it failed, but was not refused")?;
    assert!(
        words.contains("orders"),
        "the message does not name the resource: {words}"
    );
    Ok(())
}
