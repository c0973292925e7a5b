//! What counts as lag, and what does not.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use millrace_crds::{ConsumerGroup, LagStatus, Topic};
use millrace_e2e::{Case, wait};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(90);
/// Until a stall is told: a minute without a commit, and what joining and looking take.
const STALLED_WITHIN: Duration = Duration::from_secs(150);

/// A Topic `orders` of one partition, and a ConsumerGroup `billing` that reads it.
async fn read_topic(case: &Case) -> Result<()> {
    case.topic("orders", &[]).await?;
    group(case, "billing", "Earliest").await
}

async fn group(case: &Case, name: &str, offset_reset: &str) -> Result<()> {
    case.account("reader").await?;
    let spec = json!({
        "groupId": case.name(name),
        "topics": [{ "name": "orders" }],
        "serviceAccountName": "reader",
        "offsetReset": offset_reset,
    });
    case.apply("ConsumerGroup", name, spec).await?;
    case.ready::<ConsumerGroup>(name).await.map(drop)
}

async fn write(case: &Case, count: usize) -> Result<()> {
    case.probe.fill(&case.name("orders"), 0, count, 10).await
}

async fn write_transaction(case: &Case, count: &str, how_it_ends: &[&str]) -> Result<()> {
    let (orders, id) = (case.name("orders"), case.name("writer"));
    let mut command = vec![
        "produce-transaction",
        "--topic",
        &orders,
        "--transactional-id",
        &id,
        "--count",
        count,
    ];
    command.extend(how_it_ends);
    case.probe.ask(&command).await.map(drop)
}

/// `billing` reads so many records, commits and leaves.
async fn read(case: &Case, count: &str) -> Result<()> {
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let command = [
        "consume",
        "--topic",
        &orders,
        "--group",
        &billing,
        "--count",
        count,
        "--commit",
        "--timeout-s",
        "60",
    ];
    case.probe.ask(&command).await.map(drop)
}

/// Sets the committed offset of `billing`, which has no member.
async fn commit(case: &Case, offset: &str) -> Result<()> {
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let command = [
        "commit-offset",
        "--group",
        &billing,
        "--topic",
        &orders,
        "--partition",
        "0",
        "--offset",
        offset,
    ];
    case.probe.ask(&command).await.map(drop)
}

/// Waits for something while a consumer is a member of `billing`, with these further arguments.
async fn beside_a_consumer<T>(
    case: &Case,
    arguments: &[&str],
    awaited: impl Future<Output = Result<T>>,
) -> Result<T> {
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let mut command = vec![
        "work",
        "--topic",
        &orders,
        "--group",
        &billing,
        "--seconds",
        "300",
    ];
    command.extend(arguments);
    tokio::select! {
        ended = case.probe.ask(&command) => bail!("the consumer ended: {ended:?}"),
        awaited = awaited => awaited,
    }
}

fn lag_of(group: &ConsumerGroup) -> Option<&LagStatus> {
    group.status.as_ref()?.lag.as_ref()
}

/// `billing` once its lag is of so many records.
async fn lag(case: &Case, records: i64) -> Result<ConsumerGroup> {
    let what = format!("a lag of {records}");
    lag_that(case, "billing", &what, |lag| lag.records == records).await
}

async fn lag_that(
    case: &Case,
    name: &str,
    what: &str,
    test: impl Fn(&LagStatus) -> bool + Send + Sync,
) -> Result<ConsumerGroup> {
    let groups = case.api::<ConsumerGroup>();
    let seen = |group: &ConsumerGroup| lag_of(group).is_some_and(&test);
    wait::object(&groups, name, what, PATIENCE, seen).await
}

