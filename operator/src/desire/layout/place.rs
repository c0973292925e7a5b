use std::collections::BTreeMap;

use super::{
    ring::Ring,
    share::{Rule, Share},
};
use crate::kafka::{BrokerId, ObservedBroker, ObservedPartition};

/// Replicas of `count` new partitions of `topic`, beside the partitions it has, the preferred leader first.
///
/// The rules of [the module](super) hold for the topic as a whole, as far as its partitions so far allow: those stay. The
/// same input gives the same placement.
///
/// `replicas` must be at least 1 and at most the number of brokers; more gives as many as there are brokers.
pub fn place(
    topic: &str,
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    existing: &[ObservedPartition],
    count: usize,
    replicas: usize,
) -> Vec<Vec<BrokerId>> {
    let ring = Ring::of(brokers, topic);
    let (held, led) = loads(&ring, existing);
    let placed = in_turn(&ring, (held.clone(), led.clone()), count, replicas);
    let nowhere = vec![Vec::new(); count];
    let mut share = Share::new(placed, nowhere, Rule::Racks(&ring), held);
    share.even_out();
    let first: Vec<Vec<usize>> = share
        .holders
        .iter()
        .map(|holders| holders.iter().take(1).copied().collect())
        .collect();
    let mut leaders = Share::new(first.clone(), first, Rule::Among(&share.holders), led);
    leaders.even_out();
    let parts = share.holders.iter().zip(&leaders.holders);
    parts
        .map(|(holders, leader)| {
            let rest = holders.iter().filter(|broker| !leader.contains(broker));
            let brokers = leader.iter().chain(rest);
            brokers.map(|broker| ring.ids[*broker]).collect()
        })
        .collect()
}

/// How many replicas, and how many preferred leaders, each broker has.
fn loads(ring: &Ring, existing: &[ObservedPartition]) -> (Vec<i64>, Vec<i64>) {
    let (mut held, mut led) = (vec![0; ring.len()], vec![0; ring.len()]);
    for partition in existing {
        for id in &partition.replicas {
            if let Some(broker) = ring.number(*id) {
                held[broker] += 1;
            }
        }
        let leader = partition.replicas.first();
        if let Some(broker) = leader.and_then(|id| ring.number(*id)) {
            led[broker] += 1;
        }
    }
    (held, led)
}

/// One partition after the other: led by the broker that leads the fewest, the others where the least is held.
fn in_turn(
    ring: &Ring,
    (mut held, mut led): (Vec<i64>, Vec<i64>),
    count: usize,
    replicas: usize,
) -> Vec<Vec<usize>> {
    let mut placed = Vec::with_capacity(count);
    for _ in 0..count {
        let mut chosen: Vec<usize> = Vec::with_capacity(replicas);
        while chosen.len() < replicas {
            let leads = |broker: usize| if chosen.is_empty() { led[broker] } else { 0 };
            let Some(next) = ring.next(&chosen, |broker| (leads(broker), held[broker])) else {
                break;
            };
            chosen.push(next);
        }
        for broker in &chosen {
            held[*broker] += 1;
        }
        if let Some(leader) = chosen.first() {
            led[*leader] += 1;
        }
        placed.push(chosen);
    }
    placed
}
