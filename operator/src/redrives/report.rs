use std::{collections::BTreeMap, fmt::Write};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use millrace_crds::{
    DestinationCount, RedriveCounts, RedrivePartition, RedrivePhase, RedriveStatus,
};
use millrace_redrive::{
    engine::{End, Phase, Progress},
    tally::Counts,
};

use crate::{
    dead_letters::{reason_counts, whole},
    lag::kept,
    status::{Draft, reasons},
};

const READY: &str = "Ready";

/// The status of a Redrive that begins now, with all that must not change while it runs: Kafka's id of the dead-letter topic, the
/// end of each of its partitions, and the topics that may be written to.
pub fn begun(
    topic_id: &str,
    ends: &BTreeMap<i32, i64>,
    destinations: Vec<String>,
    now: Timestamp,
) -> RedriveStatus {
    let partitions = ends.iter().map(|(partition, end)| RedrivePartition {
        partition: *partition,
        next: 0,
        end: *end,
    });
    RedriveStatus {
        phase: Some(RedrivePhase::Running),
        topic_id: Some(topic_id.to_owned()),
        destinations,
        partitions: partitions.collect(),
        start_time: Some(kept(now)),
        ..RedriveStatus::default()
    }
}

/// What is to be told of a Redrive.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its status, but for the conditions.
    pub status: RedriveStatus,
    /// `Ready`.
    pub ready: Draft,
}

/// What is to be told of a Redrive that cannot go on, and why.
pub fn given_up(
    before: Option<&RedriveStatus>,
    reason: &'static str,
    why: String,
    now: Timestamp,
) -> Told {
    Told {
        status: ended(before, RedrivePhase::Failed, now),
        ready: Draft::no(READY, reason, why),
    }
}

/// What is to be told of a Redrive that was cancelled before it began.
pub fn never_begun(before: Option<&RedriveStatus>, now: Timestamp) -> Told {
    Told {
        status: ended(before, RedrivePhase::Cancelled, now),
        ready: Draft::yes(
            READY,
            reasons::CANCELLED,
            "it was cancelled before it began",
        ),
    }
}

fn ended(before: Option<&RedriveStatus>, phase: RedrivePhase, now: Timestamp) -> RedriveStatus {
    RedriveStatus {
        phase: Some(phase),
        completion_time: Some(kept(now)),
        ..before.cloned().unwrap_or_default()
    }
}

/// What is true of a Redrive now that it has come as far as `progress` says. What is not known yet stays as it was told last.
pub fn tell(before: &RedriveStatus, progress: &Progress, now: Timestamp) -> Told {
    let (phase, mut ready) = phase(&progress.phase);
    let over = matches!(progress.phase, Phase::Ended(_));
    let mut status = RedriveStatus {
        phase: Some(phase),
        completion_time: over.then(|| kept(now)),
        letters_per_second: (!over).then(|| progress.letters_per_second.round() as i64),
        estimated_completion_time: progress
            .seconds_left
            .filter(|_| phase == RedrivePhase::Running && !over)
            .map(|seconds| after(now, seconds)),
        ..before.clone()
    };
    let expired = progress.report.counts.expired;
    if expired > 0 && phase == RedrivePhase::Completed {
        let _ = write!(
            ready.message,
            ". Kafka had deleted {expired} offsets of the dead-letter topic before it came to them, and as many letters at the most: give the DLQ a longer `retention.ms`"
        );
    }
    if !progress.partitions.is_empty() {
        let report = &progress.report;
        status.counts = Some(counts(report.counts));
        status.by_reason = reason_counts(&report.by_reason);
        status.by_destination = report
            .by_destination
            .iter()
            .map(|(topic, count)| DestinationCount {
                topic: topic.clone(),
                count: whole(*count),
            })
            .collect();
        status.partitions = progress
            .partitions
            .iter()
            .map(|(partition, stretch)| RedrivePartition {
                partition: *partition,
                next: stretch.next,
                end: stretch.end,
            })
            .collect();
    }
    Told { status, ready }
}

fn phase(phase: &Phase) -> (RedrivePhase, Draft) {
    let yes = |reason, message: &str| Draft::yes(READY, reason, message);
    match phase {
        Phase::Starting => (
            RedrivePhase::Running,
            yes(reasons::REDRIVING, "Kafka is asked where it stands"),
        ),
        Phase::Running => (
            RedrivePhase::Running,
            yes(reasons::REDRIVING, "letters go home"),
        ),
        Phase::Waiting(why) => (
            RedrivePhase::Running,
            Draft::no(READY, reasons::RETRYING, format!("{why}; it tries again")),
        ),
        Phase::Suspended => (
            RedrivePhase::Suspended,
            yes(
                reasons::SUSPENDED,
                "it rests: write `suspend: false` to go on",
            ),
        ),
        // Whoever leads starts it again.
        Phase::Ended(End::Left) => (
            RedrivePhase::Running,
            yes(reasons::REDRIVING, "it is carried on"),
        ),
        Phase::Ended(End::Completed) => (
            RedrivePhase::Completed,
            yes(
                reasons::COMPLETED,
                "it has done what was asked for: status.counts says what came of the letters",
            ),
        ),
        Phase::Ended(End::Cancelled) => (
            RedrivePhase::Cancelled,
            yes(
                reasons::CANCELLED,
                "it was cancelled: what is home stays home",
            ),
        ),
        Phase::Ended(End::TooManyReturned(why)) => (
            RedrivePhase::Failed,
            Draft::no(READY, reasons::TOO_MANY_RETURNED, why),
        ),
        Phase::Ended(End::Failed(why)) => {
            (RedrivePhase::Failed, Draft::no(READY, reasons::FAILED, why))
        }
    }
}

