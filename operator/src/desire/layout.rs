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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::place;
    use crate::kafka::{BrokerId, ObservedBroker, ObservedPartition};

    fn brokers(racks: &[u8]) -> BTreeMap<BrokerId, ObservedBroker> {
        (0..)
            .zip(racks)
            .map(|(id, rack)| {
                (
                    id,
                    ObservedBroker {
                        rack: Some(format!("rack-{rack}")),
                    },
                )
            })
            .collect()
    }

    fn spread(counts: impl Iterator<Item = usize> + Clone) -> usize {
        counts.clone().max().unwrap_or_default() - counts.min().unwrap_or_default()
    }

    proptest! {
        #[test]
        fn replicas_lie_apart_and_leaders_are_spread(
            racks in prop::collection::vec(0_u8..4, 1..9),
            count in 1_usize..40,
            wanted in 1_usize..5,
            topic in "[a-z]{1,8}",
        ) {
            let replicas = wanted.min(racks.len());
            let brokers = brokers(&racks);
            let placed = place(&topic, &brokers, &[], count, replicas);
            prop_assert_eq!(placed.len(), count);
            let rack = |id: &BrokerId| racks[usize::try_from(*id).unwrap_or_default()];
            let distinct_racks = racks.iter().collect::<BTreeSet<_>>().len();
            for partition in &placed {
                prop_assert_eq!(partition.len(), replicas);
                prop_assert_eq!(partition.iter().collect::<BTreeSet<_>>().len(), replicas, "a broker holds a partition once");
                let used = partition.iter().map(rack).collect::<BTreeSet<_>>().len();
                prop_assert_eq!(used, replicas.min(distinct_racks), "racks are used before any is used twice");
            }
            let leads = brokers.keys().map(|id| placed.iter().filter(|p| p[0] == *id).count());
            prop_assert!(spread(leads) <= 1, "leaders are within one");
            prop_assert_eq!(&placed, &place(&topic, &brokers, &[], count, replicas), "the same input gives the same placement");
        }

        #[test]
        fn replicas_are_within_one_where_racks_are_even(per_rack in 1_usize..4, count in 1_usize..40, replicas in 1_usize..4) {
            let racks: Vec<u8> = (0..3).flat_map(|rack| std::iter::repeat_n(rack, per_rack)).collect();
            let brokers = brokers(&racks);
            let placed = place("orders", &brokers, &[], count, replicas);
            let holds = brokers.keys().map(|id| placed.iter().flatten().filter(|b| *b == id).count());
            prop_assert!(spread(holds) <= 1);
        }

        #[test]
        fn added_partitions_even_out_what_is_there(have in 0_usize..12, more in 1_usize..12) {
            let brokers = brokers(&[0, 1, 2]);
            let existing: Vec<ObservedPartition> = place("orders", &brokers, &[], have, 2)
                .into_iter()
                .map(|replicas| ObservedPartition { leader: replicas.first().copied(), isr: replicas.clone(), replicas })
                .collect();
            let all = existing.iter().map(|p| p.replicas.clone()).chain(place("orders", &brokers, &existing, more, 2)).collect::<Vec<_>>();
            let leads = brokers.keys().map(|id| all.iter().filter(|p| p[0] == *id).count());
            prop_assert!(spread(leads) <= 1);
        }
    }
}
