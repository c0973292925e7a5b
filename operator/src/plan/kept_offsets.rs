use std::collections::BTreeMap;

use jiff::Timestamp;
use millrace_autoscaler::{GroupSnapshot, TopicPartition};
use millrace_crds::{KeptOffsets, PartitionOffset};

use crate::lag::kept;

/// Partitions whose offsets are kept, at most: they lie in the status, whose size is bounded.
const MOST: usize = 4_096;

/// What is kept of a group, and what is to be committed again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// For the status; None for a group that does not sleep.
    pub record: Option<KeptOffsets>,
    /// Offsets that Kafka has forgotten.
    pub restore: BTreeMap<TopicPartition, i64>,
}

/// What is kept of a group that sleeps. Kafka forgets the committed offsets of a group that was empty for
/// `offsets.retention.minutes` (7 days by default), and a group that sleeps through a quiet week would wake at the wrong place.
///
/// Offsets are kept from the first look at the sleeping group on; one that somebody commits meanwhile takes the place of the old
/// one. One that is gone at a later look is committed again, unless the
/// topic was made anew and ends before it; where retention has removed the record, the first one still there takes its place.
pub fn kept_offsets(
    asleep: bool,
    before: Option<&KeptOffsets>,
    snapshot: Option<&GroupSnapshot>,
    now: Timestamp,
) -> Kept {
    let empty = |snapshot: &&GroupSnapshot| snapshot.description.members.is_empty();
    let (true, Some(snapshot)) = (asleep, snapshot.filter(empty)) else {
        return Kept {
            record: before.filter(|_| asleep).cloned(),
            restore: BTreeMap::new(),
        };
    };
    match before {
        None => Kept {
            record: keep(snapshot, now),
            restore: BTreeMap::new(),
        },
        Some(before) => Kept {
            record: Some(followed(before, snapshot)),
            restore: forgotten(before, snapshot),
        },
    }
}

fn keep(snapshot: &GroupSnapshot, now: Timestamp) -> Option<KeptOffsets> {
    let committed = snapshot.partitions.iter();
    let offsets: Vec<PartitionOffset> = committed
        .filter_map(|(partition, offsets)| {
            Some(PartitionOffset {
                topic: partition.topic.to_string(),
                partition: partition.partition,
                offset: offsets.committed?,
            })
        })
        .collect();
    let worth_keeping = snapshot.complete && (1..=MOST).contains(&offsets.len());
    worth_keeping.then(|| KeptOffsets {
        since: kept(now),
        offsets,
    })
}

fn followed(before: &KeptOffsets, snapshot: &GroupSnapshot) -> KeptOffsets {
    let kept = before.offsets.iter().map(|kept| {
        let seen = snapshot.partitions.get(&partition_of(kept));
        PartitionOffset {
            offset: seen.and_then(|seen| seen.committed).unwrap_or(kept.offset),
            ..kept.clone()
        }
    });
    KeptOffsets {
        since: before.since.clone(),
        offsets: kept.collect(),
    }
}

fn partition_of(kept: &PartitionOffset) -> TopicPartition {
    TopicPartition {
        topic: kept.topic.as_str().into(),
        partition: kept.partition,
    }
}

