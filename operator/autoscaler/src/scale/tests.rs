//! The autoscaler against a simulated group: partitions, consumers that boot, rebalance, work at a fixed speed and commit
//! every few seconds, looked at every two seconds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    GroupDescription, GroupSnapshot, OffsetReset, PartitionOffsets, TopicPartition, lag::Track,
};

const POLICY: Policy = Policy {
    min: 0,
    scheduled: 0,
    max: 10,
    objective: 30.0,
    drain: 60.0,
    window: 60.0,
    idle: 45.0,
    shared: false,
};
const LOOK: i64 = 2;

struct Simulation {
    policy: Policy,
    capacity: f64,
    boot: i64,
    commit_period: i64,
    second: i64,
    ends: Vec<f64>,
    positions: Vec<f64>,
    committed: Vec<i64>,
    replicas: i32,
    members: i32,
    joins: Vec<i64>,
    track: Track,
    history: History,
    changes: Vec<(i64, i32, String)>,
}

impl Simulation {
    fn new(partitions: usize, replicas: i32, capacity: f64, policy: Policy) -> Self {
        Self {
            policy,
            capacity,
            boot: 8,
            commit_period: 5,
            second: 0,
            ends: vec![0.0; partitions],
            positions: vec![0.0; partitions],
            committed: vec![0; partitions],
            replicas,
            members: replicas,
            joins: Vec::new(),
            track: Track::default(),
            history: History::default(),
            changes: Vec::new(),
        }
    }

    /// Runs for some seconds; `produced` says how many records come to each partition in a second.
    fn run(&mut self, seconds: i64, produced: impl Fn(i64, usize) -> f64) -> &mut Self {
        for _ in 0..seconds {
            self.second += 1;
            for (partition, end) in self.ends.iter_mut().enumerate() {
                *end += produced(self.second, partition);
            }
            self.work();
            if self.second % LOOK == 0 {
                self.look(true);
            }
        }
        self
    }

    fn work(&mut self) {
        self.joins.retain(|join| *join > self.second);
        self.members = self.replicas - self.joins.len() as i32;
        let owners = usize::try_from(self.members)
            .unwrap_or(0)
            .min(self.ends.len());
        for member in 0..owners {
            let mut left = self.capacity;
            for partition in (member..self.ends.len()).step_by(owners) {
                let done = (self.ends[partition] - self.positions[partition]).min(left);
                self.positions[partition] += done;
                left -= done;
                if (self.second + member as i64) % self.commit_period == 0 {
                    self.committed[partition] = self.positions[partition] as i64;
                }
            }
        }
    }

    fn snapshot(&self, complete: bool) -> GroupSnapshot {
        let name = |partition: usize| TopicPartition {
            topic: "t".into(),
            partition: partition as i32,
        };
        let mut description = GroupDescription {
            state: if self.members == 0 { "Empty" } else { "Stable" }.into(),
            members: BTreeMap::new(),
        };
        for member in 0..usize::try_from(self.members).unwrap_or(0) {
            let assigned = (member..self.ends.len())
                .step_by(self.members as usize)
                .map(name)
                .collect();
            description.members.insert(format!("m{member}"), assigned);
        }
        let offsets = |partition: usize| PartitionOffsets {
            committed: Some(self.committed[partition]),
            log_start: 0,
            end: self.ends[partition] as i64,
        };
        let seen = if complete { 0 } else { 1 };
        GroupSnapshot {
            time: Timestamp::from_second(self.second).unwrap(),
            steady: Default::default(),
            description,
            partitions: (seen..self.ends.len())
                .map(|partition| (name(partition), offsets(partition)))
                .collect(),
            complete,
        }
    }

    fn look(&mut self, complete: bool) -> Decision {
        let snapshot = self.snapshot(complete);
        let lag = self.track.observe(&snapshot, OffsetReset::Earliest);
        self.history.observe(
            &Look {
                snapshot: &snapshot,
                lag: &lag,
                replicas: self.replicas,
            },
            &self.policy,
        );
        let decision = decide(&self.history, &self.policy).unwrap();
        if decision.replicas != self.replicas {
            self.changes
                .push((self.second, decision.replicas, decision.reason.clone()));
            self.scale(decision.replicas);
        }
        decision
    }

