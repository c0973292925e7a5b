//! `kubectl millrace plan` tells what an apply would do, and does nothing.

use std::process::Stdio;

use anyhow::{Context, Result};
use millrace_crds::{Schema, Topic};
use millrace_e2e::{Case, plugin::plugin};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

const UNCHANGED: i32 = 0;
const REFUSED: i32 = 1;
const CHANGES: i32 = 2;

const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;
const ORDER_BREAKING: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"customer","type":"string"}]}"#;

/// The exit code and the JSON document of a plan for one manifest.
async fn plan(manifest: &Value) -> Result<(i32, Value)> {
    let mut child = Command::new(plugin()?)
        .args(["plan", "--filename", "-", "--output", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(manifest.to_string().as_bytes()).await?;
    drop(stdin);
    let done = child.wait_with_output().await?;
    let code = done.status.code().context("ended by a signal")?;
    let said = serde_json::from_slice(&done.stdout).with_context(|| {
        format!(
            "exit code {code}: {}",
            String::from_utf8_lossy(&done.stderr)
        )
    })?;
    Ok((code, said))
}

/// The manifest that [`Case::apply`] applies.
fn manifest(case: &Case, namespace: &str, kind: &str, name: &str, mut spec: Value) -> Value {
    spec["clusterRef"] = json!(case.cluster_ref());
    json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
    })
}

fn topic(case: &Case, spec: Value) -> Value {
    let mut spec = spec;
    spec["topicName"] = json!(case.name("orders"));
    manifest(case, &case.namespace, "Topic", "orders", spec)
}

/// Applies the Topic `orders` and waits for it.
async fn existing(case: &Case, mut spec: Value) -> Result<Topic> {
    spec["topicName"] = json!(case.name("orders"));
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await
}

#[tokio::test]
async fn nothing_to_do_is_told_by_the_exit_code() -> Result<()> {
    let case = Case::shared("plan-none").await?;
    let spec = json!({ "partitions": 1, "config": { "retention.ms": 3_600_000 } });
    existing(&case, spec.clone()).await?;
    let (code, said) = plan(&topic(&case, spec)).await?;
    assert_eq!(code, UNCHANGED, "{said}");
    assert_eq!(said["summary"]["unchanged"], 1, "{said}");
    Ok(())
}

#[tokio::test]
async fn a_new_topic_is_told_with_its_placement_and_not_made() -> Result<()> {
    let case = Case::shared("plan-new").await?;
    let spec = json!({ "partitions": 2, "producers": [{ "serviceAccountName": "shop" }] });
    let (code, said) = plan(&topic(&case, spec)).await?;
    assert_eq!(code, CHANGES, "{said}");
    let planned = &said["resources"][0];
    assert_eq!(planned["action"], "create", "{said}");
    let orders = case.name("orders");
    let created = planned["kafka"][0].as_str().unwrap_or_default();
    assert!(
        created.starts_with(&format!(
            "create topic `{orders}` with 2 partitions of 3 replicas"
        )) && created.contains("partition 0 on brokers "),
        "{said}"
    );
    let allowed = planned["kafka"][1].as_str().unwrap_or_default();
    assert!(
        allowed.starts_with("allow `User:system:serviceaccount:"),
        "{said}"
    );

    assert!(
        case.api::<Topic>().get_opt("orders").await?.is_none(),
        "the Topic was stored"
    );
    assert!(
        case.probe.topic(&orders).await?.is_none(),
        "the topic was made"
    );
    Ok(())
}

#[tokio::test]
async fn an_edit_is_told_field_by_field_and_not_made() -> Result<()> {
    let case = Case::shared("plan-edit").await?;
    let before = existing(
        &case,
        json!({ "partitions": 1, "config": { "retention.ms": 3_600_000, "segment.ms": 600_000 } }),
    )
    .await?;
    let spec = json!({ "partitions": 1, "config": { "retention.ms": 7_200_000 } });
    let (code, said) = plan(&topic(&case, spec)).await?;
    assert_eq!(code, CHANGES, "{said}");
    assert_eq!(
        said["resources"][0]["fields"],
        json!([
            { "path": "spec.config.retention.ms", "live": 3_600_000, "wanted": 7_200_000 },
            { "path": "spec.config.segment.ms", "live": 600_000 },
        ]),
        "{said}"
    );
    let orders = case.name("orders");
    assert_eq!(
        said["resources"][0]["kafka"],
        json!([
            format!("set retention.ms=7200000 on topic `{orders}`"),
            format!("give segment.ms of topic `{orders}` back to the cluster's default"),
        ]),
        "{said}"
    );

    let after: Topic = case.api().get("orders").await?;
    assert_eq!(
        after.metadata.generation, before.metadata.generation,
        "the Topic was stored"
    );
    let there = case.probe.topic(&orders).await?.unwrap_or_default();
    assert_eq!(there["config"]["retention.ms"], "3600000", "{there}");
    Ok(())
}

#[tokio::test]
async fn fewer_partitions_are_told_not_to_be_done() -> Result<()> {
    let case = Case::shared("plan-shrink").await?;
    existing(&case, json!({ "partitions": 4 })).await?;
    let (code, said) = plan(&topic(&case, json!({ "partitions": 2 }))).await?;
    assert_eq!(code, CHANGES, "{said}");
    let words = said["resources"][0]["kafka"][0]
        .as_str()
        .unwrap_or_default();
    assert!(
        words.starts_with("not done, PartitionsCannotShrink: ")
            && words.contains("has 4 partitions"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_in_the_registrys_words() -> Result<()> {
    let case = Case::shared("plan-schema").await?;
    let subject = case.name("orders-value");
    case.apply(
        "Schema",
        "orders",
        json!({ "subject": subject, "schema": ORDER }),
    )
    .await?;
    case.ready::<Schema>("orders").await?;
    let spec = json!({ "subject": subject, "schema": ORDER_BREAKING });
    let (code, said) = plan(&manifest(&case, &case.namespace, "Schema", "orders", spec)).await?;
    assert_eq!(code, REFUSED, "{said}");
    let words = said["resources"][0]["refusal"].as_str().unwrap_or_default();
    assert!(words.contains("incompatible with version 1"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_namespace_without_a_grant_and_one_that_is_not_there_are_refused() -> Result<()> {
    let case = Case::shared("plan-grant").await?;
    let stranger = case.other_namespace("stranger", false).await?;
    let spec = || json!({ "partitions": 1, "topicName": format!("{stranger}.x") });
    let (code, said) = plan(&manifest(&case, &stranger, "Topic", "x", spec())).await?;
    assert_eq!(code, REFUSED, "{said}");
    let words = said["resources"][0]["refusal"].as_str().unwrap_or_default();
    assert!(words.contains("may not use KafkaCluster"), "{said}");

    let nowhere = format!("{stranger}-nowhere");
    let (code, said) = plan(&manifest(&case, &nowhere, "Topic", "x", spec())).await?;
    assert_eq!(code, REFUSED, "{said}");
    let words = said["resources"][0]["refusal"].as_str().unwrap_or_default();
    assert!(
        words.contains(&format!("there is no namespace `{nowhere}`")),
        "{said}"
    );
    Ok(())
}
