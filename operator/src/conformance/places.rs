use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// How far the samples of a topic have come, by partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    next: BTreeMap<i32, i64>,
    /// The partition that the next sample begins with.
    turn: usize,
}

impl Places {
    /// The partitions that the next sample of at most `most` records (1 or more) looks at: all of `partitions`, or by turns where these are more.
    pub fn partitions(&self, partitions: usize, most: usize) -> BTreeSet<i32> {
        let turn = self.turn..self.turn + partitions.min(most);
        turn.filter_map(|at| i32::try_from(at.checked_rem(partitions)?).ok())
            .collect()
    }

    /// What a sample of at most `most` records reads where the partitions end like this: the newest records of each, none twice. A partition
    /// without a new one is left out.
    pub fn ranges(&self, ends: &BTreeMap<i32, i64>, most: usize) -> BTreeMap<i32, Range<i64>> {
        let share = (most / ends.len().max(1)).max(1);
        let share = i64::try_from(share).unwrap_or(i64::MAX);
        let range = |(partition, end): (&i32, &i64)| {
            let next = self.next.get(partition).filter(|next| *next <= end);
            let newest = end.saturating_sub(share).max(0);
            let from = next.map_or(newest, |next| newest.max(*next));
            (*partition, from..*end)
        };
        let ranges = ends.iter().map(range);
        ranges.filter(|(_, range)| !range.is_empty()).collect()
    }

    /// A partition was sampled up to the offset `next`, which is not among it.
    pub fn come_to(&mut self, partition: i32, next: i64) {
        self.next.insert(partition, next);
    }

    /// A sample of so many of `partitions` is done.
    pub fn turn(&mut self, looked_at: usize, partitions: usize) {
        self.turn = (self.turn + looked_at).checked_rem(partitions).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_newest_records_are_read_and_none_twice() {
        let mut places = Places::default();
        let ends = |end| BTreeMap::from([(0, end)]);
        assert_eq!(places.ranges(&ends(1_000), 100)[&0], 900..1_000);
        assert_eq!(places.ranges(&ends(30), 100)[&0], 0..30, "all there are");
        places.come_to(0, 1_000);
        assert_eq!(places.ranges(&ends(1_040), 100)[&0], 1_000..1_040);
        assert_eq!(places.ranges(&ends(5_000), 100)[&0], 4_900..5_000);
        assert!(places.ranges(&ends(1_000), 100).is_empty(), "idle");
        let cut = places.ranges(&ends(400), 100);
        assert_eq!(cut[&0], 300..400, "the log was cut");
    }

    #[test]
    fn a_sample_is_shared_out_and_more_partitions_than_records_have_turns() {
        let mut places = Places::default();
        let ends = BTreeMap::from([(0, 100), (1, 100), (2, 0)]);
        let ranges = places.ranges(&ends, 30);
        assert_eq!(ranges, BTreeMap::from([(0, 90..100), (1, 90..100)]));
        assert_eq!(places.partitions(5, 2), [0, 1].into());
        places.turn(2, 5);
        places.turn(2, 5);
        assert_eq!(places.partitions(5, 2), [4, 0].into());
        assert_eq!(places.partitions(1, 2), [0].into(), "made anew with fewer");
        assert_eq!(places.partitions(0, 2), [].into());
    }

    proptest! {
        #[test]
        fn a_sample_is_never_larger_than_asked_for(
            partitions in 0usize..50,
            most in 1usize..100,
            end in 0i64..1_000,
            next in 0i64..2_000,
        ) {
            let mut places = Places::default();
            (0..50).for_each(|partition| places.come_to(partition, next));
            let looked_at = places.partitions(partitions, most);
            let ends = looked_at.iter().map(|at| (*at, end)).collect();
            let ranges = places.ranges(&ends, most);
            let records: i64 = ranges.values().map(|range| range.end - range.start).sum();
            prop_assert!(records <= i64::try_from(most).unwrap());
            prop_assert!(ranges.values().all(|range| range.start >= 0));
        }
    }
}