    fn scale(&mut self, replicas: i32) {
        for _ in self.replicas..replicas {
            self.joins.push(self.second + self.boot);
        }
        for _ in replicas..self.replicas {
            self.joins.pop();
        }
        self.replicas = replicas;
    }

    fn lag(&self) -> f64 {
        self.ends
            .iter()
            .zip(&self.committed)
            .map(|(end, committed)| end - *committed as f64)
            .sum()
    }

    fn sizes(&self) -> Vec<i32> {
        self.changes
            .iter()
            .map(|(_, replicas, _)| *replicas)
            .collect()
    }
}

fn none(_: i64, _: usize) -> f64 {
    0.0
}

#[test]
fn a_burst_takes_one_replica_to_several_and_back_to_one_and_to_none() {
    let mut group = Simulation::new(6, 1, 100.0, POLICY);
    group.run(60, |_, _| 10.0);
    assert_eq!(group.changes, [], "a light load needs nothing");
    group.run(120, |_, _| 60.0).run(300, |_, _| 10.0);
    let peak = group.sizes().into_iter().max().unwrap();
    assert!(peak >= 4, "{:?}", group.changes);
    assert_eq!(group.replicas, 1, "{:?}", group.changes);
    assert!(group.changes.len() <= 5, "{:?}", group.changes);
    let stopped = group.second;
    group.run(120, none);
    assert_eq!(group.replicas, 0);
    let (slept, _, reason) = group.changes.last().unwrap();
    assert!(
        (45..=45 + 5 + 2 * LOOK).contains(&(slept - stopped)),
        "{slept} {stopped}"
    );
    assert_eq!(reason, "no record and no lag for 45 s");
}

#[test]
fn the_first_burst_ever_is_answered_within_ten_seconds() {
    for (capacity, records) in [
        (50.0, 900.0),
        (50.0, 5_000.0),
        (200.0, 50_000.0),
        (2_000.0, 100_000.0),
    ] {
        let mut group = Simulation::new(6, 1, capacity, Policy { min: 1, ..POLICY });
        group.run(60, none).run(1, |_, _| records).run(9, none);
        assert!(group.replicas > 1, "{capacity} {records}");
    }
}

#[test]
fn once_the_capacity_is_known_a_burst_is_answered_at_the_first_look_with_the_size_it_needs() {
    let mut group = Simulation::new(12, 1, 100.0, Policy { min: 1, ..POLICY });
    group.history = History::resume(Some(100.0), None);
    group.run(60, none).run(1, |_, _| 1_000.0).run(2, none);
    assert_eq!(group.sizes().len(), 1, "{:?}", group.changes);
    assert!((3..=6).contains(&group.replicas), "{:?}", group.changes);
}

#[test]
fn all_that_is_allowed_is_kept_for_as_long_as_it_is_needed() {
    for capacity in [None, Some(100.0)] {
        let policy = Policy {
            min: 1,
            max: 4,
            drain: 10.0,
            window: 15.0,
            ..POLICY
        };
        let mut group = Simulation::new(6, 1, 100.0, policy);
        group.history = History::resume(capacity, None);
        group.boot = 3;
        group.run(20, none).run(1, |_, _| 1_300.0).run(100, none);
        let peak = group.sizes().iter().position(|replicas| *replicas == 4);
        let (up, down) = group.changes.split_at(peak.unwrap() + 1);
        assert!(up.is_sorted_by_key(|(_, replicas, _)| *replicas), "{up:?}");
        assert!(
            down.is_sorted_by_key(|(_, replicas, _)| -replicas) && group.replicas <= 1,
            "{down:?}"
        );
        assert!(down[0].0 - up[0].0 > 25, "{:?}", group.changes);
    }
}

#[test]
fn a_sleeping_group_wakes_at_the_first_look_with_the_size_it_needs() {
    let mut group = Simulation::new(12, 0, 100.0, POLICY);
    group.history = History::resume(Some(100.0), None);
    group.run(100, none);
    assert_eq!(group.changes, []);
    group
        .run(1, |_, partition| if partition == 3 { 1.0 } else { 0.0 })
        .run(2, none);
    assert_eq!(group.sizes(), [1]);
    let mut group = Simulation::new(12, 0, 100.0, POLICY);
    group.history = History::resume(Some(100.0), None);
    group.run(100, none).run(2, |_, _| 1_000.0);
    assert!(
        group.sizes().len() == 1 && group.replicas >= 4,
        "{:?}",
        group.changes
    );
}

