use std::collections::BTreeMap;

use jiff::Timestamp;
use millrace_autoscaler::TopicPartition;
use millrace_crds::{OffsetResetPhase as Phase, OffsetResetStatus, PartitionReset};

use super::Targets;
use crate::lag::kept;

/// A reset in whose way something stands. It began when it first said so.
pub(super) fn waiting(
    id: &str,
    message: String,
    before: Option<&OffsetResetStatus>,
    now: Timestamp,
) -> OffsetResetStatus {
    let began = before
        .filter(|before| before.id == id && before.phase == Phase::Waiting)
        .map(|before| before.start_time.clone());
    OffsetResetStatus {
        start_time: began.unwrap_or_else(|| kept(now)),
        ..fresh(id, Phase::Waiting, message, now)
    }
}

/// A reset that stops a workload of so many replicas.
pub(super) fn stopping(id: &str, replicas: i32, now: Timestamp) -> OffsetResetStatus {
    OffsetResetStatus {
        stopped_replicas: Some(replicas),
        ..fresh(
            id,
            Phase::Stopping,
            format!(
                "the workload is scaled from {replicas} to 0 replicas until the group is empty"
            ),
            now,
        )
    }
}

/// A reset whose offsets are worked out: to be committed, or only to be shown.
pub fn planned(
    id: &str,
    dry_run: bool,
    targets: Targets,
    before: Option<&OffsetResetStatus>,
    now: Timestamp,
) -> OffsetResetStatus {
    let under_way = before.filter(|before| before.id == id && !super::is_over(before.phase));
    let sum =
        |amount: fn(&PartitionReset) -> i64| -> i64 { targets.partitions.iter().map(amount).sum() };
    let again = sum(|partition| (partition.from.unwrap_or(partition.to) - partition.to).max(0));
    let skipped = sum(|partition| (partition.to - partition.from.unwrap_or(partition.to)).max(0));
    let count = targets.partitions.len();
    let (phase, word) = match dry_run {
        true => (Phase::Planned, "would change"),
        false => (Phase::Committing, "change"),
    };
    OffsetResetStatus {
        start_time: under_way.map_or_else(|| kept(now), |before| before.start_time.clone()),
        completion_time: dry_run.then(|| kept(now)),
        stopped_replicas: under_way.and_then(|before| before.stopped_replicas),
        records_again: Some(again),
        records_skipped: Some(skipped),
        partitions: targets.partitions,
        ..fresh(
            id,
            phase,
            format!(
                "the committed offsets of {count} partitions {word}: {again} records are read again, {skipped} are skipped"
            ),
            now,
        )
    }
}

/// A reset whose offsets were committed and read back.
pub fn completed(record: &OffsetResetStatus, now: Timestamp) -> OffsetResetStatus {
    let message = format!(
        "the committed offsets of {} partitions were changed and read back: {} records are read again, {} are skipped",
        record.partitions.len(),
        record.records_again.unwrap_or(0),
        record.records_skipped.unwrap_or(0)
    );
    let starting = OffsetResetStatus {
        phase: Phase::Starting,
        message,
        ..record.clone()
    };
    match record.stopped_replicas {
        Some(1..) => starting,
        _ => ended(&starting, now),
    }
}

/// A reset that is given up for good, because what it asks for cannot be.
pub fn failed(
    id: &str,
    message: String,
    before: Option<&OffsetResetStatus>,
    now: Timestamp,
) -> OffsetResetStatus {
    let under_way = before.filter(|before| before.id == id && !super::is_over(before.phase));
    match under_way {
        Some(record) => abandoned(record, message, now),
        None => OffsetResetStatus {
            completion_time: Some(kept(now)),
            ..fresh(id, Phase::Failed, message, now)
        },
    }
}

/// A reset that is given up: the workload gets its replicas back before it ends.
pub(super) fn abandoned(
    record: &OffsetResetStatus,
    message: String,
    now: Timestamp,
) -> OffsetResetStatus {
    let abandoning = OffsetResetStatus {
        phase: Phase::Abandoning,
        message,
        records_again: None,
        records_skipped: None,
        partitions: Vec::new(),
        ..record.clone()
    };
    match record.stopped_replicas {
        Some(1..) => abandoning,
        _ => ended(&abandoning, now),
    }
}

/// A reset that Kafka would not commit because the group has got members again: what was worked out is worked out anew once it is empty.
pub fn sent_back(record: &OffsetResetStatus) -> OffsetResetStatus {
    OffsetResetStatus {
        phase: match record.stopped_replicas {
            Some(_) => Phase::Stopping,
            None => Phase::Waiting,
        },
        message: "a consumer has joined the group before its offsets were committed".to_owned(),
        records_again: None,
        records_skipped: None,
        partitions: Vec::new(),
        ..record.clone()
    }
}

/// The last word on a reset whose workload has its replicas back.
pub(super) fn ended(record: &OffsetResetStatus, now: Timestamp) -> OffsetResetStatus {
    OffsetResetStatus {
        phase: match record.phase {
            Phase::Abandoning => Phase::Failed,
            _ => Phase::Completed,
        },
        completion_time: Some(kept(now)),
        ..record.clone()
    }
}

/// The offsets a record says are to be committed.
pub fn offsets(record: &OffsetResetStatus) -> BTreeMap<TopicPartition, i64> {
    let partitions = record.partitions.iter();
    partitions
        .map(|reset| {
            let partition = TopicPartition {
                topic: reset.topic.as_str().into(),
                partition: reset.partition,
            };
            (partition, reset.to)
        })
        .collect()
}

fn fresh(id: &str, phase: Phase, message: String, now: Timestamp) -> OffsetResetStatus {
    OffsetResetStatus {
        id: id.to_owned(),
        phase,
        message,
        start_time: kept(now),
        completion_time: None,
        stopped_replicas: None,
        records_again: None,
        records_skipped: None,
        partitions: Vec::new(),
    }
}
