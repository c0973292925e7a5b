use std::time::Duration;

use jiff::Timestamp;
use millrace_autoscaler::{
    GroupDescription, GroupSnapshot, OffsetReset, PartitionOffsets, TopicPartition,
    lag::Track,
    scale::{History, Look, Policy, decide},
};

use super::Scaler;
use crate::group::Group;

/// Seconds between two looks of the operator at the groups that it scales.
const LOOK: usize = 2;

/// The one setting for all traces: what a ConsumerGroup has that says nothing.
pub const POLICY: Policy = Policy {
    min: 0,
    scheduled: 0,
    max: 100,
    objective: 30.0,
    drain: 60.0,
    window: 180.0,
    idle: 300.0,
    shared: false,
};

/// The operator's own autoscaler, which knows nothing of the load and of what a replica can do when it begins.
pub struct Millrace {
    policy: Policy,
    track: Track,
    history: History,
    /// Why the replicas were changed: second, replicas, sentence.
    pub told: Vec<(usize, i32, String)>,
}

impl Millrace {
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            track: Track::default(),
            history: History::default(),
            told: Vec::new(),
        }
    }
}

impl Scaler for Millrace {
    fn decide(&mut self, group: &Group) -> Option<i32> {
        if !group.second.is_multiple_of(LOOK) {
            return None;
        }
        let snapshot = look(group);
        let lag = self.track.observe(&snapshot, OffsetReset::Earliest);
        let look = Look {
            snapshot: &snapshot,
            lag: &lag,
            replicas: group.wanted(),
        };
        self.history.observe(&look, &self.policy);
        let decision = decide(&self.history, &self.policy)?;
        if decision.replicas != group.wanted() {
            self.told
                .push((group.second, decision.replicas, decision.reason));
        }
        Some(decision.replicas)
    }
}

fn look(group: &Group) -> GroupSnapshot {
    let named = |partition: usize| TopicPartition {
        topic: "t".into(),
        partition: i32::try_from(partition).unwrap_or(i32::MAX),
    };
    let offsets = |partition: usize| {
        let (committed, end) = group.offsets(partition)?;
        let offsets = PartitionOffsets {
            committed: Some(committed as i64),
            log_start: 0,
            end: end as i64,
        };
        Some((named(partition), offsets))
    };
    let partitions: std::collections::BTreeMap<_, _> =
        (0..group.trace.partitions).filter_map(offsets).collect();
    let member = |(id, assigned): &(u32, Vec<usize>)| {
        (
            format!("{id:06}"),
            assigned.iter().map(|&at| named(at)).collect(),
        )
    };
    GroupSnapshot {
        time: Timestamp::from_second(group.second as i64).unwrap_or_default(),
        steady: Duration::from_secs(group.second as u64),
        description: GroupDescription {
            state: group.state().to_owned(),
            members: group.members().iter().map(member).collect(),
        },
        complete: partitions.len() == group.trace.partitions,
        partitions,
    }
}
