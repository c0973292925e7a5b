//! The clock of the operator's machine is set while a workload follows its lag.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use millrace_crds::{ConsumerGroup, LagStatus};
use millrace_e2e::{
    Case,
    operator::clock::{self, Clock},
    replica_watch::ReplicaWatch,
    scaled::{Scaled, produce},
    wait,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
/// Several looks at the lag.
const LOOKS: Duration = Duration::from_secs(10);
/// Far below what the clock is set by, far above how late a record is here.
const LATE_SECONDS: i64 = 30;

#[tokio::test]
async fn a_clock_set_forth_and_back_scales_nothing_and_makes_nobody_blind() -> Result<()> {
    let case = Case::alone("clock").await?;
    let clock = Clock::take(&case.client).await?;
    let told = set_forth_and_back(&case, &clock).await;
    let given_back = clock.give_back().await;
    told.and(given_back)
}

async fn set_forth_and_back(case: &Case, clock: &Clock<'_>) -> Result<()> {
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 6, "drainSeconds": 10 });
    let group = Scaled::start(case, "billing", 200, autoscaling).await?;
    produce(case, 20).await?;
    group.until_caught_up(20).await?;
    let load = ["produce", "--rate", "50", "--seconds", "600"];
    group.run_beside(&load).await?;
    measured(case, SignedDuration::ZERO).await?;

    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;
    for hours in [1, 0] {
        let ahead = SignedDuration::from_hours(hours);
        clock.set(ahead).await?;
        measured(case, ahead).await?;
        let changes = watch.all_until((Instant::now() + LOOKS).into()).await?;
        ensure!(changes.is_empty(), "{ahead} ahead: scaled to {changes:?}");
    }

    produce(case, 8_000).await?;
    let what = "more replicas than one, since the group is late";
    watch.until(what, PATIENCE, |replicas| replicas > 1).await?;
    Ok(())
}

/// Waits until records arrive and their lag was measured by a clock that is so far ahead; none may be late.
async fn measured(case: &Case, ahead: SignedDuration) -> Result<()> {
    let groups = case.api::<ConsumerGroup>();
    let what = format!("the lag is measured at a time {ahead} ahead");
    let group = wait::object(&groups, "billing", &what, PATIENCE, |group| {
        lag(group).is_some_and(|lag| {
            let arrive = lag.arriving_per_second.is_some_and(|records| records > 0);
            let time = lag.measured_time.as_ref();
            arrive && time.is_some_and(|time| clock::shows(time.0, ahead))
        })
    })
    .await?;
    let late = lag(&group).and_then(|lag| lag.seconds);
    ensure!(
        late.is_none_or(|seconds| seconds < LATE_SECONDS),
        "{ahead} ahead: records are told to be {late:?} seconds late"
    );
    Ok(())
}

fn lag(group: &ConsumerGroup) -> Option<&LagStatus> {
    group.status.as_ref()?.lag.as_ref()
}
