use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use millrace_autoscaler::{OffsetReset, PartitionOffsets, TopicPartition};
use millrace_crds::{
    OffsetResetPhase as Phase, OffsetResetStatus, PartitionOffset, ResetOffsets, ResetTo,
};
use proptest::prelude::*;

use super::*;

fn request(to: ResetTo) -> ResetOffsets {
    ResetOffsets {
        id: "again".to_owned(),
        to,
        time: None,
        shift: None,
        offsets: Vec::new(),
        topics: None,
        dry_run: false,
        stop_workload: false,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition {
        topic: "orders".into(),
        partition: number,
    }
}

fn bounds(committed: Option<i64>, log_start: i64, end: i64) -> Bounds {
    Bounds {
        offsets: PartitionOffsets {
            committed,
            log_start,
            end,
        },
        since: None,
    }
}

fn one(bounds: Bounds) -> BTreeMap<TopicPartition, Bounds> {
    [(partition(0), bounds)].into()
}

fn goes_to(request: &ResetOffsets, bounds: Bounds) -> Option<i64> {
    let targets = targets(request, OffsetReset::Earliest, &one(bounds)).unwrap();
    targets.partitions.first().map(|change| change.to)
}

#[test]
fn each_way_of_saying_where_gives_its_offset() {
    let here = bounds(Some(50), 10, 100);
    assert_eq!(goes_to(&request(ResetTo::Earliest), here), Some(10));
    assert_eq!(goes_to(&request(ResetTo::Latest), here), Some(100));
    let shifted = |by| ResetOffsets {
        shift: Some(by),
        ..request(ResetTo::Shift)
    };
    assert_eq!(goes_to(&shifted(-5), here), Some(45));
    assert_eq!(goes_to(&shifted(-500), here), Some(10));
    assert_eq!(goes_to(&shifted(i64::MAX), here), Some(100));
    let since = Bounds {
        since: Some(70),
        ..here
    };
    assert_eq!(goes_to(&request(ResetTo::Time), since), Some(70));
    assert_eq!(
        goes_to(&request(ResetTo::Earliest), bounds(Some(10), 10, 100)),
        None
    );
    assert_eq!(
        goes_to(&shifted(7), bounds(None, 10, 100)),
        Some(17),
        "without a committed offset the group begins where its auto.offset.reset says"
    );
}

#[test]
fn an_offset_given_by_hand_must_be_one_of_the_partition() {
    let given = |number, offset| ResetOffsets {
        offsets: vec![PartitionOffset {
            topic: "orders".to_owned(),
            partition: number,
            offset,
        }],
        ..request(ResetTo::Offsets)
    };
    let partitions = one(bounds(Some(50), 10, 100));
    let refusal = |request| targets(&request, OffsetReset::Earliest, &partitions).unwrap_err();
    assert_eq!(
        targets(&given(0, 100), OffsetReset::Earliest, &partitions)
            .unwrap()
            .partitions[0]
            .to,
        100
    );
    assert_eq!(
        refusal(given(0, 101)),
        "offset 101 is not in partition 0 of topic `orders`: write one from 10 to 100"
    );
    assert_eq!(refusal(given(3, 20)), "topic `orders` has no partition 3");
    let mut twice = given(0, 20);
    twice.offsets.push(twice.offsets[0].clone());
    assert_eq!(
        refusal(twice),
        "partition 0 of topic `orders` is given two offsets"
    );
}

#[test]
fn a_topic_the_group_does_not_read_is_refused() {
    let reads: BTreeSet<String> = ["orders".to_owned(), "returns".to_owned()].into();
    let of = |topic: &str| ResetOffsets {
        topics: Some(vec![topic.to_owned()]),
        ..request(ResetTo::Latest)
    };
    assert_eq!(in_scope(&of("returns"), &reads).unwrap().len(), 1);
    assert_eq!(
        in_scope(&of("bills"), &reads).unwrap_err(),
        "the group does not read topic `bills`: name one of `orders`, `returns`"
    );
    assert_eq!(in_scope(&request(ResetTo::Latest), &reads).unwrap(), reads);
}

fn step(request: &ResetOffsets, members: usize, replicas: Option<i32>) -> ResetStep {
    offset_reset(&Situation {
        request: Some(request),
        record: None,
        members: Some(members),
        replicas,
        now: at(0),
    })
}

fn message(step: ResetStep) -> String {
    match step {
        ResetStep::Record(record) => record.message,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_group_with_members_is_waited_for_unless_its_workload_may_be_stopped() {
    let waits = request(ResetTo::Earliest);
    assert_eq!(
        message(step(&waits, 2, Some(2))),
        "the group has 2 consumers: stop them, or write `stopWorkload: true`"
    );
    assert_eq!(step(&waits, 0, Some(2)), ResetStep::WorkOut);
    let stops = ResetOffsets {
        stop_workload: true,
        ..waits
    };
    assert_eq!(
        message(step(&stops, 2, Some(2))),
        "the workload is scaled from 2 to 0 replicas until the group is empty"
    );
    assert_eq!(
        message(step(&stops, 1, Some(0))),
        "the workload of scaleTargetRef has no replica, and still the group has 1 consumer: stop the consumers that are not of it"
    );
    assert!(message(step(&stops, 0, None)).contains("ScaleTargetFound"));
    assert_eq!(step(&stops, 0, Some(0)), ResetStep::WorkOut);
}

#[test]
fn a_wait_is_written_down_once() {
    let waits = request(ResetTo::Earliest);
    let ResetStep::Record(record) = step(&waits, 2, None) else {
        panic!("nothing was written down")
    };
    let again = offset_reset(&Situation {
        request: Some(&waits),
        record: Some(&record),
        members: Some(2),
        replicas: None,
        now: at(60),
    });
    assert_eq!(again, ResetStep::Rest);
}

#[test]
fn a_workload_whose_consumers_do_not_leave_gets_its_replicas_back() {
    let stops = ResetOffsets {
        stop_workload: true,
        ..request(ResetTo::Earliest)
    };
    let mut world = World::new(3, 100);
    world.stranger = true;
    world.run(&stops, &[]);
    let record = world.record.unwrap();
    assert_eq!(record.phase, Phase::Failed);
    assert!(
        record.message.contains("1 consumer is left in it"),
        "{}",
        record.message
    );
    assert_eq!((world.replicas, world.committed), (3, 50));
}

#[test]
fn a_reset_that_is_withdrawn_gives_the_workload_back() {
    let stops = ResetOffsets {
        stop_workload: true,
        ..request(ResetTo::Earliest)
    };
    let mut world = World::new(3, 100);
    world.stranger = true;
    for _ in 0..4 {
        world.step(Some(&stops), None);
    }
    assert_eq!(world.replicas, 0);
    for _ in 0..6 {
        world.step(None, None);
    }
    assert_eq!(
        (world.replicas, world.record.unwrap().phase),
        (3, Phase::Failed)
    );
}

/// A group, its workload and the status of its resource.
struct World {
    replicas: i32,
    committed: i64,
    end: i64,
    stranger: bool,
    record: Option<OffsetResetStatus>,
    now: i64,
}

/// Where an operator dies in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    BeforeTheAct,
    BeforeTheStatus,
}

impl World {
    fn new(replicas: i32, end: i64) -> Self {
        Self {
            replicas,
            committed: 50,
            end,
            stranger: false,
            record: None,
            now: 0,
        }
    }

    fn members(&self) -> usize {
        usize::try_from(self.replicas).unwrap() + usize::from(self.stranger)
    }

    /// One reconcile, ended by a death at most once.
    fn step(&mut self, request: Option<&ResetOffsets>, death: Option<Death>) {
        self.now += 10;
        let now = at(self.now);
        let record = self.record.clone();
        let step = offset_reset(&Situation {
            request,
            record: record.as_ref(),
            members: Some(self.members()),
            replicas: Some(self.replicas),
            now,
        });
        if death == Some(Death::BeforeTheAct) {
            return;
        }
        let written = match step {
            ResetStep::Rest => None,
            ResetStep::Record(record) => Some(record),
            ResetStep::Scale(replicas) => {
                self.replicas = replicas;
                None
            }
            ResetStep::WorkOut => {
                let request = request.unwrap();
                let bounds = bounds(Some(self.committed), 0, self.end);
                let found = targets(request, OffsetReset::Earliest, &one(bounds)).unwrap();
                Some(planned(
                    &request.id,
                    request.dry_run,
                    found,
                    record.as_ref(),
                    now,
                ))
            }
            ResetStep::Commit => {
                let record = record.unwrap();
                match self.members() {
                    0 => {
                        if let Some(offset) = offsets(&record).get(&partition(0)) {
                            self.committed = *offset;
                        }
                        Some(completed(&record, now))
                    }
                    _ => Some(sent_back(&record)),
                }
            }
        };
        if death != Some(Death::BeforeTheStatus) {
            self.record = written.or_else(|| self.record.take());
        }
    }

    fn run(&mut self, request: &ResetOffsets, deaths: &[Option<Death>]) {
        for death in deaths {
            self.step(Some(request), *death);
        }
        for _ in 0..60 {
            self.step(Some(request), None);
        }
    }
}

proptest! {
    #[test]
    fn wherever_operators_die_a_reset_is_done_once_and_the_workload_comes_back(
        replicas in 0i32..5, shift in -60i64..60, stop: bool,
        deaths in prop::collection::vec(prop_oneof![
            Just(None), Just(Some(Death::BeforeTheAct)), Just(Some(Death::BeforeTheStatus))
        ], 0..20),
    ) {
        let request = ResetOffsets { shift: Some(shift), stop_workload: stop, ..request(ResetTo::Shift) };
        let mut world = World::new(replicas, 100);
        world.run(&request, &deaths);
        prop_assert_eq!(world.replicas, replicas);
        let record = world.record.clone().unwrap();
        if stop || replicas == 0 {
            prop_assert_eq!(record.phase, Phase::Completed);
            prop_assert_eq!(world.committed, (50 + shift).clamp(0, 100));
        } else {
            prop_assert_eq!(record.phase, Phase::Waiting);
            prop_assert_eq!(world.committed, 50);
        }
        let done = world.committed;
        world.run(&request, &[]);
        prop_assert_eq!((world.committed, world.record), (done, Some(record)));
    }

    #[test]
    fn no_reset_leaves_what_a_partition_holds(
        to in prop_oneof![Just(ResetTo::Earliest), Just(ResetTo::Latest), Just(ResetTo::Time), Just(ResetTo::Shift)],
        committed in prop::option::of(0i64..1_000), start in 0i64..1_000, more in 0i64..1_000, shift: i64, since in 0i64..2_000,
    ) {
        let request = ResetOffsets { shift: Some(shift), ..request(to) };
        let bounds = Bounds { since: Some(since), ..bounds(committed, start, start + more) };
        if let Some(to) = goes_to(&request, bounds) {
            prop_assert!((start..=start + more).contains(&to));
        }
    }

    #[test]
    fn a_dry_run_changes_nothing_and_is_carried_out_when_it_is_no_longer_one(replicas in 0i32..3) {
        let dry = ResetOffsets { dry_run: true, stop_workload: true, ..request(ResetTo::Earliest) };
        let mut world = World::new(replicas, 100);
        world.run(&dry, &[]);
        prop_assert_eq!((world.committed, world.replicas), (50, replicas));
        let record = world.record.clone().unwrap();
        prop_assert_eq!((record.phase, record.records_again, record.partitions.len()), (Phase::Planned, Some(50), 1));
        world.run(&ResetOffsets { dry_run: false, ..dry }, &[]);
        prop_assert_eq!((world.committed, world.replicas), (0, replicas));
        prop_assert_eq!(world.record.unwrap().phase, Phase::Completed);
    }
}
