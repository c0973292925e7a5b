use super::{
    History, Policy,
    history::Now,
    load::{LOOK, Load},
    need::{Sizing, need},
    risk::risk,
    steps::{a_step_less, a_step_more, at_least_a_step, without_idle},
};
use crate::lag::seconds;

/// Share of a replica that arrivals may take. What is more than that shows as a wait, and waits are what the budget is for.
const SHARE: f64 = 0.95;
/// Records a second that one replica is believed to do before anything was seen of it.
const BELIEVED: f64 = 100.0;
/// Seconds without anything to do after which nothing is taken to arrive any more.
const STOPPED: f64 = 20.0;
/// Share of the window for which nothing may have changed before replicas are taken away.
const CALM: f64 = 0.5;
/// Times the present replicas that are asked for at the most before it is measured what one can do.
const UNMEASURED: i32 = 4;
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
/// - Up at once, straight to the number needed or by a step, whichever is more, but not again while the last ones are still joining.
/// - Down when fewer by a step have been enough for the whole window, and never on an incomplete look or during a rebalance.
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
    let least = policy.least().min(most);
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
            match policy.scheduled > policy.min {
                true => format!("a schedule asks for {} now", replicas(policy.scheduled)),
                false => format!("minReplicas is {}", policy.min),
            },
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
    if least == 0 && now.idle >= policy.idle && now.complete && now.settled {
        return Some(Decision::new(
            0,
            format!("no record and no lag for {} s", policy.idle),
        ));
    }
    let more = now
        .asked
        .as_ref()
        .map(|(wanted, reason)| (limited(*wanted), reason.clone()));
    if let Some(more) = more.filter(|(wanted, _)| *wanted > current) {
        return Some(
            if history.joining.under_way(now.time) && !history.joining.just_begun(now.time) {
                Decision::new(
                    current,
                    "more replicas may be needed: waiting until the last ones have joined the group",
                )
            } else {
                Decision::new(more.0, more.1)
            },
        );
    }
    Some(fewer(now, history, policy, limited).unwrap_or_else(|| hold(now, history, policy, most)))
}

/// The replicas that the last look asks for, as far as taking some away is concerned. Not limited by the policy.
pub(super) fn needed(now: &Now, capacity: Option<f64>, policy: &Policy) -> i32 {
    let busy = now.partitions.iter().any(|load| load.backlog > 0.0);
    match capacity {
        Some(capacity) => {
            let sizing = sizing(capacity, 0.0, policy);
            let late = now.partitions.iter().any(|load| {
                let lost = load.blocked || sizing.is_hot(load);
                !lost && load.late_between_commits() > policy.budget()
            });
            // Where something is late, nobody is sent home.
            let present = if late { now.replicas } else { 1 };
            need(&usual(now), &sizing).max(present)
        }
        None if busy => now.replicas,
        None if now.idle > policy.window => 1,
        None => a_step_less(now.replicas, now.partitions.len()),
    }
}

/// The replicas that are needed for what arrives, whatever there is already; 0 where that is not known.
pub(super) fn needed_by_arrivals(now: &Now, capacity: Option<f64>, policy: &Policy) -> i32 {
    let fresh = |load: &Load| Load {
        backlog: 0.0,
        ..*load
    };
    let arrivals: Vec<Load> = usual(now).iter().map(fresh).collect();
    capacity.map_or(0, |capacity| {
        need(&arrivals, &sizing(capacity, 0.0, policy))
    })
}

/// The loads without the chance that is in what just arrived: taking away has time.
fn usual(now: &Now) -> Vec<Load> {
    let usual = |load: &Load| Load {
        arrivals: if now.idle > STOPPED {
            0.0
        } else {
            load.usual_arrivals
        },
        ..*load
    };
    now.partitions.iter().map(usual).collect()
}

fn sizing(capacity: f64, standstill: f64, policy: &Policy) -> Sizing {
    Sizing {
        capacity,
        share: SHARE,
        budget: policy.budget(),
        drain: policy.drain,
        standstill,
    }
}

fn total(loads: &[Load]) -> Load {
    loads.iter().fold(Load::default(), |sum, load| Load {
        arrivals: sum.arrivals + load.arrivals,
        backlog: sum.backlog + load.backlog,
        ..sum
    })
}

