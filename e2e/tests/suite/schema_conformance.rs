//! Records that do not carry the id of their subject's schema are detected.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use millrace_crds::{ConformanceStatus, Schema};
use millrace_e2e::{Case, operator, wait};
use serde_json::{Value, json};

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;
const REFUND: &str = r#"{"type":"record","name":"Refund","fields":[{"name":"id","type":"long"}]}"#;
/// No registry has as many schemas.
const NO_ID: i64 = 0x7fff_0000;

/// Samples are taken every 10 s.
const PATIENCE: Duration = Duration::from_secs(60);

fn schema(text: &str, mode: &str) -> Value {
    json!({
        "topicRef": { "name": "orders" }, "schema": text,
        "conformance": { "mode": mode, "intervalSeconds": 10 },
    })
}

/// The registry's id of a Schema.
async fn id(case: &Case, name: &str) -> Result<i64> {
    let schema = case.ready::<Schema>(name).await?;
    schema.status.and_then(|status| status.id).context("no id")
}

/// A value framed with an id, in Base64.
fn framed(id: i64) -> Result<String> {
    let id = u32::try_from(id)?.to_be_bytes();
    Ok(STANDARD.encode([&[0][..], &id, &[84]].concat()))
}

async fn write(case: &Case, how: &[&str]) -> Result<()> {
    let orders = case.name("orders");
    let command = ["produce", "--topic", &orders];
    case.probe.ask(&[&command[..], how].concat()).await?;
    Ok(())
}

/// The Schema once as many records were sampled.
async fn sampled(case: &Case, records: i64) -> Result<(Schema, ConformanceStatus)> {
    let count = |schema: &Schema| {
        let found = schema.status.as_ref()?.conformance.as_ref()?;
        Some(found.sampled)
    };
    let what = format!("{records} records are sampled");
    let all = |schema: &Schema| count(schema) == Some(records);
    let schema = wait::object(&case.api::<Schema>(), "orders", &what, PATIENCE, all).await?;
    let status = schema.status.clone();
    let found = status.and_then(|status| status.conformance);
    Ok((schema, found.context("not told")?))
}

#[tokio::test]
async fn records_without_an_id_of_their_subject_are_detected_and_counted() -> Result<()> {
    let case = Case::shared("schema-conformance").await?;
    case.topic("orders", &[]).await?;
    case.apply("Schema", "orders", schema(ORDER, "Off")).await?;
    let refunds = json!({ "subject": case.name("refunds-value"), "schema": REFUND });
    case.apply("Schema", "refunds", refunds).await?;
    let (own, other) = (id(&case, "orders").await?, id(&case, "refunds").await?);

    write(&case, &["--value-base64", &framed(own)?, "--count", "3"]).await?;
    write(&case, &["--tombstone"]).await?;
    case.apply("Schema", "orders", schema(ORDER, "Audit"))
        .await?;
    let (good, found) = sampled(&case, 4).await?;
    assert_eq!((found.conforming, found.last_violation), (4, None));
    let conformant = wait::condition_of(&good, "Conformant").context("not told")?;
    assert_eq!(conformant["status"], "True", "{conformant}");

    // In the header: the own id by its number, and a GUID, which this registry cannot be asked for.
    let header = |bytes: String| format!("__value_schema_id={bytes}");
    let by_number = header(framed(own)?);
    let by_guid = header(STANDARD.encode([1; 17]));
    write(&case, &["--header-base64", &by_number]).await?;
    write(&case, &["--header-base64", &by_guid]).await?;
    write(&case, &["--value-base64", &framed(NO_ID)?]).await?;
    write(&case, &["--value-base64", &framed(other)?]).await?;
    write(&case, &["--count", "2"]).await?;

    let what = "the violations are detected";
    let orders = case.api::<Schema>();
    let violated = |schema: &Schema| {
        wait::condition_of(schema, "Conformant").is_some_and(|told| told["status"] == "False")
    };
    let bad = wait::object(&orders, "orders", what, PATIENCE, violated).await?;
    let told = wait::condition_of(&bad, "Conformant").unwrap_or_default();
    let message = told["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("detected in a sample"), "{message}");
    case.ready::<Schema>("orders").await?;

    // The status has what a turn of the verdict found; the metric has all.
    let name = format!("{}/orders", case.namespace);
    let expected = [
        ("conforming", 5.0),
        ("not_framed", 2.0),
        ("other_subject", 1.0),
        ("unchecked", 1.0),
        ("unknown_id", 1.0),
    ];
    wait::answer("each record is counted once", PATIENCE, || async {
        let counted = operator::leader(&case.client).await?.sampled_records(&name);
        let counts = counted
            .iter()
            .map(|(result, count)| (result.as_str(), *count));
        Ok(if counts.eq(expected) {
            Ok(())
        } else {
            Err(format!("{counted:?}"))
        })
    })
    .await
}
