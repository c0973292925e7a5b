//! Dead letters go home: once each, where their topics allow it, one run at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::api::{Patch, PatchParams};
use millrace_crds::{Dlq, Redrive, RedrivePhase, RedriveStatus};
use millrace_e2e::{Case, operator, plugin::plugin, redrives};
use serde_json::{Value, json};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(90);

/// A topic, and a queue with so many letters of it, for each of two reasons.
async fn letters(case: &Case, each: usize) -> Result<()> {
    case.topic("orders", &[]).await?;
    let queue = json!({ "topicName": case.name("dlq") });
    case.apply("DLQ", "letters", queue).await?;
    case.ready::<Dlq>("letters").await?;
    for reason in ["NoPrice", "NoCustomer"] {
        write_letters(case, &case.name("orders"), reason, each).await?;
    }
    Ok(())
}

async fn write_letters(case: &Case, source: &str, reason: &str, count: usize) -> Result<()> {
    let (topic, count) = (case.name("dlq"), count.to_string());
    let reason = format!("dlq.reason={reason}");
    let source = format!("dlq.source.topic={source}");
    let command = [
        "produce", "--topic", &topic, "--count", &count, "--header", &reason, "--header", &source,
        "--header", "tenant=a",
    ];
    case.probe.ask(&command).await?;
    Ok(())
}

async fn redrive(case: &Case, name: &str, spec: Value) -> Result<()> {
    redrives::apply(case, "letters", name, spec).await
}

async fn edit(case: &Case, name: &str, spec: Value) -> Result<()> {
    let patch = Patch::Merge(json!({ "spec": spec }));
    let params = PatchParams::default();
    case.api::<Redrive>().patch(name, &params, &patch).await?;
    Ok(())
}

/// The status of a Redrive once it is in this phase.
async fn reaches(case: &Case, name: &str, phase: RedrivePhase) -> Result<RedriveStatus> {
    redrives::reaches(case, name, phase, PATIENCE).await
}

#[tokio::test]
async fn letters_go_home_once_and_what_is_home_stays_there() -> Result<()> {
    let case = Case::shared("home").await?;
    letters(&case, 20).await?;
    redrive(&case, "first", json!({})).await?;
    let done = reaches(&case, "first", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.scanned, counts.redriven), (40, 40));
    assert_eq!(done.by_destination[0].topic, case.name("orders"));
    assert_eq!(case.probe.count(&case.name("orders")).await?, 40);

    redrive(&case, "second", json!({})).await?;
    let done = reaches(&case, "second", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.already_home, counts.redriven), (40, 0));
    assert_eq!(case.probe.count(&case.name("orders")).await?, 40);
    Ok(())
}

#[tokio::test]
async fn a_dry_run_tells_what_would_go_where_and_writes_nothing() -> Result<()> {
    let case = Case::shared("home-dry").await?;
    letters(&case, 15).await?;
    let spec = json!({ "dryRun": true, "filter": { "reasons": ["NoPrice"] } });
    redrive(&case, "look", spec).await?;
    let done = reaches(&case, "look", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.scanned, counts.matched), (30, 15));
    assert_eq!(
        (done.by_reason[0].reason.as_str(), done.by_reason[0].count),
        ("NoPrice", 15)
    );
    assert_eq!(case.probe.count(&case.name("orders")).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_letter_that_was_brought_home_as_often_as_it_may_goes_to_quarantine_and_not_home()
-> Result<()> {
    let case = Case::shared("home-cap").await?;
    letters(&case, 2).await?;
    case.topic("parking", &[]).await?;
    let (topic, parking) = (case.name("dlq"), case.name("parking"));
    let source = format!("dlq.source.topic={}", case.name("orders"));
    let again = [
        "produce",
        "--topic",
        &topic,
        "--count",
        "3",
        "--header",
        "dlq.reason=NoPrice",
        "--header",
        &source,
        "--header",
        "millrace.redrive.attempt=2",
    ];
    case.probe.ask(&again).await?;
    let spec = json!({ "maxAttempts": 2, "quarantineTopicName": parking });
    redrive(&case, "capped", spec).await?;
    let done = reaches(&case, "capped", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.redriven, counts.quarantined), (4, 3));
    assert_eq!(case.probe.count(&case.name("orders")).await?, 4);
    assert_eq!(case.probe.count(&parking).await?, 3);
    Ok(())
}

