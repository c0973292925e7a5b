//! The workload follows the lag.

use std::time::{Duration, Instant};

use anyhow::Result;
use kube::api::{Patch, PatchParams};
use millrace_crds::ConsumerGroup;
use millrace_e2e::{
    Case,
    scaled::{Scaled, produce},
    wait,
};
use serde_json::{Value, json};

/// From the lag showing in Kafka to more replicas asked for.
const SCALES_UP_WITHIN: Duration = Duration::from_secs(10);
/// What measuring and writing may add to a configured time.
const SLACK: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_lag_burst_raises_replicas_within_ten_seconds() -> Result<()> {
    let case = Case::alone("burst").await?;
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 4, "drainSeconds": 10, "scaleDownWindowSeconds": 15 });
    let group = Scaled::start(&case, "billing", 100, autoscaling).await?;
    produce(&case, 20).await?;
    group.until_caught_up(20).await?;

    let burst = async {
        produce(&case, 8_000).await?;
        anyhow::Ok(Instant::now())
    };
    let scaled = async {
        let what = "more replicas than one";
        group
            .until_replicas(what, PATIENCE, |replicas| replicas > 1)
            .await?;
        anyhow::Ok(Instant::now())
    };
    let (lag_shows, scaled) = tokio::try_join!(burst, scaled)?;
    let took = scaled.saturating_duration_since(lag_shows);
    assert!(
        took <= SCALES_UP_WITHIN,
        "replicas went up {took:?} after the lag showed in Kafka"
    );

    group.until_caught_up(8_020).await?;
    group
        .until_replicas("one replica again", PATIENCE, |replicas| replicas == 1)
        .await
}

#[tokio::test]
async fn an_idle_group_goes_to_zero_in_its_time_and_wakes_with_the_next_record() -> Result<()> {
    const IDLE: Duration = Duration::from_secs(15);
    let case = Case::alone("idle").await?;
    let autoscaling = json!({ "minReplicas": 0, "maxReplicas": 3, "idleSeconds": IDLE.as_secs(), "scaleDownWindowSeconds": 5 });
    let group = Scaled::start(&case, "billing", 1_000, autoscaling).await?;
    produce(&case, 20).await?;
    group.until_caught_up(20).await?;
    let idle_since = Instant::now();
    group
        .until_replicas("no replica", IDLE + SLACK, |replicas| replicas == 0)
        .await?;
    let took = idle_since.elapsed();
    assert!(
        took <= IDLE + SLACK,
        "it went to zero {took:?} after it fell idle"
    );

    produce(&case, 1).await?;
    group
        .until_replicas("a replica", SCALES_UP_WITHIN, |replicas| replicas > 0)
        .await?;
    group.until_caught_up(21).await
}

#[tokio::test]
async fn a_schedule_wakes_a_group_and_keeps_it_awake_until_it_ends() -> Result<()> {
    let case = Case::shared("schedule").await?;
    // It holds all year, but for the last minute of it.
    let schedule = json!({ "start": "0 0 1 1 *", "end": "59 23 31 12 *", "minReplicas": 3 });
    let with = |schedules: Value| json!({ "minReplicas": 0, "maxReplicas": 6, "idleSeconds": 5, "scaleDownWindowSeconds": 5, "schedules": schedules });
    let group = Scaled::start(&case, "billing", 1_000, with(json!([schedule]))).await?;
    group
        .until_replicas("three replicas", PATIENCE, |replicas| replicas == 3)
        .await?;
    let over = json!({ "spec": { "autoscaling": with(json!([])) } });
    let groups = case.api::<ConsumerGroup>();
    groups
        .patch("billing", &PatchParams::default(), &Patch::Merge(&over))
        .await?;
    group
        .until_replicas("no replica", PATIENCE, |replicas| replicas == 0)
        .await
}

#[tokio::test]
async fn a_recommendation_scales_nothing() -> Result<()> {
    let case = Case::shared("recommend").await?;
    let autoscaling = json!({ "mode": "Recommend", "minReplicas": 3, "maxReplicas": 3 });
    let group = Scaled::start(&case, "billing", 1_000, autoscaling).await?;
    wait::object(
        &case.api::<ConsumerGroup>(),
        "billing",
        "three replicas are recommended",
        PATIENCE,
        |group: &ConsumerGroup| {
            group
                .status
                .as_ref()
                .and_then(|status| status.scaling.as_ref())
                .is_some_and(|scaling| scaling.desired_replicas == 3)
        },
    )
    .await?;
    assert_eq!(group.replicas().await?, 1);
    Ok(())
}
