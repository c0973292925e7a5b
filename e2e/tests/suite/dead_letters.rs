//! Dead letters are counted by what their headers say.

use std::time::Duration;

use anyhow::{Context, Result};
use millrace_crds::{ConsumerGroup, Dlq, ReasonCount};
use millrace_e2e::{Case, plugin::plugin, probe::Answer, wait};
use serde_json::json;
use tokio::process::Command;

#[tokio::test]
async fn dead_letters_are_counted_by_reason_and_source() -> Result<()> {
    let case = Case::shared("letters").await?;
    let worker = case.account("worker").await?;
    case.topic("orders", &[]).await?;
    let (orders, letters) = (case.name("orders"), case.name("dlq"));
    let queue = json!({ "topicName": letters, "alerts": { "letters": 4 } });
    case.apply("DLQ", "letters", queue).await?;
    let group = json!({
        "groupId": case.name("billing"),
        "topics": [{ "name": "orders" }],
        "serviceAccountName": "worker",
        "dlqRef": { "name": "letters" },
    });
    case.apply("ConsumerGroup", "billing", group).await?;
    case.ready::<Dlq>("letters").await?;
    case.ready::<ConsumerGroup>("billing").await?;

    let source = format!("dlq.source.topic={orders}");
    let letter = |reason, count| {
        [
            "produce", "--topic", &letters, "--count", count, "--header", reason, "--header",
            &source,
        ]
    };
    case.probe_until(
        &worker,
        &letter("dlq.reason=NoPrice", "3"),
        "the group writes dead letters",
        Answer::is_ok,
    )
    .await?;
    case.probe_until(
        &worker,
        &letter("dlq.reason=NoCustomer", "2"),
        "and more",
        Answer::is_ok,
    )
    .await?;

    let counted = wait::object(
        &case.api::<Dlq>(),
        "letters",
        "five letters are counted",
        Duration::from_secs(20),
        |dlq: &Dlq| dlq.status.as_ref().and_then(|status| status.letters) == Some(5),
    )
    .await?;
    let count = |reason: &str, count| ReasonCount {
        reason: reason.into(),
        source: orders.clone(),
        count,
    };
    let healthy = wait::condition_of(&counted, "Healthy").context("not told")?;
    assert_eq!(healthy["reason"], "TooManyLetters", "{healthy}");
    assert_eq!(
        counted.status.context("no status")?.by_reason,
        [count("NoPrice", 3), count("NoCustomer", 2)]
    );
    let arguments = ["dlq", "show", "letters", "--namespace", &case.namespace];
    let shown = Command::new(plugin()?).args(arguments).output().await?;
    let shown = String::from_utf8(shown.stdout)?;
    let line = |reason: &str, count: &str| {
        let cells = [reason, &orders, count];
        shown.lines().any(|line| line.split_whitespace().eq(cells))
    };
    assert!(line("NoPrice", "3") && line("NoCustomer", "2"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn an_account_outside_the_group_writes_no_dead_letters() -> Result<()> {
    let case = Case::shared("letters-foreign").await?;
    let stranger = case.account("stranger").await?;
    let letters = case.name("dlq");
    case.apply("DLQ", "letters", json!({ "topicName": letters }))
        .await?;
    case.ready::<Dlq>("letters").await?;
    let answer = case
        .probe
        .run(&stranger, &["produce", "--topic", &letters, "--count", "1"])
        .await?;
    assert!(
        crate::access::refused_with(&answer, "TOPIC_AUTHORIZATION_FAILED"),
        "a stranger wrote: {answer:?}"
    );
    Ok(())
}

/// What a consumer dies of beside its queue, such as an error in writing what it made of a record, makes no letter.
#[tokio::test]
async fn a_consumer_that_dies_without_a_letter_is_told_by_its_group_and_not_by_its_empty_queue()
-> Result<()> {
    let case = Case::shared("letters-none").await?;
    case.account("worker").await?;
    case.topic("orders", &[]).await?;
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let queue = json!({ "topicName": case.name("dlq"), "alerts": { "letters": 0 } });
    case.apply("DLQ", "letters", queue).await?;
    let group = json!({
        "groupId": billing,
        "topics": [{ "name": "orders" }],
        "serviceAccountName": "worker",
        "dlqRef": { "name": "letters" },
    });
    case.apply("ConsumerGroup", "billing", group).await?;
    case.ready::<ConsumerGroup>("billing").await?;
    case.probe.fill(&orders, 0, 4, 10).await?;
    let one_record = [
        "consume",
        "--topic",
        &orders,
        "--group",
        &billing,
        "--count",
        "1",
        "--commit",
        "--timeout-s",
        "60",
    ];
    case.probe.ask(&one_record).await?;

    let is_missed = |group: &ConsumerGroup| {
        wait::condition_of(group, "NoMembers").is_some_and(|said| said["status"] == "True")
    };
    let what = "records wait and nobody reads them";
    let patience = Duration::from_secs(90);
    let group = wait::object(&case.api(), "billing", what, patience, is_missed).await?;
    let words = wait::condition_of(&group, "NoMembers").context("not told")?["message"].clone();
    assert!(
        words
            .as_str()
            .unwrap_or_default()
            .starts_with("3 records wait"),
        "{words}"
    );
    let queue: Dlq = case.api().get("letters").await?;
    let says = |kind: &str| wait::condition_of(&queue, kind).map(|said| said["status"].clone());
    assert_eq!(says("Empty"), Some("True".into()));
    assert_eq!(says("Healthy"), Some("True".into()));
    assert_eq!(queue.status.context("no status")?.letters, Some(0));
    Ok(())
}