fn after(now: Timestamp, seconds: f64) -> Time {
    let seconds = SignedDuration::from_secs(seconds.min(1e9) as i64);
    kept(now.saturating_add(seconds).unwrap_or(now))
}

fn counts(counts: Counts) -> RedriveCounts {
    RedriveCounts {
        scanned: whole(counts.scanned),
        matched: whole(counts.matched),
        redriven: whole(counts.redriven),
        quarantined: whole(counts.quarantined),
        no_origin: whole(counts.no_origin),
        already_home: whole(counts.already_home),
        exceeded: whole(counts.exceeded),
        refused: whole(counts.refused),
        original_expired: whole(counts.original_expired),
        unreadable: whole(counts.unreadable),
        returned: whole(counts.returned),
        expired: whole(counts.expired),
    }
}

#[cfg(test)]
mod tests {
    use millrace_redrive::{engine::Stretch, tally::Report};

    use super::*;
    use crate::status::State;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn progress(phase: Phase, redriven: u64, next: Option<i64>) -> Progress {
        let mut report = Report::default();
        report.counts.redriven = redriven;
        Progress {
            phase,
            report,
            partitions: next
                .map(|next| (0, Stretch { next, end: 10 }))
                .into_iter()
                .collect(),
            letters_per_second: 99.6,
            seconds_left: Some(30.0),
        }
    }

    fn beginning() -> RedriveStatus {
        begun("id", &[(0, 10)].into(), vec!["orders".to_owned()], at(5))
    }

    #[test]
    fn what_is_fixed_at_the_beginning_stays() {
        let told = tell(&beginning(), &progress(Phase::Running, 4, Some(4)), at(60));
        let status = told.status;
        assert_eq!(status.phase, Some(RedrivePhase::Running));
        assert_eq!(status.destinations, ["orders"]);
        assert_eq!(status.topic_id.as_deref(), Some("id"));
        assert_eq!(status.start_time, Some(Time(at(5))));
        assert_eq!(status.counts.map(|counts| counts.redriven), Some(4));
        assert_eq!(
            (status.partitions[0].next, status.partitions[0].end),
            (4, 10)
        );
        assert_eq!(status.letters_per_second, Some(100));
        assert_eq!(status.estimated_completion_time, Some(Time(at(90))));
    }

    #[test]
    fn one_that_was_started_again_tells_what_was_known_until_it_has_asked_kafka() {
        let before = tell(&beginning(), &progress(Phase::Running, 4, Some(4)), at(60)).status;
        let told = tell(&before, &progress(Phase::Starting, 0, None), at(61)).status;
        assert_eq!(told.counts.map(|counts| counts.redriven), Some(4));
        assert_eq!(told.partitions, before.partitions);
    }

    #[test]
    fn each_end_has_its_phase_and_says_whether_all_is_well() {
        let ends = [
            (End::Completed, RedrivePhase::Completed, State::True),
            (End::Cancelled, RedrivePhase::Cancelled, State::True),
            (
                End::TooManyReturned("many".to_owned()),
                RedrivePhase::Failed,
                State::False,
            ),
            (
                End::Failed("broken".to_owned()),
                RedrivePhase::Failed,
                State::False,
            ),
        ];
        for (end, phase, state) in ends {
            let told = tell(
                &beginning(),
                &progress(Phase::Ended(end), 4, Some(10)),
                at(60),
            );
            assert_eq!((told.status.phase, told.ready.state), (Some(phase), state));
            assert_eq!(told.status.completion_time, Some(Time(at(60))));
            assert_eq!(told.status.estimated_completion_time, None);
        }
    }

    #[test]
    fn letters_that_were_deleted_before_it_came_to_them_are_said() {
        let mut progress = progress(Phase::Ended(End::Completed), 4, Some(10));
        progress.report.counts.expired = 6;
        let told = tell(&beginning(), &progress, at(60));
        assert_eq!(told.status.counts.map(|counts| counts.expired), Some(6));
        assert!(
            told.ready.message.contains("deleted 6 offsets"),
            "{}",
            told.ready.message
        );
    }

    #[test]
    fn what_stands_in_the_way_is_said() {
        let waiting = Phase::Waiting("Kafka does not answer".to_owned());
        let told = tell(&beginning(), &progress(waiting, 4, Some(4)), at(60));
        assert_eq!(told.status.phase, Some(RedrivePhase::Running));
        assert_eq!(told.ready.state, State::False);
        assert_eq!(told.ready.message, "Kafka does not answer; it tries again");
    }
}