#[tokio::test]
async fn letters_go_to_the_topic_of_another_namespace_with_its_consent_alone() -> Result<()> {
    let case = Case::shared("home-theft").await?;
    letters(&case, 5).await?;
    let other = case.other_namespace("victim", true).await?;
    let theirs = format!("{other}.orders");
    let topic = json!({ "topicName": theirs, "partitions": 1 });
    case.apply_in(&other, "Topic", "orders", topic.clone())
        .await?;
    case.ready_in::<millrace_crds::Topic>(&other, "orders")
        .await?;
    write_letters(&case, &theirs, "Forged", 5).await?;

    redrive(
        &case,
        "named",
        json!({ "to": "Topic", "topicName": theirs }),
    )
    .await?;
    case.refused::<Redrive>("named", "NotAllowed").await?;
    case.api::<Redrive>()
        .delete("named", &Default::default())
        .await?;
    redrive(&case, "forged", json!({})).await?;
    let done = reaches(&case, "forged", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.redriven, counts.refused), (10, 5));
    assert_eq!(case.probe.count(&theirs).await?, 0);

    let mut consenting = topic;
    consenting["allowedRedrives"] = json!({ "from": "All" });
    case.apply_in(&other, "Topic", "orders", consenting).await?;
    redrive(&case, "allowed", json!({})).await?;
    let done = reaches(&case, "allowed", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.redriven, counts.already_home), (5, 10));
    assert_eq!(case.probe.count(&theirs).await?, 5);
    Ok(())
}

#[tokio::test]
async fn one_redrive_of_a_queue_runs_at_a_time_and_a_suspended_one_keeps_its_place() -> Result<()> {
    let case = Case::shared("home-turns").await?;
    letters(&case, 30).await?;
    redrive(&case, "slow", json!({ "lettersPerSecond": 5 })).await?;
    reaches(&case, "slow", RedrivePhase::Running).await?;
    edit(&case, "slow", json!({ "suspend": true })).await?;
    reaches(&case, "slow", RedrivePhase::Suspended).await?;
    redrive(&case, "next", json!({})).await?;
    let words = case.refused::<Redrive>("next", "WaitingForTurn").await?;
    assert!(words.contains("slow"), "{words}");
    edit(&case, "slow", json!({ "cancel": true })).await?;
    let cancelled = reaches(&case, "slow", RedrivePhase::Cancelled).await?;
    let moved = cancelled.counts.unwrap_or_default().redriven;
    let done = reaches(&case, "next", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.already_home, counts.redriven), (moved, 60 - moved));
    assert_eq!(case.probe.count(&case.name("orders")).await?, 60);
    Ok(())
}

#[tokio::test]
async fn the_operator_killed_in_a_redrive_goes_on_and_brings_each_letter_home_once() -> Result<()> {
    let case = Case::alone("home-killed").await?;
    letters(&case, 200).await?;
    redrive(&case, "long", json!({ "lettersPerSecond": 10 })).await?;
    reaches(&case, "long", RedrivePhase::Running).await?;
    for _ in 0..2 {
        operator::kill(&case.client).await?;
        operator::led(&case.client, PATIENCE).await?;
    }
    let long: Redrive = case.api().get("long").await?;
    let status = long.status.context("no status")?;
    assert_eq!(
        status.completion_time, None,
        "it was killed too late: {status:?}"
    );
    let done = reaches(&case, "long", RedrivePhase::Completed).await?;
    let counts = done.counts.context("no counts")?;
    assert_eq!((counts.scanned, counts.redriven), (400, 400));
    assert_eq!(case.probe.count(&case.name("orders")).await?, 400);
    Ok(())
}

#[tokio::test]
async fn the_command_brings_letters_home_and_tells_what_came_of_them() -> Result<()> {
    let case = Case::shared("home-command").await?;
    letters(&case, 10).await?;
    let arguments = [
        "dlq",
        "redrive",
        "letters",
        "--namespace",
        &case.namespace,
        "--reason",
        "NoPrice",
    ];
    let done = Command::new(plugin()?).args(arguments).output().await?;
    let said = String::from_utf8(done.stdout)?;
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        said.contains("Completed") && said.contains("10 home"),
        "{said}"
    );
    assert_eq!(case.probe.count(&case.name("orders")).await?, 10);
    Ok(())
}
