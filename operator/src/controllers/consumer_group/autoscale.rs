use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use millrace_autoscaler::{
    lag::seconds,
    scale::{Decision, Look, Policy, decide},
};
use millrace_crds::{
    Autoscaling, AutoscalingMode, ConsumerGroup, GroupType, ScaleTargetRef, ScalingStatus,
};
use tokio::time::Instant;
use tracing::info;

use super::{
    memory::{Memories, Memory},
    offsets::Tended,
};
use crate::{
    apply::{self, Replicas},
    context::Context,
    error::Error,
    lag::kept,
    plan,
    resolve::{Rejection, scheduled},
    status::{Draft, reasons},
};

/// How long what a workload asked for is believed.
const BELIEVED: Duration = Duration::from_secs(10);
/// Seconds after which nothing is decided on a look any more.
const OLD: f64 = 10.0;

/// What became of the workload.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// `ScaleTargetFound` and `ReplicasContested`, as far as they apply.
    pub(super) drafts: Vec<Draft>,
    /// What the autoscaler sees and decides.
    pub(super) scaling: Option<ScalingStatus>,
}

/// Lets the workload follow the lag that `memory` has seen, unless a reset of offsets has stopped it.
pub(super) async fn follow(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    memory: &mut Memory,
    tended: &Tended,
    now: Timestamp,
) -> Result<Followed, Error> {
    let Some(target) = &group.spec.scale_target_ref else {
        return Ok(Followed::default());
    };
    let found = believed(context, memories, group, memory, target).await?;
    let replicas = match &found {
        Ok(replicas) => replicas.clone(),
        Err(rejection) => {
            return Ok(Followed {
                drafts: vec![rejection.draft("ScaleTargetFound")],
                scaling: None,
            });
        }
    };
    let mut drafts = vec![Draft::yes(
        "ScaleTargetFound",
        reasons::FOUND,
        format!("{} {} is scaled", target.kind, target.name),
    )];
    let Some(autoscaling) = &group.spec.autoscaling else {
        drafts[0].message = format!(
            "{} {} is there; without spec.autoscaling it is not scaled",
            target.kind, target.name
        );
        return Ok(Followed {
            drafts,
            scaling: None,
        });
    };
    memory.contest.observe(replicas.wanted, now);
    let nothing = |why: &str| Decision {
        replicas: replicas.wanted,
        reason: format!("{why}: nothing is changed"),
    };
    let decision = if plan::holds_workload(tended.reset.as_ref()) {
        nothing("the committed offsets are being reset")
    } else if tended.restored {
        nothing("Kafka had forgotten the committed offsets, and they are committed again")
    } else {
        observe_and_decide(group, memory, autoscaling, &replicas, now)
            .unwrap_or_else(|| nothing("the lag is not known"))
    };
    let acted = autoscaling.mode == AutoscalingMode::Auto
        && decision.replicas != replicas.wanted
        && !memory.contest.yields(now)
        && act(
            context, memories, group, memory, target, &replicas, &decision, now,
        )
        .await?;
    drafts.push(contested(memory, target));
    let current = if acted {
        decision.replicas
    } else {
        replicas.wanted
    };
    context
        .metrics
        .groups
        .set_replicas(&memory.labels(), current, decision.replicas);
    let scaling = ScalingStatus {
        replicas: current,
        desired_replicas: decision.replicas,
        reason: decision.reason,
        records_per_second_per_replica: memory
            .history
            .capacity()
            .map(|rate| (rate.round() as i64).max(1)),
        last_scale_time: memory.last_scale.map(kept),
    };
    Ok(Followed {
        drafts,
        scaling: Some(scaling),
    })
}

/// What a ConsumerGroup asks of its autoscaler at a time.
fn policy(group: &ConsumerGroup, autoscaling: &Autoscaling, now: Timestamp) -> Policy {
    Policy {
        min: autoscaling.min_replicas.max(0),
        scheduled: scheduled(autoscaling, now),
        max: autoscaling.max_replicas.max(1),
        objective: f64::from(group.spec.objective.lag_seconds.max(1)),
        drain: f64::from(autoscaling.drain_seconds.max(1)),
        window: f64::from(autoscaling.scale_down_window_seconds.max(1)),
        idle: f64::from(autoscaling.idle_seconds.max(1)),
        shared: group.spec.kind == GroupType::Share,
    }
}

