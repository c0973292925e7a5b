use std::collections::BTreeSet;

use super::ring::Ring;

/// Which exchanges of one broker for another are allowed.
pub(super) enum Rule<'a> {
    /// Any that leaves an item in no fewer racks.
    Racks(&'a Ring),
    /// As [`Rule::Racks`], and no more data moved than before: a replica of the present stays, or gives way to another.
    RacksAndStay(&'a Ring),
    /// To the brokers listed for the item.
    Among(&'a [Vec<usize>]),
}

/// Items (partitions) shared out among brokers: each item is held by some brokers, and a broker it had before costs nothing.
///
/// [`Share::even_out`] minimises the sum of the squares of the brokers' loads, and with that the brokers that items did not
/// have before. Items are exchanged along paths: broker a gives item x to b, b gives y to c. What is a path from a broker
/// with more to one with less, or a ring that saves moves, is a negative cycle in the residual graph of a minimum-cost flow
/// whose cost of a broker is convex in its load; where there is none the sum is the least possible (Klein's theorem). The graph is kept
/// folded to its brokers: of the items that a may give to b only the cheapest counts.
pub(super) struct Share<'a> {
    pub(super) holders: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
    rule: Rule<'a>,
    load: Vec<i64>,
    items: Vec<BTreeSet<usize>>,
}

/// One exchange: `item` goes from one broker to another. Without an item, the load itself is compared.
#[derive(Clone, Copy)]
struct Hop {
    from: usize,
    to: usize,
    item: Option<usize>,
}

/// The cheapest item for each pair of brokers, and what it costs.
type Cheapest = Vec<Vec<Option<(i64, usize)>>>;

impl<'a> Share<'a> {
    /// `holders` and `before` by item; `load` is what the brokers have besides.
    pub(super) fn new(
        holders: Vec<Vec<usize>>,
        before: Vec<Vec<usize>>,
        rule: Rule<'a>,
        mut load: Vec<i64>,
    ) -> Self {
        let mut items = vec![BTreeSet::new(); load.len()];
        for (item, brokers) in holders.iter().enumerate() {
            for broker in brokers {
                load[*broker] += 1;
                items[*broker].insert(item);
            }
        }
        Self {
            holders,
            before,
            rule,
            load,
            items,
        }
    }

    /// Exchanges until nothing is gained by it.
    pub(super) fn even_out(&mut self) {
        self.level(0);
        self.level(1);
        let mut cheapest: Cheapest = (0..self.brokers()).map(|from| self.row(from)).collect();
        while let Some(cycle) = self.negative_cycle(&cheapest) {
            let Some(touched) = self.follow(&self.simple(cycle)) else {
                break;
            };
            for broker in touched {
                cheapest[broker] = self.row(broker);
            }
        }
    }

    /// Gives items of those who have most to those who have least, each costing `most` at most: what is left for the cycles
    /// is little.
    fn level(&mut self, most: i64) {
        let mut in_vain = BTreeSet::new();
        while let Some(hop) = self.downhill(most, &mut in_vain) {
            self.shift(hop);
        }
    }

    /// A hop from the broker with most to the one with least. Pairs that have none are noted and not tried again.
    fn downhill(&self, most: i64, in_vain: &mut BTreeSet<(usize, usize)>) -> Option<Hop> {
        let mut by_load: Vec<usize> = (0..self.brokers()).collect();
        by_load.sort_by_key(|broker| self.load[*broker]);
        let from_most = by_load.iter().rev();
        let pairs = from_most.flat_map(|from| by_load.iter().map(move |to| (*from, *to)));
        for (from, to) in pairs.filter(|(from, to)| self.load[*to] + 1 < self.load[*from]) {
            if in_vain.contains(&(from, to)) {
                continue;
            }
            let affordable =
                |item: &&usize| self.cost(**item, from, to).is_some_and(|cost| cost <= most);
            if let Some(item) = self.items[from].iter().find(affordable) {
                return Some(Hop {
                    from,
                    to,
                    item: Some(*item),
                });
            }
            in_vain.insert((from, to));
        }
        None
    }

    fn brokers(&self) -> usize {
        self.load.len()
    }

    /// How many more moves it takes to exchange one broker of an item for another; None where that is not allowed.
    fn cost(&self, item: usize, from: usize, to: usize) -> Option<i64> {
        let holders = &self.holders[item];
        if from == to || !holders.contains(&from) || holders.contains(&to) {
            return None;
        }
        let new = |broker| i64::from(!self.before[item].contains(&broker));
        let cost = new(to) - new(from);
        let allowed = match self.rule {
            Rule::Racks(ring) => keeps_racks(ring, holders, from, to),
            Rule::RacksAndStay(ring) => cost == 0 && keeps_racks(ring, holders, from, to),
            Rule::Among(brokers) => brokers[item].contains(&to),
        };
        allowed.then_some(cost)
    }

    fn row(&self, from: usize) -> Vec<Option<(i64, usize)>> {
        let mut row: Vec<Option<(i64, usize)>> = vec![None; self.brokers()];
        for item in &self.items[from] {
            for (to, best) in row.iter_mut().enumerate() {
                if best.is_some_and(|(cost, _)| cost < 0) {
                    continue;
                }
                if let Some(cost) = self.cost(*item, from, to)
                    && best.is_none_or(|(known, _)| cost < known)
                {
                    *best = Some((cost, *item));
                }
            }
        }
        row
    }

    /// What a hop adds to the sum; the load's squares count for more than all moves of a cycle.
    fn weight(&self, hop: Hop) -> Option<i64> {
        let scale = i64::try_from(2 * self.brokers() + 4).unwrap_or(i64::MAX);
        match hop.item {
            Some(item) => self.cost(item, hop.from, hop.to),
            None if hop.from == self.brokers() => Some(scale * (1 - 2 * self.load[hop.to])),
            None => Some(scale * (1 + 2 * self.load[hop.from])),
        }
    }

    /// Bellman and Ford's search over the brokers and one node more that every broker takes load from and gives it to.
    fn negative_cycle(&self, cheapest: &Cheapest) -> Option<Vec<Hop>> {
        let (brokers, pool) = (self.brokers(), self.brokers());
        let between = |from: usize, to: usize| {
            let (_, item) = cheapest[from][to]?;
            Some(Hop {
                from,
                to,
                item: Some(item),
            })
        };
        let hops: Vec<(Hop, i64)> = (0..brokers)
            .flat_map(|from| (0..brokers).filter_map(move |to| between(from, to)))
            .chain((0..brokers).flat_map(|broker| {
                let hop = |from, to| Hop {
                    from,
                    to,
                    item: None,
                };
                [hop(pool, broker), hop(broker, pool)]
            }))
            .filter_map(|hop| Some((hop, self.weight(hop)?)))
            .collect();
        let mut distance = vec![0_i64; brokers + 1];
        let mut reached: Vec<Option<Hop>> = vec![None; brokers + 1];
        for _ in 0..=brokers + 1 {
            let mut shorter = false;
            for (hop, weight) in &hops {
                if distance[hop.from] + weight < distance[hop.to] {
                    distance[hop.to] = distance[hop.from] + weight;
                    reached[hop.to] = Some(*hop);
                    shorter = true;
                }
            }
            if !shorter {
                return None;
            }
            if let Some(cycle) = cycle_of(&reached) {
                return Some(cycle);
            }
        }
        None
    }

    /// A negative part of a negative cycle in which no item is used twice in ways that exclude each other. Two hops of one
    /// item, a to b and c to d, can be crossed to a to d and c to b, which parts the cycle in two at the same price.
    fn simple(&self, mut cycle: Vec<Hop>) -> Vec<Hop> {
        while let Some(part) = self.part(&cycle) {
            cycle = part;
        }
        cycle
    }

    fn part(&self, cycle: &[Hop]) -> Option<Vec<Hop>> {
        let pairs = (0..cycle.len()).flat_map(|i| (i + 1..cycle.len()).map(move |j| (i, j)));
        let same =
            pairs.filter(|(i, j)| cycle[*i].item.is_some() && cycle[*i].item == cycle[*j].item);
        for (i, j) in same {
            let crossed = |from: usize, to: usize| {
                let hop = Hop {
                    from,
                    to,
                    item: cycle[i].item,
                };
                match from == to {
                    true => Some(Vec::new()),
                    false => self.weight(hop).map(|_| vec![hop]),
                }
            };
            let outer = crossed(cycle[i].from, cycle[j].to);
            let inner = crossed(cycle[j].from, cycle[i].to);
            let (Some(mut outer), Some(mut inner)) = (outer, inner) else {
                continue;
            };
            outer.extend(&cycle[j + 1..]);
            outer.extend(&cycle[..i]);
            inner.extend(&cycle[i + 1..j]);
            let total = |hops: &[Hop]| hops.iter().filter_map(|hop| self.weight(*hop)).sum::<i64>();
            return [outer, inner].into_iter().find(|part| total(part) < 0);
        }
        None
    }

    /// Carries a cycle out. The brokers whose exchanges may be others now; None, with nothing changed, if a hop is not allowed
    /// after those before it.
    fn follow(&mut self, cycle: &[Hop]) -> Option<BTreeSet<usize>> {
        let mut done: Vec<Hop> = Vec::new();
        let mut touched = BTreeSet::new();
        for hop in cycle {
            let Some(item) = hop.item else { continue };
            if self.cost(item, hop.from, hop.to).is_none() {
                for Hop { from, to, item } in done.into_iter().rev() {
                    self.shift(Hop {
                        from: to,
                        to: from,
                        item,
                    });
                }
                return None;
            }
            touched.extend(&self.holders[item]);
            self.shift(*hop);
            touched.extend(&self.holders[item]);
            done.push(*hop);
        }
        Some(touched)
    }

    fn shift(&mut self, hop: Hop) {
        let Some(item) = hop.item else { return };
        for holder in &mut self.holders[item] {
            if *holder == hop.from {
                *holder = hop.to;
            }
        }
        self.load[hop.from] -= 1;
        self.load[hop.to] += 1;
        self.items[hop.from].remove(&item);
        self.items[hop.to].insert(item);
    }
}

fn keeps_racks(ring: &Ring, holders: &[usize], from: usize, to: usize) -> bool {
    let rack = |broker: usize| ring.racks[broker];
    let others = |wanted: usize| {
        holders
            .iter()
            .any(|broker| *broker != from && rack(*broker) == wanted)
    };
    rack(from) == rack(to) || others(rack(from)) || !others(rack(to))
}

/// A cycle among the hops by which nodes were reached last; the first found from the lowest node.
fn cycle_of(reached: &[Option<Hop>]) -> Option<Vec<Hop>> {
    let mut seen = vec![usize::MAX; reached.len()];
    for start in 0..reached.len() {
        let mut node = start;
        while seen[node] == usize::MAX {
            seen[node] = start;
            match reached[node] {
                Some(hop) => node = hop.from,
                None => break,
            }
        }
        if seen[node] != start || reached[node].is_none() {
            continue;
        }
        let mut cycle = Vec::new();
        let mut at = node;
        while let Some(hop) = reached[at] {
            cycle.push(hop);
            at = hop.from;
            if at == node {
                cycle.reverse();
                return Some(cycle);
            }
        }
    }
    None
}
