//! What a ServiceAccount may use is written for the cluster, and set for each broker.

use anyhow::Result;
use millrace_crds::Topic;
use millrace_e2e::{Case, probe::Identity};
use serde_json::{Value, json};

/// Waits until Kafka's quota of an account of the case is as wanted, and says it.
async fn quota_until(
    case: &Case,
    account: &str,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let user = format!("system:serviceaccount:{}:{account}", case.namespace);
    let answer = case
        .probe_until(&Identity::Operator, &["quotas"], what, |answer| {
            answer
                .as_ref()
                .is_ok_and(|answer| wanted(&answer["quotas"][&user]))
        })
        .await?;
    Ok(answer["quotas"][&user].clone())
}

#[tokio::test]
async fn a_namespaces_quota_is_divided_by_the_brokers_and_goes_with_the_access() -> Result<()> {
    let case = Case::shared("quota").await?;
    case.grant(json!({ "quota": { "producerByteRate": 30_000_001, "requestPercentage": 150 } }))
        .await?;
    case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let quota = quota_until(&case, "writer", "the writer has a quota", Value::is_object).await?;
    assert_eq!(quota["producer_byte_rate"], 10_000_000.0, "{quota}");
    assert_eq!(quota["request_percentage"], 50.0, "{quota}");
    assert!(quota["consumer_byte_rate"].is_null(), "{quota}");

    case.edit_topic("orders", |topic| topic.producers.clear())
        .await?;
    case.ready::<Topic>("orders").await?;
    quota_until(
        &case,
        "writer",
        "the quota goes with the access",
        Value::is_null,
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn of_two_entries_that_match_the_lower_number_counts() -> Result<()> {
    let case = Case::shared("quota-two").await?;
    case.grant(
        json!({ "quota": { "producerByteRate": 9_000_000, "consumerByteRate": 3_000_000 } }),
    )
    .await?;
    case.grant(json!({ "quota": { "producerByteRate": 6_000_000 } }))
        .await?;
    case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let quota = quota_until(&case, "writer", "both entries count", |quota| {
        quota["producer_byte_rate"] == 2_000_000.0
    })
    .await?;
    assert_eq!(quota["consumer_byte_rate"], 1_000_000.0, "{quota}");
    Ok(())
}