/// The decision on the last look, if that is young enough.
fn observe_and_decide(
    group: &ConsumerGroup,
    memory: &mut Memory,
    autoscaling: &Autoscaling,
    replicas: &Replicas,
    now: Timestamp,
) -> Option<Decision> {
    let (snapshot, lag) = memory.seen.as_ref()?;
    if seconds(lag.time, now) > OLD {
        return None;
    }
    let policy = policy(group, autoscaling, now);
    memory.history.observe(
        &Look {
            snapshot,
            lag,
            replicas: replicas.wanted,
        },
        &policy,
    );
    decide(&memory.history, &policy)
}

/// What the workload asks for, read again where the last reading is old or nobody works although there is work.
async fn believed(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    memory: &mut Memory,
    target: &ScaleTargetRef,
) -> Result<Result<Replicas, Rejection>, Error> {
    let idle_hands = memory
        .seen
        .as_ref()
        .is_some_and(|(_, lag)| lag.members == 0 && lag.records() > 0);
    if let Some((read, found)) = &memory.target
        && read.elapsed() < BELIEVED
        && !(idle_hands && found.is_ok())
    {
        return Ok(found.clone());
    }
    let found = find(context, memories, group, target).await?;
    memory.target = Some((Instant::now(), found.clone()));
    Ok(found)
}

async fn find(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    target: &ScaleTargetRef,
) -> Result<Result<Replicas, Rejection>, Error> {
    let namespace = group.namespace().unwrap_or_default();
    let conflict = |by: String| {
        Rejection::no(
            reasons::CONFLICT,
            format!(
                "{} {} is scaled by {by} already: remove one of the two; until then nothing is done",
                target.kind, target.name
            ),
        )
    };
    let found = memories.workloads.read(context, &namespace, target).await?;
    if found.is_err() || group.spec.autoscaling.is_none() {
        return Ok(found);
    }
    if let Some(other) = older_group(context, group, target) {
        return Ok(Err(conflict(format!("ConsumerGroup {other}"))));
    }
    if let Some(other) = apply::other_autoscaler(context, &namespace, target).await? {
        return Ok(Err(conflict(format!("HorizontalPodAutoscaler {other}"))));
    }
    Ok(found)
}

/// A ConsumerGroup that scales the same workload and was there first.
fn older_group(
    context: &Context,
    group: &ConsumerGroup,
    target: &ScaleTargetRef,
) -> Option<String> {
    let age = |group: &ConsumerGroup| (group.creation_timestamp().map(|time| time.0), group.uid());
    let groups = context.world.stores.groups.state();
    let same = groups.iter().filter(|other| {
        other.namespace() == group.namespace()
            && other.spec.autoscaling.is_some()
            && other.spec.scale_target_ref.as_ref() == Some(target)
            && age(other) < age(group)
    });
    same.map(|other| other.name_any()).min()
}

/// Asks for the replicas decided on, if the workload is still as it was when that was decided.
#[expect(
    clippy::too_many_arguments,
    reason = "all of them are what a decision was made of"
)]
async fn act(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    memory: &mut Memory,
    target: &ScaleTargetRef,
    decided_on: &Replicas,
    decision: &Decision,
    now: Timestamp,
) -> Result<bool, Error> {
    let fresh = find(context, memories, group, target).await?;
    memory.target = Some((Instant::now(), fresh.clone()));
    let Ok(mut fresh) = fresh else {
        return Ok(false);
    };
    let namespace = group.namespace().unwrap_or_default();
    if fresh.wanted != decided_on.wanted
        || !memories
            .workloads
            .set(context, &namespace, target, &fresh, decision.replicas)
            .await?
    {
        return Ok(false);
    }
    info!(group = %group.name_any(), %namespace, target = target.name, from = fresh.wanted, to = decision.replicas, reason = decision.reason, "scaled");
    context
        .metrics
        .groups
        .count_decision(&memory.labels(), decision.replicas > fresh.wanted);
    memory.contest.set(decision.replicas, now);
    memory.last_scale = Some(now);
    fresh.wanted = decision.replicas;
    memory.target = Some((Instant::now(), Ok(fresh)));
    Ok(true)
}

fn contested(memory: &Memory, target: &ScaleTargetRef) -> Draft {
    match memory.contest.is_on() {
        true => Draft::yes(
            "ReplicasContested",
            reasons::CONTESTED,
            format!(
                "somebody else keeps changing the replicas of {} {}: leave `replicas` out of its manifest, or use mode Recommend",
                target.kind, target.name
            ),
        ),
        false => Draft::no(
            "ReplicasContested",
            reasons::UNCONTESTED,
            "nobody else changes the replicas",
        ),
    }
}
