use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use millrace_autoscaler::{
    TopicPartition,
    lag::{GroupLag, Lateness, PartitionReading},
};

use super::latch::Latch;
use crate::status::{Draft, reasons};

/// Seconds without progress after which a partition is stalled, at the least (Burrow's rule, by time instead of by commits).
const STALLED_AFTER: f64 = 60.0;
/// Seconds for which lag without a consumer is normal: a pod is starting.
const MEMBERS_EXPECTED_WITHIN: f64 = 30.0;
/// Share of the lag in one partition above which more replicas help by less than half.
const SKEWED_SHARE: f64 = 2.0 / 3.0;
/// Seconds of calm before a verdict is taken back.
const CALM: f64 = 10.0;

/// The verdicts on a group's lag, with what keeps them from flapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdicts {
    within: Latch,
    stalled: Latch,
    no_members: Latch,
    skewed: Latch,
    expired: Latch,
}

impl Verdicts {
    /// Goes on from what the status said.
    pub fn resume(conditions: &[Condition]) -> Self {
        let state = |kind| {
            let condition = conditions
                .iter()
                .find(|condition| condition.type_ == kind)?;
            match condition.status.as_str() {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            }
        };
        Self {
            within: Latch::new(true).resume(state("WithinObjective")),
            stalled: Latch::new(false).resume(state("Stalled")),
            no_members: Latch::new(false).resume(state("NoMembers")),
            skewed: Latch::new(false).resume(state("Skewed")),
            expired: Latch::new(false).resume(state("OffsetsExpired")),
        }
    }

    /// Takes a look. `objective`: seconds a record may wait. `shared`: the records of one partition go to several consumers, as in a
    /// share group, so that a full one is as good as any.
    pub fn observe(&mut self, lag: &GroupLag, objective: f64, shared: bool) {
        let recovering = self.within.state() == Some(false);
        self.within.observe(
            within(
                lag,
                if recovering {
                    objective * 0.8
                } else {
                    objective
                },
            ),
            lag.time,
            0.0,
            CALM,
        );
        self.stalled.observe(stalled(lag), lag.time, 0.0, CALM);
        self.no_members
            .observe(no_members(lag), lag.time, MEMBERS_EXPECTED_WITHIN, 0.0);
        let skewed = match shared {
            true => Some(false),
            false => skewed(lag, objective),
        };
        self.skewed
            .observe(skewed, lag.time, STALLED_AFTER / 2.0, STALLED_AFTER / 2.0);
        self.expired.observe(expired(lag), lag.time, 0.0, 0.0);
    }

    /// The conditions `WithinObjective`, `Stalled`, `NoMembers`, `Skewed` and `OffsetsExpired`.
    pub fn drafts(&self, lag: &GroupLag, objective: f64) -> Vec<Draft> {
        vec![
            self.draft_within(lag, objective),
            draft(
                self.stalled,
                "Stalled",
                reasons::NO_PROGRESS,
                reasons::PROGRESS,
                || stalled_message(lag),
                "the group works on what it has, or has nothing to do",
            ),
            draft(
                self.no_members,
                "NoMembers",
                reasons::NO_CONSUMER,
                reasons::CONSUMERS,
                || {
                    format!(
                        "{} records wait and no consumer is in the group: look at the pods of the workload",
                        lag.records()
                    )
                },
                "the group has consumers, or has nothing to do",
            ),
            draft(
                self.skewed,
                "Skewed",
                reasons::HOT_PARTITION,
                reasons::EVEN,
                || skewed_message(lag),
                "no partition holds most of a lag",
            ),
            draft(
                self.expired,
                "OffsetsExpired",
                reasons::OFFSETS_GONE,
                reasons::OFFSETS_KEPT,
                || expired_message(lag),
                "Kafka has the offsets that the group committed",
            ),
        ]
    }

