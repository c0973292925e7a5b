use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use millrace_crds::ConsumerGroup;
use serde_json::json;
use tokio::time::sleep;

use super::progress;
use crate::{
    Case,
    bench::{Figure, percentile::percentile},
    replica_watch::ReplicaWatch,
    scaled::{self, Scaled},
    wait,
};

const BURSTS: usize = 20;
/// Records a second that one consumer does.
const RATE: u32 = 200;
/// Records of a burst: twenty seconds for one consumer, twice the objective.
const RECORDS: u32 = 4_000;
/// Seconds for which fewer replicas must have been enough.
const WINDOW_S: u64 = 5;
/// Fewer replicas stay longer where more are asked for within three windows; after these a burst is the first one again.
const REST: Duration = Duration::from_secs(3 * WINDOW_S + 1);
/// What is between two looks. The bursts are spread over it, or each would come just after the look that took replicas away.
const LOOKS: Duration = Duration::from_secs(2);
/// Share of it by which each burst is later than the one before: these spread evenly, however many there are.
const GOLDEN: f64 = 0.618_034;
const PATIENCE: Duration = Duration::from_secs(120);
/// What was promised at p95, in seconds.
const GOAL_S: f64 = 3.0;

/// Bursts, one after the other: from the brokers' acknowledgement of the last record until a watch shows that more replicas are
/// asked for.
///
/// # Errors
/// When a burst does not lead to more replicas, or the group does not come to rest again.
pub async fn measure(case: &Case) -> Result<[Figure; 3]> {
    let autoscaling = json!({
        "minReplicas": 1,
        "maxReplicas": 6,
        "drainSeconds": 10,
        "scaleDownWindowSeconds": WINDOW_S,
    });
    let group = Scaled::start(case, "billing", RATE, autoscaling).await?;
    scaled::produce(case, 20).await?;
    let mut records = 20;
    group.until_caught_up(records).await?;
    let mut watch = ReplicaWatch::start(&case.client, &case.namespace, "billing").await?;
    let mut took = Vec::with_capacity(BURSTS);
    for n in 0..BURSTS {
        sleep(LOOKS.mul_f64((n as f64 * GOLDEN).fract())).await;
        let reaction = burst(case, &mut watch).await?;
        progress(&format!("burst {} of {BURSTS}: {reaction:.2?}", n + 1));
        took.push(reaction);
        records += i64::from(RECORDS);
        let what = "one replica again";
        watch
            .until(what, PATIENCE, |replicas| replicas == 1)
            .await?;
        group.until_caught_up(records).await?;
        let one_member = |group: &ConsumerGroup| {
            let status = group.status.as_ref();
            status.and_then(|status| status.members) == Some(1)
        };
        let groups = case.api::<ConsumerGroup>();
        wait::object(&groups, "billing", "one member", PATIENCE, one_member).await?;
        sleep(REST).await;
    }
    took.sort_unstable();
    let what = format!("burst of {RECORDS} records in Kafka to more replicas asked for");
    let figure = |name: &str, p: usize| {
        let seconds = percentile(&took, p).as_secs_f64();
        Figure::new(format!("{what}, {name} of {BURSTS}"), seconds, "s")
    };
    Ok([
        figure("p50", 50),
        figure("p95", 95).with_goal(GOAL_S),
        figure("the longest", 100),
    ])
}

async fn burst(case: &Case, watch: &mut ReplicaWatch) -> Result<Duration> {
    let begun = Timestamp::now();
    let burst = async {
        let answer = scaled::produce(case, RECORDS).await?;
        let acknowledged = answer["acknowledged_ms"].as_i64();
        let acknowledged = acknowledged.with_context(|| format!("no time in {answer}"))?;
        let acknowledged = Timestamp::from_millisecond(acknowledged)?;
        let now = Timestamp::now();
        ensure!(
            (begun..=now).contains(&acknowledged),
            "the probe says that the burst arrived at {acknowledged}, but it was between {begun} and {now}: the clock of its node \
             differs from this machine's, and nothing can be timed"
        );
        anyhow::Ok(acknowledged)
    };
    let more = watch.until("more replicas than one", PATIENCE, |replicas| replicas > 1);
    let (acknowledged, scaled) = tokio::try_join!(burst, more)?;
    let took = scaled.at.duration_since(acknowledged);
    // A look in the middle of the burst may see enough of it.
    Ok(Duration::try_from(took).unwrap_or_default())
}
