use super::{
    History, Policy,
    history::Now,
    need::{Load, Sizing, need, one_less, without_idle},
};

/// Share of a replica that arrivals may take before more are asked for.
const SHARE_UP: f64 = 0.9;
/// Share of a replica that arrivals may take with fewer of them. The gap to [`SHARE_UP`] keeps a steady load from flapping.
const SHARE_DOWN: f64 = 0.85;
/// Seconds without consumption that a rebalance costs.
const REBALANCE: f64 = 5.0;
/// Share of the objective that the oldest record may be expected to wait before something is done.
const RISK: f64 = 0.4;
/// Records a second that one replica is believed to do before anything was seen of it.
const BELIEVED: f64 = 100.0;

/// Share of the lag in one partition above which more replicas are of little help.
const HOT: f64 = 2.0 / 3.0;

/// How many replicas there shall be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Replicas the workload shall ask for.
    pub replicas: i32,
    /// Why, in a sentence.
    pub reason: String,
}

impl Decision {
    fn new(replicas: i32, reason: impl Into<String>) -> Self {
        Self {
            replicas,
            reason: reason.into(),
        }
    }
}

/// How many replicas the group needs after the last look; None before the first.
///
/// - Never more than `max` or the partitions. Less than `min` only where there are fewer partitions.
/// - Up at once, straight to the number needed, but not again while the last ones are still joining.
/// - Down when fewer have been enough for the whole window, and never on an incomplete look or during a rebalance.
/// - To zero after `idle` seconds without records and lag, where `min` is 0; back with the first record.
pub fn decide(history: &History, policy: &Policy) -> Option<Decision> {
    let now = history.now.as_ref()?;
    let current = now.replicas;
    let partitions = now.partitions.len();
    if partitions == 0 {
        return Some(Decision::new(
            current,
            "the partitions of the topics are not known: nothing is changed",
        ));
    }
    let most = policy
        .max
        .min(i32::try_from(partitions).unwrap_or(i32::MAX));
    let least = policy.min.min(most);
    if current > most && now.complete {
        let reason = if most == policy.max {
            format!("maxReplicas is {most}")
        } else {
            format!("more replicas than the {most} partitions have nothing to do")
        };
        return Some(Decision::new(most, reason));
    }
    if current < least {
        return Some(Decision::new(
            least,
            format!("minReplicas is {}", policy.min),
        ));
    }
    let limited = |wanted: i32| {
        if wanted > most {
            most
        } else {
            without_idle(wanted.max(1), partitions).max(least)
        }
    };
    if current == 0 {
        return Some(wake(now, history, policy, limited));
    }
    if policy.min == 0 && now.idle >= policy.idle && now.complete && now.settled {
        return Some(Decision::new(
            0,
            format!("no record and no lag for {} s", policy.idle),
        ));
    }
    if let Some(more) = more(now, history, policy)
        .map(|(wanted, reason)| (limited(wanted), reason))
        .filter(|(wanted, _)| *wanted > current)
    {
        return Some(if history.joining.under_way(now.time) {
            Decision::new(
                current,
                "more replicas may be needed: waiting until the last ones have joined the group",
            )
        } else {
            Decision::new(more.0, more.1)
        });
    }
    Some(fewer(now, history, policy, limited).unwrap_or_else(|| hold(now, history, policy, most)))
}

/// The replicas that the last look asks for, as far as taking some away is concerned. Not limited by the policy.
pub(super) fn needed(now: &Now, capacity: Option<f64>, policy: &Policy) -> i32 {
    let busy = now.partitions.iter().any(|load| load.backlog > 0.0);
    match capacity {
        Some(capacity) => need(&now.partitions, &sizing(capacity, SHARE_DOWN, 0.0, policy)),
        None if busy => now.replicas,
        None if now.idle > policy.window => 1,
        None => one_less(now.replicas, now.partitions.len()),
    }
}

fn sizing(capacity: f64, share: f64, rebalance: f64, policy: &Policy) -> Sizing {
    Sizing {
        capacity,
        share,
        drain: policy.drain,
        rebalance,
    }
}

fn total(loads: &[Load]) -> Load {
    loads.iter().fold(Load::default(), |sum, load| Load {
        arrivals: sum.arrivals + load.arrivals,
        backlog: sum.backlog + load.backlog,
    })
}

fn wake(now: &Now, history: &History, policy: &Policy, limited: impl Fn(i32) -> i32) -> Decision {
    if now.records == 0 && now.arrived == 0 {
        return Decision::new(0, "asleep: there is nothing to do");
    }
    let wanted = history.capacity().map_or(1, |capacity| {
        need(
            &now.partitions,
            &sizing(capacity, SHARE_UP, REBALANCE, policy),
        )
    });
    Decision::new(
        limited(wanted),
        format!("awake: {} records wait", now.records.max(now.arrived)),
    )
}

