//! What the operator's own tests stand on answers as the real thing does: the Kafka in memory, and the schema registry in memory.

use anyhow::{Context, Result};
use millrace_e2e::{CLUSTER, CLUSTER_NAMESPACE, Case};
use serde_json::Value;

#[tokio::test]
async fn the_fake_kafka_answers_as_the_real_one() -> Result<()> {
    let case = Case::shared("conformance").await?;
    let answer = case
        .probe
        .ask(&["conformance", "--timeout-s", "120"])
        .await?;
    same(&answer, "kafka")
}

#[tokio::test]
async fn the_fake_registry_answers_as_the_real_one() -> Result<()> {
    let case = Case::shared("registry-conformance").await?;
    let url = format!("http://{CLUSTER}-registry.{CLUSTER_NAMESPACE}.svc:8080/apis/ccompat/v7");
    let prefix = case.name("");
    let limit = ["--timeout-s", "120"];
    let of = ["--url", &url, "--prefix", &prefix];
    let command = [&["registry-conformance"], &limit[..], &of[..]].concat();
    let answer = case.probe.ask(&command).await?;
    same(&answer, "registry")
}

/// The outcomes of the real thing are those of the fake.
fn same(answer: &Value, real: &str) -> Result<()> {
    let outcomes = |of: &str| {
        answer[of]
            .as_array()
            .cloned()
            .with_context(|| format!("no outcomes of {of}"))
    };
    let (told, fake) = (outcomes(real)?, outcomes("fake")?);
    for (told, fake) in told.iter().zip(&fake) {
        assert_eq!(told, fake, "{real} on the left, the fake on the right");
    }
    assert_eq!(told.len(), fake.len());
    Ok(())
}