fn wake(now: &Now, history: &History, policy: &Policy, limited: impl Fn(i32) -> i32) -> Decision {
    if now.records == 0 && now.arrived == 0 {
        return Decision::new(0, "asleep: there is nothing to do");
    }
    let wanted = history.capacity().map_or(1, |capacity| {
        let sizing = sizing(capacity, until_help(history), policy);
        need(&now.partitions, &sizing)
    });
    Decision::new(
        limited(wanted.max(history.waking.last())),
        format!("awake: {} records wait", now.records.max(now.arrived)),
    )
}

/// Seconds until replicas that are asked for now do their part.
fn until_help(history: &History) -> f64 {
    history.joining.boot() + history.rebalancing.cost() + LOOK
}

/// The replicas needed where the objective is at risk, and why. None while there are no replicas at all.
pub(super) fn more(now: &Now, history: &History, policy: &Policy) -> Option<(i32, String)> {
    if now.replicas == 0 {
        return None;
    }
    let Load {
        arrivals, backlog, ..
    } = total(&now.partitions);
    let standstill = history.rebalancing.cost();
    let Some(capacity) = history.capacity() else {
        return (too_slow(now, policy, backlog) && helps(now, backlog)).then(|| {
            let next = a_step_more(now.replicas, now.partitions.len()).unwrap_or(now.replicas);
            let wanted = match history.capacity.at_least() {
                Some(capacity) => need(&now.partitions, &sizing(capacity, standstill, policy)),
                None => now.replicas.saturating_mul(2),
            };
            let most = now.replicas.saturating_mul(UNMEASURED).max(next);
            let reason = format!(
                "{} records wait, more than {} can work off in time; what a replica can do is not measured yet",
                now.records,
                replicas(now.replicas)
            );
            (wanted.clamp(next, most), reason)
        });
    };
    let sizing = sizing(capacity, standstill, policy);
    let steady = now.settled && !history.joining.under_way(now.time);
    let horizon = until_help(history);
    let risk = risk(now, &sizing, horizon, steady);
    if risk.wait <= policy.budget() {
        return None;
    }
    let wanted = need(&growing(now, capacity, horizon), &sizing);
    let unlucky = steady && risk.overloaded && wanted <= now.replicas;
    let partitions = now.partitions.len();
    let wanted = match a_step_more(now.replicas, partitions) {
        Some(_) if unlucky && risk.alone => i32::try_from(partitions).unwrap_or(i32::MAX),
        Some(next) if unlucky => next,
        Some(next) if wanted > now.replicas => at_least_a_step(wanted, next, partitions),
        _ => wanted,
    };
    let reason = format!(
        "a record would wait {:.0} s: {arrivals:.0} records a second arrive and {backlog:.0} wait, at {capacity:.0} a second for each replica",
        risk.wait
    );
    Some((wanted, reason))
}

/// The loads as they will be when help comes, which is what they have to be sized for.
fn growing(now: &Now, capacity: f64, horizon: f64) -> Vec<Load> {
    let arrivals = total(&now.partitions).arrivals;
    let unserved = (1.0 - f64::from(now.replicas) * capacity / arrivals).max(0.0);
    let grown = |load: &Load| Load {
        backlog: load.backlog + load.arrivals * unserved * horizon,
        ..*load
    };
    now.partitions.iter().map(grown).collect()
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
    let needed = history.window.most(history.patience(policy))?;
    let calm = |changed| seconds(changed, now.time) >= history.patience(policy) * CALM;
    if !history.changed.is_none_or(calm) {
        return None;
    }
    let enough = if needed <= a_step_less(now.replicas, now.partitions.len()) {
        limited(needed)
    } else {
        now.replicas
    };
    (enough < now.replicas).then(|| {
        Decision::new(
            enough,
            format!(
                "{} would have been enough for {:.0} s",
                replicas(enough),
                history.patience(policy)
            ),
        )
    })
}

fn hold(now: &Now, history: &History, policy: &Policy, most: i32) -> Decision {
    let wanted = history.capacity().map_or(0, |capacity| {
        need(&now.partitions, &sizing(capacity, 0.0, policy))
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
