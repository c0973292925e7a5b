use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use crate::{
    GroupDescription, GroupSnapshot, PartitionOffsets, TopicPartition,
    lag::{GroupLag, PartitionReading},
};

/// Parts for each replica that there may be: enough that dealing them out evenly is near to sharing.
const PARTS_A_REPLICA: usize = 4;
/// Parts at most, where there may not be more replicas.
const MOST_PARTS: usize = 1_024;

/// A share group (KIP-932) as a group whose consumers have partitions of their own: the records of all partitions are dealt out over
/// so many even parts, and the parts over the members. A record of a share group goes to whichever consumer is free, so no
/// consumer is slower than another because of what it was assigned, and there may be more consumers than partitions.
pub(super) fn dealt_out(look: &Look, max: i32) -> (GroupSnapshot, GroupLag) {
    let replicas = usize::try_from(max).unwrap_or(1).max(1);
    let parts = (replicas * PARTS_A_REPLICA).min(MOST_PARTS).max(replicas);
    let names: Vec<TopicPartition> = (0..)
        .take(parts)
        .map(|partition| TopicPartition {
            topic: "".into(),
            partition,
        })
        .collect();
    let count = i64::try_from(parts).unwrap_or(i64::MAX);
    let offsets = look.snapshot.partitions.values();
    let share =
        |of: fn(&PartitionOffsets) -> i64| -> i64 { offsets.clone().map(of).sum::<i64>() / count };
    let seen = PartitionOffsets {
        committed: Some(share(|offsets| {
            offsets.committed.unwrap_or(offsets.log_start)
        })),
        log_start: share(|offsets| offsets.log_start),
        end: share(|offsets| offsets.end),
    };
    let known = !look.snapshot.partitions.is_empty();
    let part = part(look.lag, count);
    let snapshot = GroupSnapshot {
        time: look.snapshot.time,
        steady: look.snapshot.steady,
        description: GroupDescription {
            state: look.snapshot.description.state.clone(),
            members: members(&look.snapshot.description, &names),
        },
        partitions: all(&names, seen, known),
        complete: look.snapshot.complete,
    };
    let lag = GroupLag {
        partitions: all(&names, part, known),
        ..look.lag.clone()
    };
    (snapshot, lag)
}

fn all<T: Copy>(names: &[TopicPartition], value: T, known: bool) -> BTreeMap<TopicPartition, T> {
    let names = names.iter().filter(|_| known);
    names.map(|name| (name.clone(), value)).collect()
}

fn members(
    description: &GroupDescription,
    names: &[TopicPartition],
) -> BTreeMap<String, BTreeSet<TopicPartition>> {
    let members = description.members.len().max(1);
    let dealt = description
        .members
        .keys()
        .enumerate()
        .map(|(index, member)| {
            let own = names.iter().skip(index).step_by(members);
            (member.clone(), own.cloned().collect())
        });
    dealt.collect()
}

/// What one part has to do: an even share of all there is; as late as the latest.
fn part(lag: &GroupLag, count: i64) -> PartitionReading {
    let readings = || lag.partitions.values();
    let records: i64 = readings().map(|reading| reading.records).sum();
    let even = |of: fn(&PartitionReading) -> f64| readings().map(of).sum::<f64>() / count as f64;
    let most = |of: fn(&PartitionReading) -> f64| readings().map(of).fold(0.0, f64::max);
    PartitionReading {
        // Rounded up: a single record is work for somebody.
        records: records / count + i64::from(records % count > 0),
        lateness: (records > 0).then(|| lag.lateness()),
        arrived: readings().map(|reading| reading.arrived).sum::<i64>() / count,
        arrivals_per_second: even(|reading| reading.arrivals_per_second),
        recent_arrivals_per_second: even(|reading| reading.recent_arrivals_per_second),
        usual_arrivals_per_second: even(|reading| reading.usual_arrivals_per_second),
        commits_per_second: even(|reading| reading.commits_per_second),
        commit_period: most(|reading| reading.commit_period),
        still: readings()
            .map(|reading| reading.still)
            .fold(f64::INFINITY, f64::min),
        moved: readings().any(|reading| reading.moved),
        expired: false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        OffsetReset,
        lag::Track,
        scale::{History, Policy, decide},
    };

    const POLICY: Policy = Policy {
        min: 1,
        scheduled: 0,
        max: 10,
        objective: 30.0,
        drain: 60.0,
        window: 60.0,
        idle: 45.0,
        shared: true,
    };

    /// A group of two replicas on one partition, to which `arrivals` records come a second and of which 200 are done.
    fn looks(arrivals: i64, policy: &Policy) -> i32 {
        let partition = TopicPartition {
            topic: "t".into(),
            partition: 0,
        };
        let members = ["a", "b"].map(|name| (name.to_owned(), [partition.clone()].into()));
        let (mut track, mut history) = (Track::default(), History::resume(Some(100.0), None));
        for look in 0..20 {
            let snapshot = GroupSnapshot {
                time: Timestamp::from_second(look * 2).unwrap(),
                steady: Default::default(),
                description: GroupDescription {
                    state: "Stable".to_owned(),
                    members: members.clone().into(),
                },
                partitions: [(
                    partition.clone(),
                    PartitionOffsets {
                        committed: Some(look * 2 * arrivals.min(200)),
                        log_start: 0,
                        end: look * 2 * arrivals,
                    },
                )]
                .into(),
                complete: true,
            };
            let lag = track.observe(&snapshot, OffsetReset::Earliest);
            let look = Look {
                snapshot: &snapshot,
                lag: &lag,
                replicas: 2,
            };
            history.observe(&look, policy);
        }
        decide(&history, policy).unwrap().replicas
    }

    #[test]
    fn a_share_group_may_have_more_replicas_than_partitions() {
        assert!(looks(450, &POLICY) >= 5, "{}", looks(450, &POLICY));
        let own = Policy {
            shared: false,
            ..POLICY
        };
        assert_eq!(looks(450, &own), 1, "one partition is one consumer's");
    }

    #[test]
    fn nothing_is_lost_by_dealing_out() {
        let partition = |partition| TopicPartition {
            topic: "t".into(),
            partition,
        };
        let offsets = |committed, end| PartitionOffsets {
            committed: Some(committed),
            log_start: 0,
            end,
        };
        let snapshot = GroupSnapshot {
            time: Timestamp::UNIX_EPOCH,
            steady: Default::default(),
            description: GroupDescription::default(),
            partitions: [
                (partition(0), offsets(100, 500)),
                (partition(1), offsets(0, 1)),
            ]
            .into(),
            complete: true,
        };
        let lag = Track::default().observe(&snapshot, OffsetReset::Earliest);
        let look = Look {
            snapshot: &snapshot,
            lag: &lag,
            replicas: 1,
        };
        let (dealt, shared) = dealt_out(&look, 3);
        assert_eq!((dealt.partitions.len(), shared.partitions.len()), (12, 12));
        assert!(shared.records() >= lag.records());
    }
}
