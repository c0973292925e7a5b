use std::collections::BTreeMap;

use millrace_crds::LayoutPolicy;

use super::{
    ring::Ring,
    share::{Rule, Share},
};
use crate::kafka::{BrokerId, ObservedBroker};

/// What becomes of replicas on brokers that are not up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// They count as placed: the broker may come back with its data.
    Counted,
    /// They are placed anew: the broker is gone for good.
    Replaced,
}

/// What the layout of a topic shall be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Replicas of each partition, at least 1.
    pub replicas: usize,
    /// Whether replicas that lie badly are moved, or only as many added or taken as are too few or too many.
    pub policy: LayoutPolicy,
    /// What becomes of replicas on brokers that are not up.
    pub away: Away,
}

/// Replicas of every partition of `topic` as they shall be, the preferred leader first. `present` are the replicas now, by
/// partition; of one that is being moved, those it will have.
///
/// With [`LayoutPolicy::Balance`] the rules of [the module](super) hold, and among all layouts for which they do (as to
/// replicas) none has fewer pairs of a partition and a broker that it is new on: the data moved is the least, at any number
/// of brokers and partitions. It is found by cancelling negative cycles; tests compare with an exhaustive search.
/// Preferred leaders change only where that makes them more even, and the order of replicas that stay is kept.
///
/// With [`LayoutPolicy::Keep`] no replica that may stay is moved and no order is changed: missing replicas are added and
/// surplus ones taken away, in each partition spread over the racks as well as what is there allows. A leader is not taken away
/// for a spread that is as good without it.
///
/// Replicas on brokers that are not up are outside the rules. With [`Away::Counted`] they stay, and of surplus replicas they
/// are the first to go. A partition gets as many replicas as there are brokers where more are asked for. The same
/// input gives the same target.
pub fn target(
    topic: &str,
    brokers: &BTreeMap<BrokerId, ObservedBroker>,
    present: &[Vec<BrokerId>],
    goal: Goal,
) -> Vec<Vec<BrokerId>> {
    let ring = Ring::of(brokers, topic);
    let partitions: Vec<Partition> = present
        .iter()
        .map(|replicas| Partition::of(&ring, replicas, goal))
        .collect();
    let mut holders: Vec<Vec<usize>> = partitions
        .iter()
        .map(|partition| partition.stay(&ring, goal.policy))
        .collect();
    add_missing(&ring, &partitions, &mut holders);
    let before: Vec<Vec<usize>> = partitions.iter().map(|p| p.up.clone()).collect();
    let rule = match goal.policy {
        LayoutPolicy::Balance => Rule::Racks(&ring),
        LayoutPolicy::Keep => Rule::RacksAndStay(&ring),
    };
    let mut share = Share::new(holders, before, rule, vec![0; ring.len()]);
    share.even_out();
    let leaders = match goal.policy {
        LayoutPolicy::Balance => even_leaders(&ring, &partitions, &share.holders),
        LayoutPolicy::Keep => vec![None; partitions.len()],
    };
    let parts = partitions.iter().zip(&share.holders).zip(leaders);
    parts
        .map(|((partition, holders), leader)| partition.ordered(&ring, holders, leader))
        .collect()
}

/// Gives every partition the replicas it lacks: in racks it is not in yet, on the brokers that hold the least.
fn add_missing(ring: &Ring, partitions: &[Partition], holders: &mut [Vec<usize>]) {
    let mut load = vec![0_usize; ring.len()];
    for broker in holders.iter().flatten() {
        load[*broker] += 1;
    }
    for (partition, chosen) in partitions.iter().zip(holders) {
        while chosen.len() < partition.wanted {
            let Some(next) = ring.next(chosen, |broker| load[broker]) else {
                break;
            };
            load[next] += 1;
            chosen.push(next);
        }
    }
}