#[test]
fn the_capacity_is_learned_from_busy_consumers_only() {
    let mut group = Simulation::new(
        6,
        2,
        100.0,
        Policy {
            min: 2,
            max: 2,
            ..POLICY
        },
    );
    group.run(120, |_, _| 20.0);
    assert_eq!(
        group.history.capacity(),
        None,
        "consumers that wait for records tell nothing"
    );
    group.run(120, |_, _| 60.0);
    let learned = group.history.capacity().unwrap();
    assert!((85.0..=115.0).contains(&learned), "{learned}");
    group.run(300, none);
    let after = group.history.capacity().unwrap();
    assert!(
        (80.0..=115.0).contains(&after),
        "a stopped producer makes no consumer slow: {after}"
    );
}

#[test]
fn a_steady_noisy_load_does_not_flap() {
    for rate in [8.0, 15.0, 29.0, 31.0, 45.0, 60.0, 75.0] {
        let mut group = Simulation::new(12, 1, 100.0, Policy { max: 12, ..POLICY });
        group.history = History::resume(Some(100.0), None);
        let noise = |second: i64, partition: usize| {
            1.0 + 0.15
                * (((second * 7_919 + partition as i64 * 104_729) % 200) as f64 / 100.0 - 1.0)
        };
        group.run(600, |second, partition| rate * noise(second, partition));
        let settled = group.changes.len();
        group.run(3_600, |second, partition| rate * noise(second, partition));
        assert!(
            group.changes.len() <= settled + 1,
            "{rate}: {:?}",
            group.changes
        );
        assert!(group.lag() < rate * 12.0 * 12.0, "{rate}: {}", group.lag());
    }
}

#[test]
fn replicas_stay_where_fewer_by_less_than_a_step_would_do() {
    let policy = Policy { max: 24, ..POLICY };
    let mut group = Simulation::new(24, 5, 100.0, policy);
    group.history = History::resume(Some(100.0), None);
    group.run(1_800, |_, _| 340.0 / 24.0);
    assert_eq!(group.replicas, 5, "four would do: {:?}", group.changes);
    group.run(600, |_, _| 250.0 / 24.0);
    assert_eq!(group.replicas, 3, "{:?}", group.changes);
}

#[test]
fn an_unknown_capacity_does_not_keep_replicas_for_ever() {
    let mut group = Simulation::new(6, 6, 1_000.0, Policy { min: 1, ..POLICY });
    group.run(600, |_, _| 5.0);
    assert_eq!(
        (group.replicas, group.history.capacity()),
        (1, None),
        "{:?}",
        group.changes
    );
}

#[test]
fn nothing_is_taken_away_on_incomplete_looks() {
    let mut group = Simulation::new(6, 4, 100.0, POLICY);
    for _ in 0..200 {
        group.second += LOOK;
        group.look(false);
    }
    assert_eq!(group.changes, []);
}

#[test]
fn replicas_on_their_way_are_waited_for() {
    let mut group = Simulation::new(12, 1, 100.0, Policy { min: 1, ..POLICY });
    group.boot = 15;
    group.run(60, |_, _| 5.0).run(120, |_, _| 60.0);
    for pair in group.changes.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= 14, "{:?}", group.changes);
    }
}

#[test]
fn a_hot_partition_does_not_buy_replicas_that_cannot_help() {
    let mut group = Simulation::new(12, 1, 100.0, Policy { min: 1, ..POLICY });
    group.run(600, |_, partition| if partition == 0 { 400.0 } else { 2.0 });
    assert!(
        group.sizes().into_iter().all(|replicas| replicas <= 3),
        "{:?}",
        group.changes
    );
}

#[test]
fn beyond_the_bounds_all_that_is_allowed_is_used() {
    let mut group = Simulation::new(12, 1, 100.0, POLICY);
    group.run(200, |_, _| 90.0);
    assert_eq!(group.replicas, 10, "{:?}", group.changes);
    assert_eq!(
        decide(&group.history, &POLICY).unwrap().reason,
        "12 replicas are needed, and maxReplicas is 10"
    );
}

