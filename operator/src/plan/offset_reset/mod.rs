//! What the next step of an offset reset is.
//!
//! ```text
//! Waiting ─► Stopping ─► Committing ─► Starting ─► Completed
//!                │                                     ▲
//!                └─► Abandoning ─► Failed      (no workload to start)
//! ```
//!
//! Each step is decided by what the status already says: an operator that dies goes on where it was. Offsets are written down
//! before they are committed, so that a shift is not done twice.

mod record;
mod targets;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use millrace_crds::{OffsetResetPhase as Phase, OffsetResetStatus, ResetOffsets};

pub use record::{completed, failed, offsets, planned, sent_back};
pub use targets::{Bounds, Targets, in_scope, targets, without_state};

/// Seconds for which a stopped workload is given to leave the group. The classic protocol drops a member that died after
/// `session.timeout.ms`, 45 s by default.
const LEAVES_WITHIN: i64 = 300;

/// What is known when a step is decided.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The reset that is asked for.
    pub request: Option<&'a ResetOffsets>,
    /// What the status says of the last one.
    pub record: Option<&'a OffsetResetStatus>,
    /// Consumers in the group; None where they are not known.
    pub members: Option<usize>,
    /// Replicas the workload asks for; None where there is none, or it cannot be scaled.
    pub replicas: Option<i32>,
    /// The time.
    pub now: Timestamp,
}

/// The next step of a reset.
#[derive(Clone, Debug, PartialEq)]
pub enum ResetStep {
    /// Nothing is to be done, at least not now.
    Rest,
    /// Only to be written down.
    Record(OffsetResetStatus),
    /// The workload is to ask for so many replicas.
    Scale(i32),
    /// The offsets are to be worked out and written down.
    WorkOut,
    /// The offsets written down are to be committed and read back.
    Commit,
}

/// The next step of a reset.
pub fn offset_reset(situation: &Situation<'_>) -> ResetStep {
    let under_way = situation.record.filter(|record| !is_over(record.phase));
    match (situation.request, under_way) {
        (Some(request), Some(record)) if request.id == record.id => {
            go_on(situation, Some(request), record)
        }
        (_, Some(record)) => withdraw(situation, record),
        (Some(request), None) if !is_done(request, situation.record) => begin(situation, request),
        _ => ResetStep::Rest,
    }
}

/// Whether a reset is asked for that is not done, or one is under way.
pub fn is_due(request: Option<&ResetOffsets>, record: Option<&OffsetResetStatus>) -> bool {
    record.is_some_and(|record| !is_over(record.phase))
        || request.is_some_and(|request| !is_done(request, record))
}

/// Whether nothing more happens in this phase.
pub(super) fn is_over(phase: Phase) -> bool {
    matches!(phase, Phase::Planned | Phase::Completed | Phase::Failed)
}

/// Whether the workload is the reset's for the moment: the autoscaler keeps its hands off.
pub fn holds_workload(record: Option<&OffsetResetStatus>) -> bool {
    record.is_some_and(|record| !is_over(record.phase) && record.phase != Phase::Waiting)
}

fn is_done(request: &ResetOffsets, record: Option<&OffsetResetStatus>) -> bool {
    record.is_some_and(|record| {
        record.id == request.id && (record.phase != Phase::Planned || request.dry_run)
    })
}

fn begin(situation: &Situation<'_>, request: &ResetOffsets) -> ResetStep {
    if request.dry_run {
        return ResetStep::WorkOut;
    }
    let wait = |message: String| {
        let record = record::waiting(&request.id, message, situation.record, situation.now);
        match situation.record == Some(&record) {
            true => ResetStep::Rest,
            false => ResetStep::Record(record),
        }
    };
    match (request.stop_workload, situation.replicas, situation.members) {
        (true, None, _) => wait(
            "the workload of scaleTargetRef cannot be stopped: see the condition ScaleTargetFound"
                .to_owned(),
        ),
        (true, Some(replicas @ 1..), _) => {
            ResetStep::Record(record::stopping(&request.id, replicas, situation.now))
        }
        (_, _, Some(0)) => ResetStep::WorkOut,
        (_, _, None) => wait("the members of the group are not known yet".to_owned()),
        (true, Some(_), Some(members)) => wait(format!(
            "the workload of scaleTargetRef has no replica, and still the group has {}: stop the consumers that are not of it",
            consumers(members)
        )),
        (false, _, Some(members)) => wait(format!(
            "the group has {}: stop them, or write `stopWorkload: true`",
            consumers(members)
        )),
    }
}

fn go_on(
    situation: &Situation<'_>,
    request: Option<&ResetOffsets>,
    record: &OffsetResetStatus,
) -> ResetStep {
    let before = record.stopped_replicas.unwrap_or(0);
    match record.phase {
        Phase::Waiting => request.map_or(ResetStep::Rest, |request| begin(situation, request)),
        Phase::Stopping => stop(situation, record),
        Phase::Committing => ResetStep::Commit,
        Phase::Starting | Phase::Abandoning => match situation.replicas {
            Some(0) if before > 0 => ResetStep::Scale(before),
            _ => ResetStep::Record(record::ended(record, situation.now)),
        },
        Phase::Planned | Phase::Completed | Phase::Failed => ResetStep::Rest,
    }
}

fn stop(situation: &Situation<'_>, record: &OffsetResetStatus) -> ResetStep {
    let waited = situation.now.as_second() - record.start_time.0.as_second();
    match (situation.replicas, situation.members) {
        (Some(0), Some(0)) => ResetStep::WorkOut,
        (_, members) if waited > LEAVES_WITHIN => ResetStep::Record(record::abandoned(
            record,
            format!(
                "the group was not empty {LEAVES_WITHIN} s after its workload was stopped: {} left in it; stop the consumers that are not of the workload, and write another id",
                members.map_or("an unknown number of consumers is".to_owned(), |members| {
                    format!(
                        "{} {}",
                        consumers(members),
                        if members == 1 { "is" } else { "are" }
                    )
                })
            ),
            situation.now,
        )),
        (Some(1..), _) => ResetStep::Scale(0),
        _ => ResetStep::Rest,
    }
}

/// A reset that is no longer asked for: what has begun is brought to an end, and the workload gets its replicas back.
fn withdraw(situation: &Situation<'_>, record: &OffsetResetStatus) -> ResetStep {
    const WITHDRAWN: &str = "it was withdrawn before an offset was changed";
    match record.phase {
        Phase::Waiting | Phase::Stopping => ResetStep::Record(record::abandoned(
            record,
            WITHDRAWN.to_owned(),
            situation.now,
        )),
        _ => go_on(situation, None, record),
    }
}

fn consumers(count: usize) -> String {
    match count {
        1 => "1 consumer".to_owned(),
        count => format!("{count} consumers"),
    }
}
