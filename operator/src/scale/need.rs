/// What one partition, or one consumer, has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Records that arrive in a second.
    pub(super) arrivals: f64,
    /// Records that wait, without those that are merely not committed yet.
    pub(super) backlog: f64,
}

/// How much of a replica may be used, and how fast a backlog is to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizing {
    /// Records a second that one replica can do, above 0.
    pub(super) capacity: f64,
    /// Share of it that arrivals may take, above 0, at most 1.
    pub(super) share: f64,
    /// Seconds for the backlog.
    pub(super) drain: f64,
    /// Seconds without consumption that a change costs.
    pub(super) rebalance: f64,
}

impl Sizing {
    /// The records a second that a load takes.
    fn effort(&self, load: &Load) -> f64 {
        load.arrivals / self.share + (load.backlog + load.arrivals * self.rebalance) / self.drain
    }
}

/// The fewest replicas whose busiest can do its part, from 1 to the number of partitions (1 without partitions).
///
/// Assignors count partitions and do not weigh them, so the busiest of n replicas has `ceil(P/n)` of P partitions. A partition
/// that alone is more than a replica can do counts as one full replica: no number of replicas helps it.
pub(super) fn need(loads: &[Load], sizing: &Sizing) -> i32 {
    let total: f64 = loads
        .iter()
        .map(|load| sizing.effort(load).min(sizing.capacity))
        .sum();
    let partitions = loads.len();
    let mut replicas = 1;
    while replicas < partitions {
        let most = partitions.div_ceil(replicas);
        if total * most as f64 / partitions as f64 <= sizing.capacity {
            break;
        }
        replicas = partitions.div_ceil(most - 1);
    }
    i32::try_from(replicas).unwrap_or(i32::MAX)
}

/// The fewest replicas whose busiest has as few partitions as with `replicas`: more than these are pods without more speed.
pub(super) fn without_idle(replicas: i32, partitions: usize) -> i32 {
    let Ok(count @ 1..) = usize::try_from(replicas) else {
        return replicas;
    };
    if partitions == 0 {
        return replicas;
    }
    let most = partitions.div_ceil(count);
    i32::try_from(partitions.div_ceil(most)).unwrap_or(i32::MAX)
}

/// The next fewer replicas that make a difference; at least 1.
pub(super) fn one_less(replicas: i32, partitions: usize) -> i32 {
    without_idle((without_idle(replicas, partitions) - 1).max(1), partitions)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZING: Sizing = Sizing {
        capacity: 100.0,
        share: 0.9,
        drain: 60.0,
        rebalance: 0.0,
    };

    fn even(partitions: usize, arrivals: f64, backlog: f64) -> Vec<Load> {
        let parts = partitions as f64;
        vec![
            Load {
                arrivals: arrivals / parts,
                backlog: backlog / parts
            };
            partitions
        ]
    }

    #[test]
    fn arrivals_and_backlog_add_up() {
        assert_eq!(need(&even(12, 0.0, 0.0), &SIZING), 1);
        assert_eq!(need(&even(12, 90.0, 0.0), &SIZING), 1);
        assert_eq!(need(&even(12, 180.0, 0.0), &SIZING), 2);
        assert_eq!(need(&even(12, 90.0, 6_000.0), &SIZING), 2);
        assert_eq!(need(&even(12, 0.0, 18_000.0), &SIZING), 3);
    }

    #[test]
    fn only_numbers_that_take_partitions_off_the_busiest_are_chosen() {
        assert_eq!(need(&even(12, 0.0, 25_000.0), &SIZING), 6);
        assert_eq!([5, 7, 11, 12].map(|n| without_idle(n, 12)), [4, 6, 6, 12]);
        assert_eq!(
            [12, 6, 4, 3, 2, 1].map(|n| one_less(n, 12)),
            [6, 4, 3, 2, 1, 1]
        );
    }

    #[test]
    fn a_partition_that_nobody_can_serve_asks_for_one_replica_and_not_for_many() {
        let mut loads = vec![
            Load {
                arrivals: 5.0,
                backlog: 0.0
            };
            12
        ];
        loads[3] = Load {
            arrivals: 1_000.0,
            backlog: 1e6,
        };
        assert_eq!(need(&loads, &SIZING), 2);
    }

    proptest! {
        #[test]
        fn it_is_between_one_and_the_partitions_and_grows_with_the_load(
            loads in prop::collection::vec((0.0f64..1e4, 0.0f64..1e7), 1..200), more in 1.0f64..10.0, capacity in 0.01f64..1e5,
        ) {
            let loads: Vec<Load> = loads.into_iter().map(|(arrivals, backlog)| Load { arrivals, backlog }).collect();
            let sizing = Sizing { capacity, ..SIZING };
            let replicas = need(&loads, &sizing);
            prop_assert!((1..=loads.len() as i32).contains(&replicas));
            prop_assert_eq!(without_idle(replicas, loads.len()), replicas);
            let heavier: Vec<Load> = loads.iter().map(|load| Load { arrivals: load.arrivals * more, backlog: load.backlog * more }).collect();
            prop_assert!(need(&heavier, &sizing) >= replicas);
        }
    }
}