fn forgotten(before: &KeptOffsets, snapshot: &GroupSnapshot) -> BTreeMap<TopicPartition, i64> {
    let kept = before.offsets.iter();
    kept.filter_map(|kept| {
        let partition = partition_of(kept);
        let seen = snapshot.partitions.get(&partition)?;
        let gone = seen.committed.is_none() && kept.offset <= seen.end;
        gone.then(|| (partition, kept.offset.max(seen.log_start)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use millrace_autoscaler::{GroupDescription, PartitionOffsets};

    use super::*;

    fn partition() -> TopicPartition {
        TopicPartition {
            topic: "orders".into(),
            partition: 0,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn look(committed: Option<i64>, log_start: i64, end: i64) -> GroupSnapshot {
        GroupSnapshot {
            time: at(0),
            steady: Default::default(),
            description: GroupDescription::default(),
            partitions: [(
                partition(),
                PartitionOffsets {
                    committed,
                    log_start,
                    end,
                },
            )]
            .into(),
            complete: true,
        }
    }

    fn kept(offset: i64) -> KeptOffsets {
        keep(&look(Some(offset), 0, 100), at(0)).unwrap()
    }

    fn restored(kept: &KeptOffsets, look: &GroupSnapshot) -> Option<i64> {
        let then = kept_offsets(true, Some(kept), Some(look), at(9));
        assert_eq!(then.record.as_ref(), Some(kept));
        then.restore.get(&partition()).copied()
    }

    #[test]
    fn offsets_that_kafka_forgot_are_committed_again() {
        assert_eq!(restored(&kept(40), &look(Some(40), 0, 100)), None);
        assert_eq!(restored(&kept(40), &look(None, 0, 100)), Some(40));
    }

    #[test]
    fn an_offset_that_somebody_else_committed_stays_and_is_kept_in_its_place() {
        let then = kept_offsets(true, Some(&kept(40)), Some(&look(Some(7), 0, 100)), at(9));
        assert_eq!(
            (then.record, then.restore.is_empty()),
            (Some(kept(7)), true)
        );
    }

    #[test]
    fn where_retention_has_removed_the_record_the_first_one_takes_its_place() {
        assert_eq!(restored(&kept(40), &look(None, 60, 100)), Some(60));
    }

    #[test]
    fn a_topic_made_anew_is_begun_anew() {
        assert_eq!(restored(&kept(40), &look(None, 0, 12)), None);
    }

    #[test]
    fn a_group_that_is_awake_keeps_nothing() {
        let look = look(Some(40), 0, 100);
        assert_eq!(
            kept_offsets(false, Some(&kept(40)), Some(&look), at(9)),
            Kept::default()
        );
        assert_eq!(kept_offsets(true, None, None, at(9)), Kept::default());
    }

    #[test]
    fn what_was_kept_stays_while_the_group_cannot_be_seen() {
        let then = kept_offsets(true, Some(&kept(40)), None, at(9));
        assert_eq!(
            (then.record, then.restore.is_empty()),
            (Some(kept(40)), true)
        );
    }

    fn numbered(number: i32) -> TopicPartition {
        TopicPartition {
            partition: number,
            ..partition()
        }
    }

    /// A look at several partitions of the topic, all of whose records are there.
    fn look_at(committed: &[Option<i64>]) -> GroupSnapshot {
        let seen = (0..).zip(committed).map(|(number, committed)| {
            let offsets = PartitionOffsets {
                committed: *committed,
                log_start: 0,
                end: 100,
            };
            (numbered(number), offsets)
        });
        GroupSnapshot {
            partitions: seen.collect(),
            ..look(None, 0, 100)
        }
    }

    #[test]
    fn a_group_that_kafka_forgot_in_part_gets_that_part_back_and_nothing_else() {
        let before = keep(&look_at(&[Some(10), Some(20), Some(30)]), at(0)).unwrap();
        let then = kept_offsets(
            true,
            Some(&before),
            Some(&look_at(&[Some(10), None, Some(35)])),
            at(9),
        );
        assert_eq!(then.restore, BTreeMap::from([(numbered(1), 20)]));
        let kept: Vec<i64> = then
            .record
            .unwrap()
            .offsets
            .iter()
            .map(|kept| kept.offset)
            .collect();
        assert_eq!(kept, [10, 20, 35]);
    }

    #[test]
    fn a_partition_that_cannot_be_read_now_is_neither_restored_nor_forgotten() {
        let before = keep(&look_at(&[Some(10), Some(20)]), at(0)).unwrap();
        let mut partial = look_at(&[None, None]);
        partial.partitions.remove(&numbered(1));
        partial.complete = false;
        let then = kept_offsets(true, Some(&before), Some(&partial), at(9));
        assert_eq!(then.restore, BTreeMap::from([(numbered(0), 10)]));
        assert_eq!(then.record, Some(before));
    }

    #[test]
    fn offsets_of_which_some_could_not_be_read_are_not_kept_in_part() {
        let partial = GroupSnapshot {
            complete: false,
            ..look_at(&[Some(10), Some(20)])
        };
        assert_eq!(
            kept_offsets(true, None, Some(&partial), at(0)),
            Kept::default()
        );
    }
}