#[test]
fn a_consumer_that_hangs_is_not_multiplied() {
    let mut group = Simulation::new(6, 1, 0.0, Policy { min: 1, ..POLICY });
    group.run(600, |second, _| if second < 60 { 1.0 } else { 0.0 });
    assert_eq!(group.changes, []);
}

#[test]
fn a_restart_of_the_operator_repeats_nothing() {
    let mut group = Simulation::new(6, 1, 100.0, POLICY);
    group.run(60, |_, _| 10.0).run(60, |_, _| 60.0);
    let (capacity, changes) = (group.history.capacity(), group.changes.len());
    let last = Timestamp::from_second(group.changes.last().unwrap().0).unwrap();
    group.track = Track::default();
    group.history = History::resume(capacity, Some(last));
    group.run(50, |_, _| 60.0);
    assert_eq!(group.changes.len(), changes, "{:?}", group.changes);
}

#[test]
fn replicas_come_back_to_the_bounds() {
    let mut group = Simulation::new(
        4,
        9,
        100.0,
        Policy {
            min: 2,
            max: 20,
            ..POLICY
        },
    );
    group.run(2, none);
    assert_eq!(group.replicas, 4, "no more than the partitions");
    group.scale(1);
    group.run(2, none);
    assert_eq!(group.replicas, 2, "no less than minReplicas");
}

#[test]
fn a_schedule_wakes_keeps_awake_and_lets_go() {
    let mut group = Simulation::new(6, 0, 100.0, POLICY);
    group.run(100, none);
    assert_eq!(group.replicas, 0);
    group.policy.scheduled = 3;
    group.run(200, none);
    assert_eq!(group.sizes(), [3], "{:?}", group.changes);
    assert_eq!(group.changes[0].2, "a schedule asks for 3 replicas now");
    group.policy.scheduled = 0;
    group.run(200, none);
    assert_eq!(group.replicas, 0, "{:?}", group.changes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_bounds_hold_whatever_is_seen(
        partitions in 1usize..20,
        start in 0i32..30,
        min in 0i32..12,
        extra in 0i32..12,
        looks in prop::collection::vec((0i64..100_000, 0i64..60, any::<bool>(), 0i32..25, 0usize..6), 1..60),
    ) {
        let policy = Policy { min, max: (min + extra).max(1), ..POLICY };
        let most = policy.max.min(partitions as i32);
        let mut group = Simulation::new(partitions, start, 50.0, policy);
        for (records, wait, complete, hand, members) in looks {
            group.second += wait;
            group.ends[0] += records as f64;
            group.committed[0] += records / 3;
            group.members = members as i32;
            if hand < 20 {
                group.replicas = hand;
            }
            let before = group.replicas;
            let new = group.history.now.as_ref().is_none_or(|now| now.time < Timestamp::from_second(group.second).unwrap());
            let decision = group.look(complete);
            if new {
                let bounded = (min.min(most)..=most).contains(&decision.replicas);
                prop_assert!(bounded || !complete || decision.replicas == before, "{decision:?} from {before}");
                prop_assert!(complete || decision.replicas >= before, "{decision:?} from {before}");
                prop_assert!(decision.replicas <= most.max(before));
                prop_assert!(!decision.reason.is_empty());
            }
        }
    }

    #[test]
    fn the_same_look_twice_decides_the_same(records in 0.0f64..1e5, replicas in 0i32..8) {
        let mut group = Simulation::new(6, replicas, 100.0, POLICY);
        group.run(31, |second, _| if second == 30 { records } else { 1.0 });
        let first = decide(&group.history, &POLICY);
        let (before, snapshot) = (group.history.clone(), group.snapshot(true));
        let lag = Track::default().observe(&snapshot, OffsetReset::Earliest);
        if before.now.as_ref().is_some_and(|now| now.time == lag.time) {
            group.history.observe(&Look { snapshot: &snapshot, lag: &lag, replicas }, &POLICY);
            prop_assert_eq!(&group.history, &before);
        }
        prop_assert_eq!(decide(&group.history, &POLICY), first);
    }
}