    fn draft_within(&self, lag: &GroupLag, objective: f64) -> Draft {
        match self.within.state() {
            None => Draft::unknown(
                "WithinObjective",
                reasons::LAG_UNKNOWN,
                "how long the records have been waiting is not known yet: they were there before they were looked at",
            ),
            Some(true) => Draft::yes(
                "WithinObjective",
                reasons::WITHIN_OBJECTIVE,
                format!("no record waits longer than the objective of {objective} s"),
            ),
            Some(false) => {
                let (least, seconds) = match lag.lateness() {
                    Lateness::Exactly(seconds) => ("", seconds),
                    Lateness::AtLeast(seconds) => ("at least ", seconds),
                };
                let message = format!(
                    "the oldest of {} unprocessed records waits for {least}{seconds:.0} s, the objective is {objective} s",
                    lag.records()
                );
                Draft::no("WithinObjective", reasons::OBJECTIVE_MISSED, message)
            }
        }
    }
}

fn draft(
    latch: Latch,
    kind: &'static str,
    yes: &'static str,
    no: &'static str,
    alarm: impl FnOnce() -> String,
    calm: &str,
) -> Draft {
    match latch.state() {
        None => Draft::unknown(
            kind,
            reasons::LAG_UNKNOWN,
            "not enough has been seen of the group yet",
        ),
        Some(true) => Draft::yes(kind, yes, alarm()),
        Some(false) => Draft::no(kind, no, calm),
    }
}

fn within(lag: &GroupLag, objective: f64) -> Option<bool> {
    match lag.lateness() {
        Lateness::Exactly(seconds) => Some(seconds <= objective),
        Lateness::AtLeast(seconds) if seconds > objective => Some(false),
        Lateness::AtLeast(_) => None,
    }
}

fn is_stalled(reading: &PartitionReading) -> bool {
    reading.still >= STALLED_AFTER.max(3.0 * reading.commit_period)
}

fn stalled(lag: &GroupLag) -> Option<bool> {
    let waiting = || {
        lag.partitions
            .values()
            .filter(|reading| reading.records > 0)
    };
    if lag.members == 0 {
        Some(false)
    } else if waiting().any(is_stalled) {
        Some(true)
    } else if !lag.complete || waiting().any(|reading| !reading.moved) {
        None
    } else {
        Some(false)
    }
}

fn no_members(lag: &GroupLag) -> Option<bool> {
    match (lag.members, lag.records()) {
        (0, 1..) => Some(true),
        (0, _) if !lag.complete => None,
        _ => Some(false),
    }
}

fn skewed(lag: &GroupLag, objective: f64) -> Option<bool> {
    let most = lag.worst().map_or(0, |(_, reading)| reading.records);
    if !lag.complete {
        return None;
    }
    let late = lag.lateness().at_least() > objective / 2.0;
    Some(late && lag.partitions.len() > 1 && most as f64 >= lag.records() as f64 * SKEWED_SHARE)
}

fn expired(lag: &GroupLag) -> Option<bool> {
    let gone = lag.partitions.values().any(|reading| reading.expired);
    match gone {
        true => Some(true),
        false if lag.complete => Some(false),
        false => None,
    }
}

fn named(partition: &TopicPartition) -> String {
    format!(
        "partition {} of topic {}",
        partition.partition, partition.topic
    )
}

fn stalled_message(lag: &GroupLag) -> String {
    let longest = lag
        .partitions
        .iter()
        .filter(|(_, reading)| reading.records > 0)
        .max_by(|(_, a), (_, b)| a.still.total_cmp(&b.still));
    longest.map_or_else(String::new, |(partition, reading)| {
        format!(
            "{} has {} unprocessed records and no commit for {:.0} s although the group has consumers: a record that cannot be processed, or a consumer that hangs",
            named(partition),
            reading.records,
            reading.still
        )
    })
}

