use std::time::Duration;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use tokio::time::Instant;

use super::progress;
use crate::{
    Case,
    bench::Figure,
    replica_watch::ReplicaWatch,
    scaled::{self, Scaled},
    wait,
};

/// Records a second that one consumer does.
const CONSUMER: u32 = 100;
/// Records a second that arrive on average: 80 % of what three consumers do.
const PRODUCER: u32 = 240;
/// Standard deviation of the records of a second, as a share of their mean.
const NOISE: f64 = 0.2;
/// Without a change for so long, the group has settled. It is longer than the window for fewer replicas.
const CALM: Duration = Duration::from_secs(180);
/// By then it should have settled, and what it does counts.
const LONGEST: Duration = Duration::from_secs(600);
/// How long the producer may take to start, and goes on after the end.
const SPARE: Duration = Duration::from_secs(120);

/// Changes of the replicas while the mean load stays as it is for `length`, after a time to settle.
///
/// # Errors
/// When the producer does not run for all of the time.
pub async fn measure(case: &Case, length: Duration) -> Result<[Figure; 4]> {
    let autoscaling = json!({ "minReplicas": 1, "maxReplicas": 6, "scaleDownWindowSeconds": 120 });
    let mut spec = scaled::spec(case, "billing", "billing", &autoscaling);
    spec["objective"] = json!({ "lagSeconds": 30 });
    let group = Scaled::declare(case, "billing", spec).await?;
    group.deploy(CONSUMER).await?;
    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;
    start_producer(case, &group, length).await?;

    progress(&format!("{PRODUCER} records a second until it has settled"));
    let settling = Instant::now() + LONGEST;
    let mut before = 0;
    while let Some(change) = watch.next(settling.min(Instant::now() + CALM)).await? {
        progress(&format!("{} replicas", change.replicas));
        before += 1;
    }
    let (replicas, offsets) = (group.replicas().await?, group.offsets().await?);
    progress(&format!("{replicas} replicas, watched for {length:?}"));
    let started = Instant::now();
    let changes = watch.all_until(started + length).await?;
    let arrived = group.offsets().await?.end - offsets.end;
    let rate = arrived as f64 / started.elapsed().as_secs_f64();
    if phase(&case.api::<Pod>().get("produce").await?) != "Running" {
        bail!("the producer ended before its time: kubectl logs produce says why");
    }

    let minutes = length.as_secs_f64() / 60.0;
    let load = format!("steady load with {:.0} % of noise", NOISE * 100.0);
    Ok([
        Figure::new(format!("{load}: records"), rate, "/s"),
        Figure::new(
            format!("{load}: changes of the replicas until it had settled"),
            f64::from(before),
            "",
        ),
        Figure::new(
            format!("{load}: replicas when it had settled"),
            f64::from(replicas),
            "",
        ),
        Figure::new(
            format!("{load}: changes of the replicas in {minutes:.0} minutes (to {changes:?})"),
            changes.len() as f64,
            "",
        )
        .with_goal(0.0),
    ])
}

async fn start_producer(case: &Case, group: &Scaled<'_>, length: Duration) -> Result<()> {
    let seconds = (LONGEST + length + SPARE).as_secs().to_string();
    let limit = (LONGEST + length + 2 * SPARE).as_secs().to_string();
    let (rate, noise) = (PRODUCER.to_string(), NOISE.to_string());
    group
        .run_beside(&[
            "produce",
            "--rate",
            &rate,
            "--noise",
            &noise,
            "--seconds",
            &seconds,
            "--timeout-s",
            &limit,
        ])
        .await?;
    let running = |pod: &Pod| phase(pod) == "Running";
    let pods = case.api::<Pod>();
    wait::object(&pods, "produce", "the producer runs", SPARE, running).await?;
    Ok(())
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status.and_then(|s| s.phase.as_deref()).unwrap_or_default()
}
