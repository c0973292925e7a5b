use super::{load::Load, steps::worth_having};

/// Times a replica's capacity above which a partition's arrivals are a lost cause. Below it a replica for the partition alone at
/// least lets it fall behind slowly.
const HOT: f64 = 1.5;

/// How much of a replica may be used, and how fast a backlog is to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizing {
    /// Records a second that one replica can do, above 0.
    pub(super) capacity: f64,
    /// Share of it that arrivals may take, above 0, at most 1.
    pub(super) share: f64,
    /// Seconds that records may wait; no effort is made for what is not older.
    pub(super) budget: f64,
    /// Seconds for what lies beyond.
    pub(super) drain: f64,
    /// Seconds for which nothing is consumed before a change helps.
    pub(super) standstill: f64,
}

impl Sizing {
    /// The records a second that a load takes.
    pub(super) fn effort(&self, load: &Load) -> f64 {
        let beyond = load.backlog + load.arrivals * (self.standstill - self.budget);
        load.arrivals / self.share + beyond.max(0.0) / self.drain
    }

    /// Whether so much more arrives in the partition than one replica can do that no number of replicas helps it.
    pub(super) fn is_hot(&self, load: &Load) -> bool {
        load.arrivals > self.capacity * HOT
    }

    /// Whether one replica can do the partitions with these loads. Those that are blocked or hot are none of its worries, but take
    /// their share of its time.
    fn suffices(&self, loads: impl Iterator<Item = Load>) -> bool {
        let (mut count, mut servable, mut effort) = (0, 0, 0.0);
        for load in loads {
            count += 1;
            let own = self.effort(&load);
            if !load.blocked && !self.is_hot(&load) && own <= self.capacity {
                servable += 1;
                effort += own;
            }
        }
        effort * f64::from(count) <= self.capacity * f64::from(servable) || servable == 0
    }
}

/// The fewest replicas, of those worth having, that can do these loads; all partitions' where none can. At least 1.
///
/// Two things must hold: the average replica can do its part, a partition that is too much for one replica counting as one; and so
/// can the busiest, as the usual assignors would have it: range deals partitions out in blocks, the others one by one.
pub(super) fn need(loads: &[Load], sizing: &Sizing) -> i32 {
    let partitions = loads.len();
    let capped = |load: &Load| match load.blocked {
        true => 0.0,
        false => sizing.effort(load).min(sizing.capacity),
    };
    let total: f64 = loads.iter().map(capped).sum();
    let numbers = worth_having(partitions);
    let enough = |replicas: &i32| {
        let count = usize::try_from(*replicas).unwrap_or(1).max(1);
        let most = partitions.div_ceil(count);
        let on_average = total * most as f64 / partitions as f64 <= sizing.capacity;
        on_average
            && (0..count).all(|member| {
                sizing.suffices(loads.iter().copied().skip(member).step_by(count))
                    && sizing.suffices(block(loads, member, count).iter().copied())
            })
    };
    let least = numbers.iter().find(|number| enough(number));
    least.or(numbers.last()).copied().unwrap_or(1)
}

/// What the range assignor gives to one of `count` members: the first ones have one more where it does not come out even.
fn block(loads: &[Load], member: usize, count: usize) -> &[Load] {
    let (each, more) = (loads.len() / count, loads.len() % count);
    let start = member * each + member.min(more);
    &loads[start..start + each + usize::from(member < more)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZING: Sizing = Sizing {
        capacity: 100.0,
        share: 0.9,
        budget: 0.0,
        drain: 60.0,
        standstill: 0.0,
    };

    fn of(arrivals: f64, backlog: f64) -> Load {
        Load {
            arrivals,
            backlog,
            ..Load::default()
        }
    }

    fn even(partitions: usize, arrivals: f64, backlog: f64) -> Vec<Load> {
        let parts = partitions as f64;
        vec![of(arrivals / parts, backlog / parts); partitions]
    }

    #[test]
    fn arrivals_and_backlog_add_up() {
        assert_eq!(need(&even(12, 0.0, 0.0), &SIZING), 1);
        assert_eq!(need(&even(12, 89.0, 0.0), &SIZING), 1);
        assert_eq!(need(&even(12, 178.0, 0.0), &SIZING), 2);
        assert_eq!(need(&even(12, 89.0, 5_900.0), &SIZING), 2);
        assert_eq!(need(&even(12, 0.0, 17_900.0), &SIZING), 3);
        assert_eq!(need(&even(12, 0.0, 25_000.0), &SIZING), 6);
    }

    #[test]
    fn what_is_within_the_budget_costs_nothing() {
        let patient = Sizing {
            budget: 15.0,
            ..SIZING
        };
        assert_eq!(need(&even(12, 89.0, 89.0 * 15.0), &patient), 1);
        assert_eq!(need(&even(12, 89.0, 89.0 * 15.0), &SIZING), 2);
        assert_eq!(need(&even(12, 89.0, 89.0 * 30.0), &patient), 2);
    }

    #[test]
    fn a_partition_that_nobody_can_serve_asks_for_one_replica_and_not_for_many() {
        let mut loads = vec![of(5.0, 0.0); 12];
        loads[3] = of(1_000.0, 1e6);
        assert_eq!(need(&loads, &SIZING), 2);
        loads[3].blocked = true;
        assert_eq!(need(&loads, &SIZING), 1);
    }

    #[test]
    fn uneven_partitions_are_sized_by_the_busiest_replica() {
        let mut loads = vec![of(5.0, 0.0); 12];
        (0..3).for_each(|heavy| loads[heavy] = of(40.0, 0.0));
        let average: f64 = loads.iter().map(|load| load.arrivals).sum::<f64>() / 0.9;
        assert!(average < 200.0);
        assert_eq!(need(&loads, &SIZING), 6, "three in one block are too many");
    }

    proptest! {
        #[test]
        fn it_is_worth_having_and_grows_with_the_load(
            loads in prop::collection::vec((0.0f64..1e4, 0.0f64..1e7), 1..200), more in 1.0f64..10.0, capacity in 0.01f64..1e5,
        ) {
            let alike: f64 = loads.iter().map(|(arrivals, _)| arrivals).sum();
            let sizing = Sizing { capacity, ..SIZING };
            let even = even(loads.len(), alike, 0.0);
            let loads: Vec<Load> = loads.into_iter().map(|(arrivals, backlog)| of(arrivals, backlog)).collect();
            prop_assert!(worth_having(loads.len()).contains(&need(&loads, &sizing)));
            let heavier: Vec<Load> = even.iter().map(|load| of(load.arrivals * more, load.backlog * more)).collect();
            prop_assert!(need(&heavier, &sizing) >= need(&even, &sizing));
        }
    }
}
