use jiff::Timestamp;
use kube::ResourceExt;
use millrace_crds::{ConsumerGroup, KeptOffsets, OffsetResetStatus, ResetOffsets, ResetTo};
use tracing::{info, warn};

use super::memory::{Memories, Memory, reset_of};
use crate::{
    apply::{self, Committed},
    context::Context,
    controllers::kafka_topic::reachable,
    error::Error,
    kafka::KafkaError,
    plan::{self, ResetStep, Situation},
    resolve::ResolvedGroup,
    status::{self, Draft},
    world::{GroupAdmin, View},
};

/// What became of the group's committed offsets.
#[derive(Debug, Default)]
pub(super) struct Tended {
    /// The last reset.
    pub(super) reset: Option<OffsetResetStatus>,
    /// What is kept of the group while it sleeps.
    pub(super) kept: Option<KeptOffsets>,
    /// Whether offsets of the sleeping group were committed again: the last look does not show them, and nothing it shows is lag.
    pub(super) restored: bool,
}

impl Tended {
    /// The condition `OffsetsReset`, once a reset was asked for.
    pub(super) fn draft(&self) -> Option<Draft> {
        self.reset.as_ref().map(status::offset_reset)
    }
}

/// A group in Kafka.
struct Kafka<'a> {
    admin: &'a GroupAdmin,
    view: &'a View,
    id: &'a str,
}

/// Takes the next step of a reset, and keeps the offsets of a group that sleeps. Kafka is asked only where the spec wants a reset
/// that is not done, or where kept offsets are gone.
pub(super) async fn tend(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    desired: &ResolvedGroup,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<Tended, Error> {
    let status = group.status.as_ref();
    let mut tended = Tended {
        reset: status.and_then(|status| status.offset_reset.clone()),
        kept: status.and_then(|status| status.kept_offsets.clone()),
        restored: false,
    };
    let Ok((handle, view)) = reachable(context, &desired.cluster) else {
        return Ok(tended);
    };
    let kafka = Kafka {
        admin: handle.group_admin(),
        view: &view,
        id: desired.group_id.as_str(),
    };
    let record = tended.reset.as_ref();
    if plan::is_due(group.spec.reset_offsets.as_ref(), record) {
        let next = advance(context, memories, group, memory, &kafka, record, now).await?;
        tended.reset = next.or(tended.reset);
    }
    (tended.kept, tended.restored) = keep(memory, &kafka, tended.kept.as_ref(), now).await;
    Ok(tended)
}

/// Takes the next step of a reset; what is new to say of it, if anything is.
async fn advance(
    context: &Context,
    memories: &Memories,
    group: &ConsumerGroup,
    memory: &mut Memory,
    kafka: &Kafka<'_>,
    record: Option<&OffsetResetStatus>,
    now: Timestamp,
) -> Result<Option<OffsetResetStatus>, Error> {
    let request = group.spec.reset_offsets.as_ref();
    let situation = Situation {
        request,
        record,
        members: memory.members(),
        replicas: memories.replicas(context, group).await?,
        now,
    };
    let next = match (plan::offset_reset(&situation), request, record) {
        (ResetStep::Record(record), ..) => Some(record),
        (ResetStep::Scale(replicas), ..) => {
            if memories.scale(context, group, replicas).await? {
                memory.contest.set(replicas, now);
            }
            None
        }
        (ResetStep::WorkOut, Some(request), _) => {
            work_out(kafka, memory, group, request, record, now).await
        }
        (ResetStep::Commit, _, Some(record)) => commit(kafka, memory, record, now).await,
        _ => None,
    };
    if let Some(next) = &next {
        info!(group = %group.name_any(), id = next.id, phase = ?next.phase, message = next.message, "reset of offsets");
    }
    Ok(next)
}

/// What the reset comes to now; None where Kafka does not say.
async fn work_out(
    kafka: &Kafka<'_>,
    memory: &Memory,
    group: &ConsumerGroup,
    request: &ResetOffsets,
    record: Option<&OffsetResetStatus>,
    now: Timestamp,
) -> Option<OffsetResetStatus> {
    let since = request
        .time
        .as_ref()
        .filter(|_| request.to == ResetTo::Time);
    let since = since.map(|time| time.0.as_millisecond());
    let refused = |why: String| Some(plan::failed(&request.id, why, record, now));
    let stateless = plan::without_state(&memory.changelogs(kafka.view));
    let topics = match stateless.and_then(|()| plan::in_scope(request, &memory.sources())) {
        Ok(topics) => topics,
        Err(why) => return refused(why),
    };
    let read = apply::read_bounds(kafka.admin, kafka.id, &topics, kafka.view, since).await;
    let bounds = unless_away(kafka, read)?;
    match plan::targets(request, reset_of(group), &bounds) {
        Ok(targets) => Some(plan::planned(
            &request.id,
            request.dry_run,
            targets,
            record,
            now,
        )),
        Err(why) => refused(why),
    }
}

/// Commits what is written down; what came of it, unless Kafka does not say.
async fn commit(
    kafka: &Kafka<'_>,
    memory: &mut Memory,
    record: &OffsetResetStatus,
    now: Timestamp,
) -> Option<OffsetResetStatus> {
    let answer = apply::commit(kafka.admin, kafka.id, &plan::offsets(record)).await;
    match unless_away(kafka, answer)? {
        Committed::ReadBack => {
            memory.begin_anew();
            Some(plan::completed(record, now))
        }
        Committed::GroupNotEmpty => Some(plan::sent_back(record)),
        Committed::Refused(why) => Some(plan::failed(&record.id, why, Some(record), now)),
    }
}

/// Keeps the offsets of a group that sleeps, and commits again those that are gone; true where it did, or Kafka does not say.
async fn keep(
    memory: &Memory,
    kafka: &Kafka<'_>,
    before: Option<&KeptOffsets>,
    now: Timestamp,
) -> (Option<KeptOffsets>, bool) {
    let snapshot = memory.seen.as_ref().map(|(snapshot, _)| snapshot.as_ref());
    let kept = plan::kept_offsets(memory.sleeps(), before, snapshot, now);
    if kept.restore.is_empty() {
        return (kept.record, false);
    }
    let answer = apply::commit(kafka.admin, kafka.id, &kept.restore).await;
    info!(
        group = kafka.id,
        partitions = kept.restore.len(),
        ?answer,
        "committed offsets again that Kafka had forgotten of a sleeping group"
    );
    let restored = matches!(answer, Ok(Committed::ReadBack) | Err(_));
    (kept.record, restored)
}

fn unless_away<T>(kafka: &Kafka<'_>, answer: Result<T, KafkaError>) -> Option<T> {
    answer
        .inspect_err(|error| warn!(group = kafka.id, %error, "a reset of offsets waits for Kafka"))
        .ok()
}
