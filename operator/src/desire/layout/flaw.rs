use std::collections::BTreeMap;

use millrace_crds::LayoutPolicy;

use super::{Away, Goal, ring::Ring, target};
use crate::kafka::{BrokerId, ObservedBroker};

/// What is wrong with a layout, as a sentence that names the partition or brokers and ends with what to write; None where the
/// rules of [the module](super) hold for the replicas on brokers that are up. `present` are the replicas of each partition.
pub fn flaw(
    topic: &str,
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    present: &[Vec<BrokerId>],
    replicas: usize,
) -> Option<String> {
    let goal = Goal {
        replicas,
        policy: LayoutPolicy::Balance,
        away: Away::Counted,
    };
    let balanced = target(topic, brokers, present, goal);
    if balanced == present {
        return None;
    }
    let moves: usize = present
        .iter()
        .zip(&balanced)
        .map(|(old, new)| new.iter().filter(|id| !old.contains(id)).count())
        .sum();
    let remedy = match moves {
        0 => "write `layoutPolicy: Balance` to have that changed, which moves no data".to_owned(),
        1 => "write `layoutPolicy: Balance` to have 1 replica moved".to_owned(),
        _ => format!("write `layoutPolicy: Balance` to have {moves} replicas moved"),
    };
    let ring = Ring::of(brokers, topic);
    let what = crowded_rack(&ring, brokers, present)
        .or_else(|| {
            uneven(
                brokers,
                "holds",
                "replicas",
                (present, &balanced),
                usize::MAX,
            )
        })
        .or_else(|| {
            uneven(
                brokers,
                "is the preferred leader of",
                "partitions",
                (present, &balanced),
                1,
            )
        })
        .unwrap_or_else(|| "its partitions have different numbers of replicas".to_owned());
    Some(format!("topic `{topic}`: {what}: {remedy}"))
}

fn crowded_rack(
    ring: &Ring,
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    present: &[Vec<BrokerId>],
) -> Option<String> {
    let all = ring.spread(0..ring.len());
    present.iter().enumerate().find_map(|(partition, replicas)| {
        let up: Vec<usize> = replicas.iter().filter_map(|id| ring.number(*id)).collect();
        if ring.spread(up.iter().copied()) >= all.min(up.len()) {
            return None;
        }
        let rack = |id: &BrokerId| brokers.get(id).map(|broker| broker.rack.as_deref().unwrap_or("none"));
        let mut by_rack: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for id in replicas {
            if let Some(rack) = rack(id) {
                by_rack.entry(rack).or_default().push(id.to_string());
            }
        }
        let (crowded, ids) = by_rack.iter().max_by_key(|(_, ids)| ids.len())?;
        let empty = brokers.keys().filter_map(rack).find(|rack| !by_rack.contains_key(rack))?;
        Some(format!(
            "partition {partition} lies {} times in rack `{crowded}` (brokers {}) and not in rack `{empty}`",
            ids.len(),
            ids.join(" and ")
        ))
    })
}

/// The broker furthest above what it should have, and the one furthest below, counting the first `depth` replicas.
fn uneven(
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    verb: &str,
    things: &str,
    (present, balanced): (&[Vec<BrokerId>], &[Vec<BrokerId>]),
    depth: usize,
) -> Option<String> {
    let count = |layout: &[Vec<BrokerId>], id: BrokerId| {
        let counted = layout
            .iter()
            .flat_map(|replicas| replicas.iter().take(depth));
        i64::try_from(counted.filter(|other| **other == id).count()).unwrap_or(i64::MAX)
    };
    let surplus = |id: &&BrokerId| count(present, **id) - count(balanced, **id);
    let most = brokers.keys().max_by_key(surplus)?;
    let least = brokers.keys().min_by_key(surplus)?;
    (surplus(&most) > 0 && surplus(&least) < 0).then(|| {
        format!(
            "broker {most} {verb} {} {things} and broker {least} {}",
            count(present, *most),
            count(present, *least)
        )
    })
}
