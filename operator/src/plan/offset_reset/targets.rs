use std::collections::{BTreeMap, BTreeSet};

use millrace_autoscaler::{OffsetReset, PartitionOffsets, TopicPartition};
use millrace_crds::{PartitionOffset, PartitionReset, ResetOffsets, ResetTo};

/// Partitions of one reset, at most: what is done is written down in the status, whose size is bounded.
const MOST: usize = 4_096;

/// What a partition holds, and where the group is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Committed offset, start and end of the log.
    pub offsets: PartitionOffsets,
    /// The first record of the time asked for, or the end where there is none; None where no time was asked for.
    pub since: Option<i64>,
}

/// The partitions whose committed offset is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// In the order of topics and partitions; those that are where they shall be are left out.
    pub partitions: Vec<PartitionReset>,
}

/// The topics a reset is about, out of those the group reads.
///
/// # Errors
/// The sentence that says which topic is not one of them.
pub fn in_scope(
    request: &ResetOffsets,
    reads: &BTreeSet<String>,
) -> Result<BTreeSet<String>, String> {
    let of_offsets = request.offsets.iter().map(|offset| offset.topic.clone());
    let named: BTreeSet<String> = match (&request.topics, request.to) {
        (_, ResetTo::Offsets) => of_offsets.collect(),
        (Some(topics), _) => topics.iter().cloned().collect(),
        (None, _) => return Ok(reads.clone()),
    };
    match named.difference(reads).next() {
        None => Ok(named),
        Some(stranger) => Err(format!(
            "the group does not read topic `{stranger}`: name one of {}",
            listed(reads)
        )),
    }
}

/// Whether offsets of a group may be set that keeps state in these topics, as applications of Kafka Streams do.
///
/// # Errors
/// The sentence that says why not.
pub fn without_state(changelogs: &[String]) -> Result<(), String> {
    let Some(first) = changelogs.first() else {
        return Ok(());
    };
    Err(format!(
        "the application keeps state, in topic `{first}` for one, which a reset of offsets leaves as it is: what is read again would count twice; use kafka-streams-application-reset and delete the state, or begin under another groupId"
    ))
}

/// The offsets a reset asks for. An offset that would be out of what the partition holds is moved to its start or end, but one that
/// was given by hand is refused.
///
/// # Errors
/// The sentence that says what cannot be.
pub fn targets(
    request: &ResetOffsets,
    reset: OffsetReset,
    partitions: &BTreeMap<TopicPartition, Bounds>,
) -> Result<Targets, String> {
    let given = given(request, partitions)?;
    let changes: Vec<PartitionReset> = partitions
        .iter()
        .filter_map(|(partition, bounds)| {
            let to = target(request, reset, bounds, given.get(partition).copied())?;
            (bounds.offsets.committed != Some(to)).then(|| PartitionReset {
                topic: partition.topic.to_string(),
                partition: partition.partition,
                from: bounds.offsets.committed,
                to,
            })
        })
        .collect();
    match changes.len() {
        ..=MOST => Ok(Targets {
            partitions: changes,
        }),
        count => Err(format!(
            "{count} partitions would change, a reset is of {MOST} at most: name some of the topics in `topics`, and reset one after the other"
        )),
    }
}

/// Where the group shall go on in one partition; None where nothing is asked for it.
fn target(
    request: &ResetOffsets,
    reset: OffsetReset,
    bounds: &Bounds,
    given: Option<i64>,
) -> Option<i64> {
    let PartitionOffsets {
        committed,
        log_start,
        end,
    } = bounds.offsets;
    let wanted = match request.to {
        ResetTo::Earliest => log_start,
        ResetTo::Latest => end,
        ResetTo::Time => bounds.since?,
        ResetTo::Offsets => given?,
        ResetTo::Shift => {
            let begins = match reset {
                OffsetReset::Earliest => log_start,
                OffsetReset::Latest => end,
            };
            committed.unwrap_or(begins).saturating_add(request.shift?)
        }
    };
    Some(wanted.min(end).max(log_start))
}

/// The offsets given by hand, each of a partition there is and within what it holds.
fn given(
    request: &ResetOffsets,
    partitions: &BTreeMap<TopicPartition, Bounds>,
) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let mut given = BTreeMap::new();
    let offsets = request.offsets.iter();
    for PartitionOffset {
        topic,
        partition,
        offset,
    } in offsets.filter(|_| request.to == ResetTo::Offsets)
    {
        let key = TopicPartition {
            topic: topic.as_str().into(),
            partition: *partition,
        };
        let Some(bounds) = partitions.get(&key) else {
            return Err(format!("topic `{topic}` has no partition {partition}"));
        };
        let PartitionOffsets { log_start, end, .. } = bounds.offsets;
        if !(log_start..=end).contains(offset) {
            return Err(format!(
                "offset {offset} is not in partition {partition} of topic `{topic}`: write one from {log_start} to {end}"
            ));
        }
        if given.insert(key, *offset).is_some() {
            return Err(format!(
                "partition {partition} of topic `{topic}` is given two offsets"
            ));
        }
    }
    Ok(given)
}

fn listed(names: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