/// The replicas needed where the objective is at risk, and why.
fn more(now: &Now, history: &History, policy: &Policy) -> Option<(i32, String)> {
    let Load { arrivals, backlog } = total(&now.partitions);
    let Some(capacity) = history.capacity() else {
        return (too_slow(now, policy, backlog) && helps(now, backlog)).then(|| {
            let reason = format!("{} records wait, more than {} can work off in time; what a replica can do is not measured yet, so twice as many", now.records, replicas(now.replicas));
            (now.replicas.saturating_mul(2), reason)
        });
    };
    let wanted = need(
        &now.partitions,
        &sizing(capacity, SHARE_UP, REBALANCE, policy),
    );
    at_risk(now, history, policy, capacity).then(|| {
        let reason = format!(
            "{arrivals:.0} records a second arrive and {backlog:.0} are to be worked off within {} s, at {capacity:.0} a second for each replica",
            policy.drain
        );
        (wanted, reason)
    })
}

/// Whether twice as many replicas can help: not where one partition has most of the lag and its consumer is alone already.
fn helps(now: &Now, backlog: f64) -> bool {
    let most = now
        .partitions
        .iter()
        .map(|load| load.backlog)
        .fold(0.0, f64::max);
    now.replicas < 2 || most < backlog * HOT
}

/// Whether a record would wait for too long, or a consumer be too busy, if nothing were done.
fn at_risk(now: &Now, history: &History, policy: &Policy, capacity: f64) -> bool {
    let until_help = history.joining.boot() + REBALANCE;
    let even = even_share(now);
    let loads = if now.members.is_empty() {
        std::slice::from_ref(&even)
    } else {
        &now.members
    };
    now.late > policy.objective * RISK
        || loads.iter().any(|load| {
            let wait = (load.backlog + (load.arrivals - capacity).max(0.0) * until_help) / capacity;
            wait > policy.objective * RISK || load.arrivals > capacity * SHARE_UP
        })
}

/// The load of the busiest of the present replicas, where the assignment is not known.
fn even_share(now: &Now) -> Load {
    let count = now.partitions.len();
    let replicas = usize::try_from(now.replicas).unwrap_or(0).max(1);
    let share = count.div_ceil(replicas) as f64 / count.max(1) as f64;
    let Load { arrivals, backlog } = total(&now.partitions);
    Load {
        arrivals: arrivals * share,
        backlog: backlog * share,
    }
}

/// Whether replicas of unknown capacity take too long: by the progress they make, or, before any is seen, by belief.
fn too_slow(now: &Now, policy: &Policy, backlog: f64) -> bool {
    let rate = now.progress.unwrap_or(BELIEVED * f64::from(now.replicas));
    backlog / rate
        > if now.progress.is_some() {
            policy.drain.min(policy.objective)
        } else {
            policy.drain
        }
}

fn fewer(
    now: &Now,
    history: &History,
    policy: &Policy,
    limited: impl Fn(i32) -> i32,
) -> Option<Decision> {
    if !now.complete || !now.settled || history.joining.under_way(now.time) {
        return None;
    }
    let needed = history.window.most(policy.window)?;
    let enough = if needed < now.replicas {
        limited(needed)
    } else {
        now.replicas
    };
    (enough < now.replicas).then(|| {
        Decision::new(
            enough,
            format!(
                "{} would have been enough for {} s",
                replicas(enough),
                policy.window
            ),
        )
    })
}

fn hold(now: &Now, history: &History, policy: &Policy, most: i32) -> Decision {
    let wanted = history.capacity().map_or(0, |capacity| {
        need(&now.partitions, &sizing(capacity, SHARE_UP, 0.0, policy))
    });
    let reason = if !now.complete {
        "some partitions could not be read: nothing is taken away".to_owned()
    } else if wanted > most && now.replicas == most {
        format!(
            "{} are needed, and maxReplicas is {}",
            replicas(wanted),
            policy.max
        )
    } else {
        format!(
            "{} enough",
            if now.replicas == 1 {
                "1 replica is".to_owned()
            } else {
                format!("{} replicas are", now.replicas)
            }
        )
    };
    Decision::new(now.replicas, reason)
}

fn replicas(count: i32) -> String {
    if count == 1 {
        "1 replica".to_owned()
    } else {
        format!("{count} replicas")
    }
}
