//! Committed offsets are reset as asked, once; a sleeping group keeps its own; a group goes with its resource where that is wanted.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::api::{DeleteParams, Patch, PatchParams};
use millrace_crds::{ConsumerGroup, OffsetResetPhase, OffsetResetStatus, Topic};
use millrace_e2e::{
    Case, operator,
    scaled::{Scaled, produce},
    wait,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(90);

/// A topic of one partition, and a group without a workload that has committed an offset in it.
async fn group_at(case: &Case, offset: i64, more: Value) -> Result<()> {
    case.account("reader").await?;
    case.topic("orders", &[]).await?;
    case.probe.fill(&case.name("orders"), 0, 100, 10).await?;
    commit(case, offset).await?;
    let mut spec = json!({
        "groupId": case.name("billing"), "topics": [{ "name": "orders" }], "serviceAccountName": "reader",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    case.apply("ConsumerGroup", "billing", spec).await?;
    case.ready::<ConsumerGroup>("billing").await.map(drop)
}

async fn commit(case: &Case, offset: i64) -> Result<()> {
    let (group, topic, offset) = (
        case.name("billing"),
        case.name("orders"),
        offset.to_string(),
    );
    case.probe
        .ask(&[
            "commit-offset",
            "--group",
            &group,
            "--topic",
            &topic,
            "--partition",
            "0",
            "--offset",
            &offset,
        ])
        .await
        .map(drop)
}

/// The group's committed offset in partition 0.
async fn committed(case: &Case) -> Result<Option<i64>> {
    let (group, topic) = (case.name("billing"), case.name("orders"));
    let lag = case
        .probe
        .ask(&["lag", "--group", &group, "--topic", &topic])
        .await?;
    Ok(lag["partitions"][0]["committed"].as_i64())
}

async fn ask(case: &Case, reset: Value) -> Result<()> {
    // A merge would leave the fields of the reset before.
    let mut whole = json!({
        "time": null, "shift": null, "offsets": null, "topics": null, "dryRun": null, "stopWorkload": null,
    });
    for (key, value) in reset.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    let patch = json!({ "spec": { "resetOffsets": whole } });
    case.api::<ConsumerGroup>()
        .patch("billing", &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    Ok(())
}

/// What the status says of the reset `id` once it is in `phase`.
async fn reset(case: &Case, id: &str, phase: OffsetResetPhase) -> Result<OffsetResetStatus> {
    let record = |group: &ConsumerGroup| group.status.as_ref()?.offset_reset.clone();
    let group = wait::object(
        &case.api::<ConsumerGroup>(),
        "billing",
        &format!("reset {id} is {phase:?}"),
        PATIENCE,
        |group: &ConsumerGroup| {
            record(group).is_some_and(|record| record.id == id && record.phase == phase)
        },
    )
    .await?;
    record(&group).context("no record of the reset")
}

#[tokio::test]
async fn an_empty_group_goes_to_each_place_it_is_sent_to() -> Result<()> {
    let case = Case::shared("reset").await?;
    group_at(&case, 60, json!({})).await?;
    let between = jiff::Timestamp::now();
    case.probe.fill(&case.name("orders"), 0, 50, 10).await?;
    let places = [
        ("earliest", json!({ "to": "Earliest" }), 0),
        ("latest", json!({ "to": "Latest" }), 150),
        ("back", json!({ "to": "Shift", "shift": -30 }), 120),
        ("too-far-back", json!({ "to": "Shift", "shift": -1_000 }), 0),
        (
            "time",
            json!({ "to": "Time", "time": between.to_string() }),
            100,
        ),
        (
            "given",
            json!({ "to": "Offsets", "offsets": [{ "topic": case.name("orders"), "partition": 0, "offset": 5 }] }),
            5,
        ),
    ];
    let mut from = 60;
    for (id, mut place, to) in places {
        place["id"] = json!(id);
        ask(&case, place).await?;
        let record = reset(&case, id, OffsetResetPhase::Completed).await?;
        assert_eq!(committed(&case).await?, Some(to), "{id}");
        assert_eq!(
            (record.partitions[0].from, record.partitions[0].to),
            (Some(from), to),
            "{id}"
        );
        from = to;
    }
    Ok(())
}

#[tokio::test]
async fn a_reset_to_an_offset_that_is_not_there_is_refused_and_changes_nothing() -> Result<()> {
    let case = Case::shared("reset-refused").await?;
    group_at(&case, 60, json!({})).await?;
    let offsets = json!([{ "topic": case.name("orders"), "partition": 0, "offset": 101 }]);
    ask(
        &case,
        json!({ "id": "beyond", "to": "Offsets", "offsets": offsets }),
    )
    .await?;
    let record = reset(&case, "beyond", OffsetResetPhase::Failed).await?;
    assert!(
        record.message.contains("write one from 0 to 100"),
        "{}",
        record.message
    );
    assert_eq!(committed(&case).await?, Some(60));
    Ok(())
}

#[tokio::test]
async fn a_dry_run_shows_what_a_reset_would_do_and_the_same_id_then_does_it() -> Result<()> {
    let case = Case::shared("reset-dry").await?;
    group_at(&case, 60, json!({})).await?;
    ask(
        &case,
        json!({ "id": "again", "to": "Earliest", "dryRun": true }),
    )
    .await?;
    let planned = reset(&case, "again", OffsetResetPhase::Planned).await?;
    assert_eq!(
        (planned.records_again, planned.partitions[0].to),
        (Some(60), 0)
    );
    assert_eq!(committed(&case).await?, Some(60));
    ask(&case, json!({ "id": "again", "to": "Earliest" })).await?;
    reset(&case, "again", OffsetResetPhase::Completed).await?;
    assert_eq!(committed(&case).await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_running_workload_is_only_stopped_where_that_is_allowed_and_started_again() -> Result<()>
{
    let case = Case::shared("reset-running").await?;
    let autoscaling = json!({ "minReplicas": 2, "maxReplicas": 2 });
    let billing = Scaled::start(&case, "billing", 1_000, autoscaling).await?;
    produce(&case, 200).await?;
    billing.until_caught_up(200).await?;

    ask(&case, json!({ "id": "again", "to": "Earliest" })).await?;
    let waiting = reset(&case, "again", OffsetResetPhase::Waiting).await?;
    assert!(
        waiting.message.contains("or write `stopWorkload: true`"),
        "{}",
        waiting.message
    );

    ask(
        &case,
        json!({ "id": "again", "to": "Earliest", "stopWorkload": true }),
    )
    .await?;
    let done = reset(&case, "again", OffsetResetPhase::Completed).await?;
    assert_eq!(
        (done.records_again, done.stopped_replicas),
        (Some(200), Some(2))
    );
    assert_eq!(billing.replicas().await?, 2);
    billing.until_caught_up(200).await
}

#[tokio::test]
async fn a_shift_is_done_once_although_the_operator_is_killed_in_it() -> Result<()> {
    let case = Case::alone("reset-killed").await?;
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 2 });
    let billing = Scaled::start(&case, "billing", 1_000, autoscaling).await?;
    produce(&case, 200).await?;
    billing.until_caught_up(200).await?;
    ask(
        &case,
        json!({ "id": "back", "to": "Shift", "shift": -10, "stopWorkload": true }),
    )
    .await?;
    reset(&case, "back", OffsetResetPhase::Stopping).await?;
    operator::kill(&case.client).await?;
    let done = reset(&case, "back", OffsetResetPhase::Completed).await?;
    assert!(!done.partitions.is_empty());
    for partition in &done.partitions {
        let from = partition.from.context("no offset was committed")?;
        assert_eq!(partition.to, (from - 10).max(0));
    }
    let again: i64 = done
        .partitions
        .iter()
        .map(|p| p.from.unwrap_or(0) - p.to)
        .sum();
    assert_eq!(done.records_again, Some(again));
    let back = |replicas| replicas == 1;
    billing
        .until_replicas("one replica again", PATIENCE, back)
        .await?;
    billing.until_caught_up(200).await
}

#[tokio::test]
async fn a_sleeping_group_whose_offsets_kafka_forgets_gets_them_back() -> Result<()> {
    let case = Case::shared("asleep").await?;
    let autoscaling = json!({ "minReplicas": 0, "maxReplicas": 2, "idleSeconds": 5, "scaleDownWindowSeconds": 5 });
    let billing = Scaled::start(&case, "billing", 1_000, autoscaling).await?;
    produce(&case, 60).await?;
    billing.until_caught_up(60).await?;
    billing
        .until_replicas("no replica", PATIENCE, |replicas| replicas == 0)
        .await?;
    wait::object(
        &case.api::<ConsumerGroup>(),
        "billing",
        "its offsets are kept",
        PATIENCE,
        |group: &ConsumerGroup| {
            let status = group.status.as_ref();
            status.is_some_and(|status| status.kept_offsets.is_some())
        },
    )
    .await?;
    case.probe
        .ask(&["delete-groups", "--prefix", &case.name("billing")])
        .await?;
    billing.until_caught_up(60).await?;
    assert_eq!(billing.replicas().await?, 0, "nothing was read again");
    Ok(())
}

#[tokio::test]
async fn a_group_goes_with_its_resource_where_that_is_wanted_and_stays_where_not() -> Result<()> {
    for (policy, left) in [("Delete", None), ("Retain", Some(60))] {
        let case = Case::shared(&format!("group-{}", policy.to_lowercase())).await?;
        group_at(&case, 60, json!({ "deletionPolicy": policy })).await?;
        let groups = case.api::<ConsumerGroup>();
        groups.delete("billing", &DeleteParams::default()).await?;
        wait::gone(&groups, "billing", PATIENCE).await?;
        assert_eq!(committed(&case).await?, left, "{policy}");
    }
    Ok(())
}

#[tokio::test]
async fn a_namespace_goes_although_its_group_was_to_be_deleted_with_it() -> Result<()> {
    let case = Case::shared("group-namespace").await?;
    group_at(&case, 60, json!({ "deletionPolicy": "Delete" })).await?;
    // The Topic goes first: without it the group's references are broken.
    case.api::<Topic>()
        .delete("orders", &DeleteParams::default())
        .await?;
    wait::gone(&case.api::<Topic>(), "orders", PATIENCE).await?;
    let groups = case.api::<ConsumerGroup>();
    groups.delete("billing", &DeleteParams::default()).await?;
    wait::gone(&groups, "billing", PATIENCE).await?;
    assert_eq!(committed(&case).await?, None);
    Ok(())
}