fn verdict(group: &ConsumerGroup, kind: &str) -> String {
    let condition = wait::condition_of(group, kind).unwrap_or_default();
    condition["status"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_marker_of_a_transaction_behind_the_last_record_is_no_lag() -> Result<()> {
    let case = Case::shared("lag-marker").await?;
    read_topic(&case).await?;
    write_transaction(&case, "5", &[]).await?;
    lag(&case, 6).await?;
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let awaited = async {
        let what = "the consumer commits behind the last record, and the marker is left";
        wait::answer(what, PATIENCE, || async {
            let command = ["lag", "--group", &billing, "--topic", &orders];
            let answer = case.probe.ask(&command).await?;
            let partition = &answer["partitions"][0];
            let left = partition["committed"] == 5 && partition["end"] == 6;
            Ok(if left {
                Ok(())
            } else {
                Err(answer.to_string())
            })
        })
        .await?;
        lag(&case, 0).await
    };
    let group = beside_a_consumer(&case, &[], awaited).await?;
    let status = group.status.as_ref().context("no status")?;
    assert_eq!(status.members, Some(1));
    assert_eq!(verdict(&group, "Stalled"), "False");
    Ok(())
}

#[tokio::test]
async fn an_aborted_transaction_behind_the_committed_offset_is_no_lag_in_the_end() -> Result<()> {
    let case = Case::shared("lag-aborted").await?;
    read_topic(&case).await?;
    write(&case, 3).await?;
    read(&case, "3").await?;
    write_transaction(&case, "4", &["--abort"]).await?;
    lag(&case, 5).await?;
    lag(&case, 0).await?;
    Ok(())
}

#[tokio::test]
async fn one_record_behind_the_committed_offset_stays_a_lag_of_one() -> Result<()> {
    let case = Case::shared("lag-one").await?;
    read_topic(&case).await?;
    write(&case, 3).await?;
    read(&case, "3").await?;
    write(&case, 1).await?;
    // That nobody reads it is told after 30 s, long after a tail without records would be no lag any more.
    let groups = case.api::<ConsumerGroup>();
    let what = "a lag of 1 and no members";
    let waits = |group: &ConsumerGroup| {
        lag_of(group).is_some_and(|lag| lag.records == 1) && verdict(group, "NoMembers") == "True"
    };
    wait::object(&groups, "billing", what, PATIENCE, waits).await?;
    Ok(())
}

#[tokio::test]
async fn without_a_committed_offset_all_of_the_topic_is_lag_or_nothing_as_offset_reset_says()
-> Result<()> {
    let case = Case::shared("lag-uncommitted").await?;
    case.topic("orders", &[]).await?;
    write(&case, 4).await?;
    group(&case, "billing", "Earliest").await?;
    group(&case, "stock", "Latest").await?;
    let earliest = lag_that(&case, "billing", "a lag", |_| true).await?;
    let latest = lag_that(&case, "stock", "a lag", |_| true).await?;
    assert_eq!(lag_of(&earliest).map(|lag| lag.records), Some(4));
    assert_eq!(lag_of(&latest).map(|lag| lag.records), Some(0));
    Ok(())
}

#[tokio::test]
async fn records_that_were_deleted_are_no_lag() -> Result<()> {
    let case = Case::shared("lag-deleted").await?;
    read_topic(&case).await?;
    write(&case, 10).await?;
    commit(&case, "3").await?;
    lag(&case, 7).await?;
    let orders = case.name("orders");
    for (before, left) in [("8", 2), ("10", 0)] {
        let command = [
            "delete-records",
            "--topic",
            &orders,
            "--partition",
            "0",
            "--before",
            before,
        ];
        case.probe.ask(&command).await?;
        lag(&case, left).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_topic_is_no_lag_and_within_the_objective() -> Result<()> {
    let case = Case::shared("lag-empty").await?;
    read_topic(&case).await?;
    let group = lag_that(&case, "billing", "a lag", |_| true).await?;
    let lag = lag_of(&group).context("no lag")?;
    assert_eq!((lag.records, lag.seconds), (0, Some(0)));
    assert_eq!(verdict(&group, "WithinObjective"), "True");
    Ok(())
}

#[tokio::test]
async fn a_partition_that_its_consumer_has_paused_is_named_as_stalled() -> Result<()> {
    let case = Case::shared("lag-paused").await?;
    let orders = case.name("orders");
    let spec = json!({ "topicName": orders, "partitions": 2 });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;
    case.probe.fill(&orders, 0, 3, 10).await?;
    case.probe.fill(&orders, 1, 4, 10).await?;
    group(&case, "billing", "Earliest").await?;

    let named = format!("partition 1 of topic {orders} has 4 unprocessed records");
    let groups = case.api::<ConsumerGroup>();
    let stalled = |group: &ConsumerGroup| {
        wait::condition_of(group, "Stalled").is_some_and(|stalled| {
            let message = stalled["message"].as_str().unwrap_or_default();
            stalled["status"] == "True" && message.contains(&named)
        })
    };
    let awaited = wait::object(&groups, "billing", &named, STALLED_WITHIN, stalled);
    let group = beside_a_consumer(&case, &["--pause", "1"], awaited).await?;
    assert_eq!(lag_of(&group).map(|lag| lag.records), Some(4));
    Ok(())
}

#[tokio::test]
async fn a_compacted_topic_whose_records_are_all_read_is_no_lag() -> Result<()> {
    let case = Case::shared("lag-compacted").await?;
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let spec = json!({
        "topicName": orders,
        "partitions": 1,
        "config": { "cleanup.policy": "compact", "segment.ms": 1_000, "min.cleanable.dirty.ratio": "0.01" },
    });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;
    // All records have one key. Each goes into a segment of its own, once the one before is a second old.
    let what = "compaction has removed records";
    wait::answer(what, 2 * PATIENCE, || async {
        write(&case, 1).await?;
        let written = end(&case).await?;
        let left = case.probe.count(&orders).await?;
        Ok(if left < written {
            Ok(())
        } else {
            Err(format!("{left} of {written} records are left"))
        })
    })
    .await?;
    group(&case, "billing", "Earliest").await?;
    lag_that(&case, "billing", "a lag before all is read", |lag| {
        lag.records > 0
    })
    .await?;

    let until_time_is_up = [
        "consume",
        "--topic",
        &orders,
        "--group",
        &billing,
        "--commit",
        "--timeout-s",
        "30",
    ];
    let read = case.probe.ask(&until_time_is_up).await?;
    let count = read["count"].as_i64().context("no count")?;
    assert!(0 < count && count < end(&case).await?, "{read}");
    lag(&case, 0).await?;
    Ok(())
}

/// Where the log of `orders` ends.
async fn end(case: &Case) -> Result<i64> {
    let (orders, billing) = (case.name("orders"), case.name("billing"));
    let command = ["lag", "--group", &billing, "--topic", &orders];
    let answer = case.probe.ask(&command).await?;
    answer["partitions"][0]["end"].as_i64().context("no end")
}

#[tokio::test]
async fn offsets_that_kafka_forgets_are_told_until_the_group_commits_again() -> Result<()> {
    let case = Case::shared("lag-expired").await?;
    read_topic(&case).await?;
    write(&case, 5).await?;
    read(&case, "5").await?;
    lag(&case, 0).await?;
    // What a broker does with the offsets of a group that was empty for offsets.retention.minutes.
    let billing = case.name("billing");
    case.probe
        .ask(&["delete-groups", "--prefix", &billing])
        .await?;
    let groups = case.api::<ConsumerGroup>();
    let told = wait::condition(&groups, "billing", "OffsetsExpired", "True", PATIENCE).await?;
    let named = format!("partition 0 of topic {}", case.name("orders"));
    let condition = wait::condition_of(&told, "OffsetsExpired").unwrap_or_default();
    let message = condition["message"].as_str().unwrap_or_default();
    assert!(
        message.contains(&named),
        "the partition is not named: {message}"
    );
    assert_eq!(
        lag_of(&told).map(|lag| lag.records),
        Some(5),
        "all of it is lag"
    );
    commit(&case, "5").await?;
    wait::condition(&groups, "billing", "OffsetsExpired", "False", PATIENCE).await?;
    lag(&case, 0).await?;
    Ok(())
}

#[tokio::test]
async fn a_committed_offset_beyond_the_end_of_a_topic_made_anew_is_no_negative_lag() -> Result<()> {
    let case = Case::shared("lag-anew").await?;
    read_topic(&case).await?;
    write(&case, 20).await?;
    read(&case, "20").await?;
    write(&case, 5).await?;
    lag(&case, 5).await?;

    // Paused, so that it is made anew by hand and not by the operator.
    case.pause_topic("orders", true).await?;
    let orders = case.name("orders");
    case.probe.make_anew(&orders, PATIENCE).await?;
    write(&case, 3).await?;
    commit(&case, "20").await?;
    lag(&case, 0).await?;
    commit(&case, "1").await?;
    lag(&case, 2).await?;
    Ok(())
}
