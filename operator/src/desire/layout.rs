//! Placement of replicas on brokers.

use std::collections::{BTreeMap, BTreeSet};

use crate::kafka::{BrokerId, ObservedBroker, ObservedPartition};

/// Replicas of `count` new partitions of `topic`, beside the partitions it has, the preferred leader first.
///
/// Leaders are spread within one over the brokers, replicas lie in different racks as long as there are racks left,
/// and on the broker that has the fewest otherwise. The same input gives the same placement; the topic's name decides
/// where to begin, so that topics of one partition do not all lie on the first broker.
///
/// `replicas` must be at least 1 and at most the number of brokers; more gives as many as there are brokers.
pub fn place(
    topic: &str,
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    existing: &[ObservedPartition],
    count: usize,
    replicas: usize,
) -> Vec<Vec<BrokerId>> {
    let mut load = Load::of(existing);
    let order = rotated(brokers, topic);
    (0..count)
        .map(|_| {
            let partition = one(&order, brokers, &load, replicas);
            load.add(&partition);
            partition
        })
        .collect()
}

#[derive(Default)]
struct Load {
    leaders: BTreeMap<BrokerId, usize>,
    replicas: BTreeMap<BrokerId, usize>,
}

impl Load {
    fn of(existing: &[ObservedPartition]) -> Self {
        let mut load = Self::default();
        for partition in existing {
            load.add(&partition.replicas);
        }
        load
    }

    fn add(&mut self, replicas: &[BrokerId]) {
        if let Some(broker) = replicas.first() {
            *self.leaders.entry(*broker).or_default() += 1;
        }
        for broker in replicas {
            *self.replicas.entry(*broker).or_default() += 1;
        }
    }

    fn leaders(&self, broker: BrokerId) -> usize {
        self.leaders.get(&broker).copied().unwrap_or_default()
    }

    fn replicas(&self, broker: BrokerId) -> usize {
        self.replicas.get(&broker).copied().unwrap_or_default()
    }
}

fn one(
    order: &[BrokerId],
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    load: &Load,
    replicas: usize,
) -> Vec<BrokerId> {
    let mut chosen: Vec<BrokerId> = Vec::with_capacity(replicas);
    let mut racks: BTreeSet<Option<&str>> = BTreeSet::new();
    let rack = |broker: &BrokerId| brokers.get(broker).and_then(|b| b.rack.as_deref());
    while chosen.len() < replicas {
        let next = order
            .iter()
            .filter(|broker| !chosen.contains(broker))
            .min_by_key(|broker| {
                let leaders = if chosen.is_empty() {
                    load.leaders(**broker)
                } else {
                    0
                };
                (
                    racks.contains(&rack(broker)),
                    leaders,
                    load.replicas(**broker),
                )
            });
        let Some(next) = next else { break };
        racks.insert(rack(next));
        chosen.push(*next);
    }
    chosen
}

/// The brokers, neighbours in different racks, beginning at a place that depends on the topic's name.
fn rotated(brokers: &BTreeMap<BrokerId, ObservedBroker>, topic: &str) -> Vec<BrokerId> {
    let mut by_rack: BTreeMap<Option<&str>, Vec<BrokerId>> = BTreeMap::new();
    for (id, broker) in brokers {
        by_rack.entry(broker.rack.as_deref()).or_default().push(*id);
    }
    let deepest = by_rack.values().map(Vec::len).max().unwrap_or_default();
    let mut order: Vec<BrokerId> = (0..deepest)
        .flat_map(|i| by_rack.values().filter_map(move |ids| ids.get(i).copied()))
        .collect();
    if !order.is_empty() {
        let start = topic.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        let length = order.len();
        order.rotate_left(start % length);
    }
    order
}
