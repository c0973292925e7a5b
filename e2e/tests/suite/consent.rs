//! A group reads a Topic of another namespace only if that Topic says so.

use anyhow::Result;
use millrace_crds::{ConsumerGroup, Topic};
use millrace_e2e::{Case, probe::Answer};
use serde_json::json;

#[tokio::test]
async fn a_group_of_another_namespace_reads_by_consent_only() -> Result<()> {
    let case = Case::shared("consent").await?;
    let visitor = case.other_namespace("visitor", true).await?;
    case.account("writer").await?;
    let reader = case.account_in(&visitor, "reader").await?;
    case.topic("orders", &["writer"]).await?;
    let orders = case.name("orders");
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "5"])
        .await?;

    let group = format!("{visitor}.billing");
    let spec = json!({
        "groupId": group,
        "topics": [{ "name": "orders", "namespace": case.namespace }],
        "serviceAccountName": "reader",
    });
    let words = case
        .rejected_in::<ConsumerGroup>(
            &visitor,
            "ConsumerGroup",
            "billing",
            spec.clone(),
            "NotAllowed",
        )
        .await?;
    assert!(
        words.contains("allowedConsumers"),
        "the message does not say what is missing: {words}"
    );
    let read = [
        "consume", "--topic", &orders, "--group", &group, "--count", "5",
    ];
    let answer = case.probe.run(&reader, &read).await?;
    assert!(answer.is_err(), "read without consent: {answer:?}");

    let open = json!({
        "topicName": orders,
        "partitions": 1,
        "producers": [{ "serviceAccountName": "writer" }],
        "allowedConsumers": { "from": "Selector", "selector": { "matchLabels": { "kubernetes.io/metadata.name": visitor } } },
    });
    case.apply("Topic", "orders", open).await?;
    case.ready::<Topic>("orders").await?;
    case.apply_in(&visitor, "ConsumerGroup", "billing", spec)
        .await?;
    case.ready_in::<ConsumerGroup>(&visitor, "billing").await?;
    case.probe_until(
        &reader,
        &read,
        "the group reads with consent",
        Answer::is_ok,
    )
    .await?;

    // Consent is taken back as it was given.
    case.edit_topic("orders", |spec| spec.allowed_consumers = None)
        .await?;
    case.probe_until(&reader, &read, "the group is refused again", Answer::is_err)
        .await?;
    Ok(())
}
