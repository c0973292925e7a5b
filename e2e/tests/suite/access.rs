//! Access follows what resources say, and nothing else.

use anyhow::{Result, bail};
use millrace_crds::Topic;
use millrace_e2e::{Case, probe::Answer};
use serde_json::json;

/// Whether Kafka refused with this error.
pub fn refused_with(answer: &Answer, error: &str) -> bool {
    matches!(answer, Err(refusal) if refusal.error == error)
}

#[tokio::test]
async fn an_account_without_a_grant_is_refused_both_ways() -> Result<()> {
    let case = Case::shared("no-grant").await?;
    case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let stranger = case.account("stranger").await?;

    let orders = case.name("orders");
    let written = case
        .probe
        .run(&stranger, &["produce", "--topic", &orders, "--count", "1"])
        .await?;
    assert!(
        refused_with(&written, "TOPIC_AUTHORIZATION_FAILED"),
        "a stranger wrote: {written:?}"
    );

    let group = case.name("strangers");
    let read = case
        .probe
        .run(
            &stranger,
            &[
                "consume", "--topic", &orders, "--group", &group, "--count", "1",
            ],
        )
        .await?;
    assert!(
        refused_with(&read, "TOPIC_AUTHORIZATION_FAILED")
            || refused_with(&read, "GROUP_AUTHORIZATION_FAILED"),
        "a stranger read: {read:?}"
    );
    assert_eq!(case.probe.count(&orders).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_producer_writes_and_a_group_reads_by_their_resources_alone() -> Result<()> {
    let case = Case::shared("granted").await?;
    let writer = case.account("writer").await?;
    let reader = case.account("reader").await?;
    case.topic("orders", &["writer"]).await?;
    let group = case.name("billing");
    case.apply("ConsumerGroup", "billing", json!({ "groupId": group, "topics": [{ "name": "orders" }], "serviceAccountName": "reader" }))
        .await?;
    case.ready::<millrace_crds::ConsumerGroup>("billing")
        .await?;

    let orders = case.name("orders");
    case.probe_until(
        &writer,
        &["produce", "--topic", &orders, "--count", "10"],
        "the producer writes",
        Answer::is_ok,
    )
    .await?;
    let read = [
        "consume", "--topic", &orders, "--group", &group, "--count", "10", "--commit",
    ];
    let answer = case
        .probe_until(&reader, &read, "the group reads", Answer::is_ok)
        .await?;
    assert_eq!(answer["count"], 10);

    // Each has its own way only: the producer does not read, the reader does not write.
    let back = case
        .probe
        .run(
            &writer,
            &[
                "consume", "--topic", &orders, "--group", &group, "--count", "1",
            ],
        )
        .await?;
    assert!(back.is_err(), "the producer read: {back:?}");
    let forth = case
        .probe
        .run(&reader, &["produce", "--topic", &orders, "--count", "1"])
        .await?;
    assert!(forth.is_err(), "the reader wrote: {forth:?}");
    assert_eq!(case.probe.count(&orders).await?, 10);
    Ok(())
}

#[tokio::test]
async fn taking_a_producer_out_of_the_topic_takes_its_access_away() -> Result<()> {
    let case = Case::shared("producer-out").await?;
    let writer = case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let orders = case.name("orders");
    let write = ["produce", "--topic", &orders, "--count", "1"];
    case.probe_until(&writer, &write, "the producer writes", Answer::is_ok)
        .await?;

    case.edit_topic("orders", |spec| spec.producers.clear())
        .await?;
    case.ready::<Topic>("orders").await?;
    case.probe_until(
        &writer,
        &write,
        "the former producer is refused",
        |answer| refused_with(answer, "TOPIC_AUTHORIZATION_FAILED"),
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_token_for_another_audience_is_no_token() -> Result<()> {
    let case = Case::shared("audience").await?;
    let writer = case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let orders = case.name("orders");
    let write = [
        "produce",
        "--topic",
        &orders,
        "--count",
        "1",
        "--timeout-s",
        "15",
    ];
    case.probe_until(&writer, &write, "the producer writes", Answer::is_ok)
        .await?;

    let elsewhere = case.probe.with_audience("https://kubernetes.default.svc");
    match elsewhere.run(&writer, &write).await? {
        Err(_) => {}
        Ok(answer) => bail!("a token for the API server was taken: {answer}"),
    }
    assert_eq!(case.probe.count(&orders).await?, 1);
    Ok(())
}