fn expired_message(lag: &GroupLag) -> String {
    let mut gone = lag.partitions.iter().filter(|(_, reading)| reading.expired);
    let first = gone.next().map_or_else(
        || "a partition".to_owned(),
        |(partition, _)| named(partition),
    );
    let more = match gone.count() {
        0 => String::new(),
        count => format!(" and of {count} more"),
    };
    format!(
        "Kafka no longer has the committed offset of {first}{more}: it forgets those of a group that was empty for longer than offsets.retention.minutes, and somebody may have deleted them; the consumers begin where their auto.offset.reset says, resetOffsets sets another place"
    )
}

fn skewed_message(lag: &GroupLag) -> String {
    lag.worst().map_or_else(String::new, |(partition, reading)| {
        let share = reading.records as f64 / lag.records().max(1) as f64 * 100.0;
        format!(
            "{} holds {share:.0} % of the lag ({} records): more replicas do not help, since one consumer reads one partition; spread the keys, or add partitions",
            named(partition),
            reading.records
        )
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use millrace_autoscaler::{GroupSnapshot, OffsetReset, PartitionOffsets, lag::Track};
    use proptest::prelude::*;

    use super::*;
    use crate::status::State;

    struct Group {
        track: Track,
        verdicts: Verdicts,
        lag: Option<GroupLag>,
        shared: bool,
    }

    impl Group {
        fn new() -> Self {
            Self {
                track: Track::default(),
                verdicts: Verdicts::resume(&[]),
                lag: None,
                shared: false,
            }
        }

        fn look(&mut self, second: i64, members: usize, partitions: &[(i64, i64)]) -> &mut Self {
            let partitions: Vec<_> = partitions
                .iter()
                .map(|(committed, end)| (Some(*committed), *end))
                .collect();
            self.take(second, members, &partitions)
        }

        fn look_without_offsets(&mut self, second: i64, partitions: usize) -> &mut Self {
            self.take(second, 0, &vec![(None, 60); partitions])
        }

        fn take(
            &mut self,
            second: i64,
            members: usize,
            partitions: &[(Option<i64>, i64)],
        ) -> &mut Self {
            let mut snapshot = GroupSnapshot {
                time: Timestamp::from_second(second).unwrap(),
                steady: Default::default(),
                description: Default::default(),
                partitions: Default::default(),
                complete: true,
            };
            for (partition, (committed, end)) in (0..).zip(partitions) {
                let name = TopicPartition {
                    topic: "t".into(),
                    partition,
                };
                snapshot.partitions.insert(
                    name,
                    PartitionOffsets {
                        committed: *committed,
                        log_start: 0,
                        end: *end,
                    },
                );
            }
            for member in 0..members {
                snapshot
                    .description
                    .members
                    .insert(member.to_string(), Default::default());
            }
            let lag = self.track.observe(&snapshot, OffsetReset::Earliest);
            self.verdicts.observe(&lag, 30.0, self.shared);
            self.lag = Some(lag);
            self
        }

        fn draft(&self, kind: &str) -> Draft {
            let drafts = self.verdicts.drafts(self.lag.as_ref().unwrap(), 30.0);
            drafts.into_iter().find(|draft| draft.kind == kind).unwrap()
        }
    }

    #[test]
    fn a_group_that_keeps_up_is_within_its_objective_and_nothing_else() {
        let mut group = Group::new();
        (0..100).for_each(|look| {
            group.look(look * 2, 1, &[(look * 100, look * 100 + 50)]);
        });
        assert_eq!(group.draft("WithinObjective").state, State::True);
        for kind in ["Stalled", "NoMembers", "Skewed", "OffsetsExpired"] {
            assert_eq!(group.draft(kind).state, State::False, "{kind}");
        }
    }

    #[test]
    fn the_objective_is_missed_at_once_and_met_again_after_ten_calm_seconds() {
        let mut group = Group::new();
        group.look(0, 1, &[(0, 0)]).look(2, 1, &[(0, 100)]);
        assert_eq!(group.draft("WithinObjective").state, State::True);
        group.look(40, 1, &[(10, 100)]);
        assert_eq!(
            group.draft("WithinObjective").reason,
            reasons::OBJECTIVE_MISSED
        );
        group.look(42, 1, &[(100, 100)]).look(44, 1, &[(100, 100)]);
        assert_eq!(group.draft("WithinObjective").state, State::False);
        group.look(52, 1, &[(100, 100)]);
        assert_eq!(group.draft("WithinObjective").state, State::True);
    }

    #[test]
    fn lag_from_before_looking_is_unknown_until_it_is_surely_too_late() {
        let mut group = Group::new();
        group.look(0, 1, &[(0, 100)]);
        assert_eq!(group.draft("WithinObjective").state, State::Unknown);
        group.look(31, 1, &[(0, 100)]);
        assert_eq!(group.draft("WithinObjective").state, State::False);
    }

    #[test]
    fn no_progress_for_a_minute_is_a_stall_and_names_the_partition() {
        let mut group = Group::new();
        group.look(0, 1, &[(0, 0), (5, 5)]);
        (1..35).for_each(|look| {
            group.look(look * 2, 1, &[(look, look + 1), (5, 9)]);
        });
        let draft = group.draft("Stalled");
        assert_eq!(draft.state, State::True);
        assert!(
            draft
                .message
                .starts_with("partition 1 of topic t has 4 unprocessed records"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn a_stall_survives_a_restart_of_the_operator() {
        let mut group = Group::new();
        group.verdicts.stalled = Latch::new(false).resume(Some(true));
        (0..20).for_each(|look| {
            group.look(look * 2, 1, &[(5, 9)]);
        });
        assert_eq!(group.draft("Stalled").state, State::True);
    }

    #[test]
    fn lag_without_consumers_is_no_stall_but_no_members() {
        let mut group = Group::new();
        (0..60).for_each(|look| {
            group.look(look * 2, 0, &[(5, 9)]);
        });
        assert_eq!(group.draft("Stalled").state, State::False);
        assert_eq!(group.draft("NoMembers").state, State::True);
        group.look(200, 1, &[(5, 9)]);
        assert_eq!(group.draft("NoMembers").state, State::False);
    }

    #[test]
    fn a_consumer_that_dies_on_a_record_again_and_again_keeps_its_group_outside_the_objective() {
        let mut group = Group::new();
        group.look(0, 1, &[(5, 5)]);
        for look in 1..150 {
            // It lives for ten seconds, and its next start is fifty seconds away: CrashLoopBackOff.
            let members = usize::from((look * 2) % 60 < 10);
            group.look(look * 2, members, &[(5, 9)]);
            if look * 2 > 60 {
                let within = group.draft("WithinObjective");
                assert_eq!(
                    within.reason,
                    reasons::OBJECTIVE_MISSED,
                    "after {} s",
                    look * 2
                );
            }
        }
        let said = ["Stalled", "NoMembers"].map(|kind| group.draft(kind).state);
        assert!(said.contains(&State::True), "{said:?}");
    }

    #[test]
    fn a_pod_that_starts_is_waited_for() {
        let mut group = Group::new();
        group.look(0, 0, &[(5, 9)]).look(20, 0, &[(5, 9)]);
        assert_eq!(group.draft("NoMembers").state, State::False);
    }

    /// Of three partitions one gets most of the records.
    fn uneven(shared: bool) -> Draft {
        let mut group = Group::new();
        group.shared = shared;
        group.look(0, 2, &[(0, 0), (0, 0), (0, 0)]);
        (1..60).for_each(|look| {
            group.look(
                look * 2,
                2,
                &[(look, 1_000), (look, look + 1), (look, look + 1)],
            );
        });
        group.draft("Skewed")
    }

    #[test]
    fn one_partition_with_most_of_the_lag_is_no_skew_to_a_share_group() {
        assert_eq!(uneven(true).state, State::False);
    }

    #[test]
    fn one_partition_with_most_of_the_lag_is_skew() {
        let draft = uneven(false);
        assert_eq!(
            (draft.state, draft.reason),
            (State::True, reasons::HOT_PARTITION)
        );
        assert!(
            draft.message.contains("partition 0 of topic t"),
            "{}",
            draft.message
        );
    }

    #[test]
    fn even_lag_is_no_skew() {
        let mut group = Group::new();
        group.look(0, 2, &[(0, 0), (0, 0)]);
        (1..60).for_each(|look| {
            group.look(look * 2, 2, &[(look, 1_000), (look, 900)]);
        });
        assert_eq!(group.draft("Skewed").state, State::False);
    }

    #[test]
    fn committed_offsets_that_go_are_expired_until_there_are_some_again() {
        let mut group = Group::new();
        group.look(0, 0, &[(50, 50), (60, 60)]);
        assert_eq!(group.draft("OffsetsExpired").state, State::False);
        group.look_without_offsets(2, 2);
        let draft = group.draft("OffsetsExpired");
        assert_eq!(draft.state, State::True);
        assert!(
            draft
                .message
                .contains("partition 0 of topic t and of 1 more"),
            "{}",
            draft.message
        );
        group.look(4, 0, &[(0, 50), (0, 60)]);
        assert_eq!(group.draft("OffsetsExpired").state, State::False);
    }

    /// A look at a record that has been waiting for so many seconds.
    fn waiting(second: i64, late: f64) -> GroupLag {
        let partition = TopicPartition {
            topic: "t".into(),
            partition: 0,
        };
        let reading = PartitionReading {
            records: 1,
            lateness: Some(Lateness::Exactly(late)),
            arrived: 1,
            arrivals_per_second: 1.0,
            recent_arrivals_per_second: 1.0,
            usual_arrivals_per_second: 1.0,
            commits_per_second: 1.0,
            commit_period: 1.0,
            still: 0.0,
            moved: true,
            expired: false,
        };
        GroupLag {
            time: Timestamp::from_second(second).unwrap(),
            complete: true,
            members: 1,
            partitions: [(partition, reading)].into(),
        }
    }

    /// When `WithinObjective`, of 30 s, changes in looks two seconds apart, and to what.
    fn changes(late: &[f64]) -> Vec<(i64, bool)> {
        let mut verdicts = Verdicts::resume(&[]);
        let (mut last, mut changes) = (true, Vec::new());
        for (second, late) in (0..).step_by(2).zip(late) {
            verdicts.observe(&waiting(second, *late), 30.0, false);
            let now = verdicts.within.state().unwrap();
            if now != last {
                changes.push((second, now));
            }
            last = now;
        }
        changes
    }

    proptest! {
        #[test]
        fn what_hovers_around_the_objective_misses_it_once(
            late in prop::collection::vec(24.1f64..40.0, 1..500),
        ) {
            let missed = late.iter().any(|late| *late > 30.0);
            prop_assert_eq!(changes(&late).len(), usize::from(missed));
        }

        #[test]
        fn the_objective_is_met_again_only_after_ten_seconds_in_which_nothing_was_near_it(
            late in prop::collection::vec(prop_oneof![0.0f64..24.0, 24.1f64..60.0], 1..500),
        ) {
            let changes = changes(&late);
            for pair in changes.windows(2) {
                let ((before, _), (second, met)) = (pair[0], pair[1]);
                if met {
                    prop_assert!(second - before >= 10);
                    let calm = (second - 10..=second).step_by(2);
                    let late = |second: i64| late[usize::try_from(second / 2).unwrap()];
                    prop_assert!(calm.map(late).all(|late| late < 24.1));
                }
            }
            prop_assert!(changes.len() <= 2 + late.len() / 3);
        }
    }

    #[test]
    fn a_group_that_never_committed_has_lost_nothing() {
        let mut group = Group::new();
        group.look_without_offsets(0, 2);
        group.look_without_offsets(2, 2);
        assert_eq!(group.draft("OffsetsExpired").state, State::False);
    }
}
