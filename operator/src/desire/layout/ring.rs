use std::collections::BTreeMap;

use crate::kafka::{BrokerId, ObservedBroker};

/// The brokers that are up, numbered from 0: neighbours in different racks, beginning at a place that depends on the
/// topic's name, so that topics of one partition do not all lie on the first broker.
pub(super) struct Ring {
    /// Node id by number.
    pub(super) ids: Vec<BrokerId>,
    /// Number of the rack of each broker.
    pub(super) racks: Vec<usize>,
    numbers: BTreeMap<BrokerId, usize>,
}

impl Ring {
    pub(super) fn of(brokers: &BTreeMap<BrokerId, ObservedBroker>, topic: &str) -> Self {
        let mut by_rack: BTreeMap<Option<&str>, Vec<BrokerId>> = BTreeMap::new();
        for (id, broker) in brokers {
            by_rack.entry(broker.rack.as_deref()).or_default().push(*id);
        }
        let deepest = by_rack.values().map(Vec::len).max().unwrap_or_default();
        let mut order: Vec<(BrokerId, usize)> = (0..deepest)
            .flat_map(|depth| {
                let racks = by_rack.values().enumerate();
                racks.filter_map(move |(rack, ids)| Some((*ids.get(depth)?, rack)))
            })
            .collect();
        if !order.is_empty() {
            let start = topic.bytes().fold(0_usize, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(usize::from(byte))
            });
            let length = order.len();
            order.rotate_left(start % length);
        }
        let (ids, racks): (Vec<_>, Vec<_>) = order.into_iter().unzip();
        let numbers = ids.iter().copied().zip(0..).collect();
        Self {
            ids,
            racks,
            numbers,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The number of a broker that is up.
    pub(super) fn number(&self, id: BrokerId) -> Option<usize> {
        self.numbers.get(&id).copied()
    }

    /// In how many racks these brokers lie.
    pub(super) fn spread(&self, brokers: impl IntoIterator<Item = usize>) -> usize {
        let mut racks: Vec<usize> = brokers.into_iter().map(|b| self.racks[b]).collect();
        racks.sort_unstable();
        racks.dedup();
        racks.len()
    }

    /// The broker to add to `chosen`: in a rack that has none of them while there is one, then the first by `rank`, then in
    /// the order of the ring. None when all brokers are chosen.
    pub(super) fn next<R: Ord>(
        &self,
        chosen: &[usize],
        rank: impl Fn(usize) -> R,
    ) -> Option<usize> {
        let used = |broker: usize| chosen.iter().any(|c| self.racks[*c] == self.racks[broker]);
        (0..self.len())
            .filter(|broker| !chosen.contains(broker))
            .min_by_key(|broker| (used(*broker), rank(*broker)))
    }
}