/// The preferred leader of each partition that has one among the brokers that are up.
fn even_leaders(
    ring: &Ring,
    partitions: &[Partition],
    holders: &[Vec<usize>],
) -> Vec<Option<usize>> {
    let open: Vec<usize> = (0..partitions.len())
        .filter(|i| !partitions[*i].led_from_away && !holders[*i].is_empty())
        .collect();
    let allowed: Vec<Vec<usize>> = open.iter().map(|i| holders[*i].clone()).collect();
    let present = |i: &usize| {
        let stays = |broker: &&usize| holders[*i].contains(broker);
        partitions[*i].up.iter().find(stays).or(holders[*i].first())
    };
    let led: Vec<Vec<usize>> = open
        .iter()
        .map(|i| present(i).copied().into_iter().collect())
        .collect();
    let mut share = Share::new(led.clone(), led, Rule::Among(&allowed), vec![0; ring.len()]);
    share.even_out();
    let mut leaders = vec![None; partitions.len()];
    for (i, led) in open.into_iter().zip(&share.holders) {
        leaders[i] = led.first().copied();
    }
    leaders
}

/// A partition as it is.
struct Partition {
    replicas: Vec<BrokerId>,
    /// Its replicas on brokers that are up, in order.
    up: Vec<usize>,
    /// Its replicas on other brokers that stay.
    away: Vec<BrokerId>,
    /// Replicas it shall have on brokers that are up.
    wanted: usize,
    led_from_away: bool,
}

impl Partition {
    fn of(ring: &Ring, replicas: &[BrokerId], goal: Goal) -> Self {
        let up: Vec<usize> = replicas.iter().filter_map(|id| ring.number(*id)).collect();
        let away = replicas.iter().filter(|id| ring.number(**id).is_none());
        let kept = match goal.away {
            Away::Counted => goal.replicas.saturating_sub(up.len()),
            Away::Replaced => 0,
        };
        let away: Vec<BrokerId> = away.take(kept).copied().collect();
        Self {
            led_from_away: replicas.first().is_some_and(|id| away.contains(id)),
            replicas: replicas.to_vec(),
            wanted: (goal.replicas - away.len()).min(ring.len()),
            up,
            away,
        }
    }

    /// The replicas that can stay: one in each rack first, then as many more as leave place for the racks that have none.
    fn stay(&self, ring: &Ring, policy: LayoutPolicy) -> Vec<usize> {
        let racks = ring.spread(0..ring.len()).min(self.wanted);
        let mut stay: Vec<usize> = Vec::with_capacity(self.wanted);
        for broker in &self.up {
            let new_rack = ring.spread(stay.iter().chain([broker]).copied()) > stay.len();
            if stay.len() < self.wanted && new_rack {
                stay.push(*broker);
            }
        }
        let reserved = match policy {
            LayoutPolicy::Balance => racks - ring.spread(stay.iter().copied()).min(racks),
            LayoutPolicy::Keep => 0,
        };
        for broker in &self.up {
            if !stay.contains(broker) && stay.len() + reserved < self.wanted {
                stay.push(*broker);
            }
        }
        stay
    }

    /// The replicas that stay in their order, then the new ones; the leader before all, if one is chosen.
    fn ordered(&self, ring: &Ring, holders: &[usize], leader: Option<usize>) -> Vec<BrokerId> {
        let leader = leader.map(|broker| ring.ids[broker]);
        let holds = |id: &BrokerId| {
            self.away.contains(id)
                || ring
                    .number(*id)
                    .is_some_and(|broker| holders.contains(&broker))
        };
        let stay = self.replicas.iter().copied().filter(holds);
        let mut new: Vec<usize> = holders
            .iter()
            .copied()
            .filter(|broker| !self.up.contains(broker))
            .collect();
        new.sort_unstable();
        let rest = stay.chain(new.into_iter().map(|broker| ring.ids[broker]));
        let rest = rest.filter(|id| Some(*id) != leader);
        leader.into_iter().chain(rest).collect()
    }
}
