use jiff::Timestamp;

use super::{
    Policy,
    capacity::Capacity,
    decide::{more, needed, needed_by_arrivals},
    joining::Joining,
    load::{Load, loads},
    rebalancing::Rebalancing,
    regret::Regret,
    shared::dealt_out,
    waking::Waking,
    window::Window,
};
use crate::{
    GroupSnapshot,
    lag::{GroupLag, seconds},
};

/// Shortest time in seconds over which the progress of a group of unknown capacity is judged: one commit.
const JUDGED_AFTER: f64 = 4.0;

/// One look at a group and its workload.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The group in Kafka.
    pub snapshot: &'a GroupSnapshot,
    /// Its lag at this look.
    pub lag: &'a GroupLag,
    /// Replicas the workload asks for, at least 0.
    pub replicas: i32,
}

/// What the autoscaler remembers of a group. Memory: some words a partition and member, and a few more a replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub(super) capacity: Capacity,
    pub(super) joining: Joining,
    pub(super) rebalancing: Rebalancing,
    regret: Regret,
    pub(super) window: Window,
    pub(super) waking: Waking,
    pub(super) now: Option<Now>,
    last_scale: Option<Timestamp>,
    /// When the replicas were last seen to change.
    pub(super) changed: Option<Timestamp>,
    active: Option<Timestamp>,
    spell: Option<Spell>,
}

/// What the last look showed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Now {
    pub(super) time: Timestamp,
    pub(super) complete: bool,
    pub(super) settled: bool,
    pub(super) replicas: i32,
    /// Records that wait, committed or not.
    pub(super) records: i64,
    pub(super) arrived: i64,
    pub(super) partitions: Vec<Load>,
    /// Which of the partitions each member has.
    pub(super) members: Vec<Vec<usize>>,
    /// Seconds since the group last had anything to do.
    pub(super) idle: f64,
    /// Records a second that the group committed since its present lag began with its present replicas.
    pub(super) progress: Option<f64>,
    /// The replicas that are needed for the objective, and why, where it is at risk.
    pub(super) asked: Option<(i32, String)>,
}

/// A time of lag with one number of replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spell {
    since: Timestamp,
    committed: i64,
}

impl History {
    /// Goes on after a restart. `capacity`: records a second of one replica, as learned before; `last_scale`: when the
    /// autoscaler last changed the replicas.
    pub fn resume(capacity: Option<f64>, last_scale: Option<Timestamp>) -> Self {
        Self {
            capacity: Capacity::resume(capacity),
            last_scale,
            ..Self::default()
        }
    }

    /// Records a second that one busy replica does, as learned.
    pub fn capacity(&self) -> Option<f64> {
        self.capacity.learned()
    }

    /// Seconds for which fewer replicas must have been enough.
    pub(super) fn patience(&self, policy: &Policy) -> f64 {
        policy.window * self.regret.windows()
    }

    /// Takes a look. Looks come in the order of their times; one that was taken already changes nothing.
    pub fn observe(&mut self, look: &Look, policy: &Policy) {
        let time = look.lag.time;
        if self.now.as_ref().is_some_and(|now| now.time >= time) {
            return;
        }
        if !policy.shared {
            return self.take(look, policy);
        }
        let (snapshot, lag) = dealt_out(look, policy.max);
        let look = Look {
            snapshot: &snapshot,
            lag: &lag,
            ..*look
        };
        self.take(&look, policy);
    }

    fn take(&mut self, look: &Look, policy: &Policy) {
        let time = look.lag.time;
        self.follow_replicas(look, policy);
        let settled = matches!(
            look.snapshot.description.state.as_str(),
            "Stable" | "Empty" | "Dead"
        );
        self.rebalancing.observe(time, settled);
        let (partitions, members) = loads(look);
        self.capacity
            .observe(look.snapshot, &partitions, &members, policy.window);
        let records = look.lag.records();
        let arrived = look
            .lag
            .partitions
            .values()
            .map(|reading| reading.arrived)
            .sum();
        if records > 0 || arrived > 0 || self.active.is_none() {
            self.active = Some(time);
        }
        let mut now = Now {
            time,
            complete: look.lag.complete,
            settled,
            replicas: look.replicas,
            records,
            arrived,
            partitions,
            members,
            idle: self.active.map_or(0.0, |active| seconds(active, time)),
            progress: self.progress(look, records),
            asked: None,
        };
        now.asked = more(&now, self, policy);
        if now.complete && !now.partitions.is_empty() {
            let need = needed(&now, self.capacity(), policy);
            let asked = now.asked.as_ref().map_or(0, |(replicas, _)| *replicas);
            let patience = self.patience(policy);
            self.window.push(time, need.max(asked), patience);
            let by_arrivals = needed_by_arrivals(&now, self.capacity(), policy);
            self.waking.observe(now.replicas, by_arrivals);
        }
        self.now = Some(now);
    }

    fn follow_replicas(&mut self, look: &Look, policy: &Policy) {
        let time = look.lag.time;
        let before = self.now.as_ref().map_or(look.replicas, |now| now.replicas);
        self.regret
            .observe(before, look.replicas, time, policy.window);
        let members = (look.snapshot.description.state == "Stable").then_some(look.lag.members);
        match (&self.now, self.last_scale.take()) {
            (Some(now), _) if look.replicas != now.replicas => {
                self.spell = None;
                self.changed = Some(time);
                if look.replicas > now.replicas {
                    self.joining.expect(look.replicas, time);
                }
            }
            // A time to come is one of a clock that was set back.
            (None, Some(last_scale)) => self.joining.expect(look.replicas, last_scale.min(time)),
            _ => {}
        }
        self.joining.observe(time, look.replicas, members);
    }

    fn progress(&mut self, look: &Look, records: i64) -> Option<f64> {
        if records == 0 {
            self.spell = None;
            return None;
        }
        let offsets = look.snapshot.partitions.values();
        let committed = offsets
            .map(|offsets| offsets.committed.unwrap_or(offsets.log_start))
            .sum();
        let spell = *self.spell.get_or_insert(Spell {
            since: look.lag.time,
            committed,
        });
        let elapsed = seconds(spell.since, look.lag.time);
        (elapsed >= JUDGED_AFTER && committed > spell.committed)
            .then(|| (committed - spell.committed) as f64 / elapsed)
    }
}
