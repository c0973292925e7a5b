/// A topic of fewer bytes is not judged by them: the first few batches always lie unevenly.
const LEAST_BYTES: u64 = 64 << 20;
/// A topic of fewer records is not judged by them.
const LEAST_RECORDS: u64 = 10_000;
/// What a topic that was judged before may shrink to without going unjudged.
const STILL: f64 = 0.5;
/// Excess from which a topic is skewed, and below which it is no longer.
const EXCESS: (f64, f64) = (0.25, 0.15);
/// Multiple of the mean from which a topic is skewed, and below which it is no longer.
const RATIO: (f64, f64) = (4.0, 3.0);
/// Percentage points by which a share moves before it is told anew.
const SHARE_STEP: u32 = 5;

/// What one partition holds. What is absent is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionLoad {
    /// Bytes of the leader's replica.
    pub bytes: Option<u64>,
    /// Records from the start of the log to its end, those that compaction took away among them.
    pub records: Option<u64>,
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Bytes on disk.
    Bytes,
    /// Records.
    Records,
}

/// How evenly a topic lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skew {
    /// Whether the fullest partition holds much more than the others.
    pub skewed: bool,
    /// The fullest partition, from 0.
    pub partition: i32,
    /// Its share of the topic, in percent, as it is told: it follows in steps of 5 points.
    pub share: u32,
    /// Partitions of the topic.
    pub partitions: usize,
    /// In what it is the fullest.
    pub measure: Measure,
    /// What it holds over what a partition holds on average: 1 is even.
    pub ratio: f64,
}

/// Judges a topic by its partitions, from 0. None where it cannot be judged: one partition, too little in it, or a partition
/// of which nothing is known. With what was found `before` a verdict does not flap.
///
/// A topic is skewed if its fullest partition holds four times the mean, or a quarter of all that lies beyond its even share:
/// 62 % of two partitions, 44 % of four, 31 % of twelve.
pub fn judge(loads: &[PartitionLoad], before: Option<&Skew>) -> Option<Skew> {
    if loads.len() < 2 {
        return None;
    }
    let bytes = fullest(loads.iter().map(|load| load.bytes), LEAST_BYTES, before);
    let records = fullest(loads.iter().map(|load| load.records), LEAST_RECORDS, before);
    let by = |measure| move |(partition, share)| (measure, partition, share);
    let (measure, partition, share) = [
        bytes.map(by(Measure::Bytes)),
        records.map(by(Measure::Records)),
    ]
    .into_iter()
    .flatten()
    .reduce(|one, other| if other.2 > one.2 { other } else { one })?;
    let partitions = loads.len();
    let even = 1.0 / partitions as f64;
    let (excess, ratio) = ((share - even) / (1.0 - even), share * partitions as f64);
    let skewed = match before.is_some_and(|before| before.skewed) {
        true => excess >= EXCESS.1 || ratio >= RATIO.1,
        false => excess >= EXCESS.0 || ratio >= RATIO.0,
    };
    let percent = (share * 100.0).round() as u32;
    let told = before
        .filter(|before| (before.partition, before.measure) == (partition, measure))
        .map(|before| before.share)
        .filter(|told| told.abs_diff(percent) < SHARE_STEP);
    Some(Skew {
        skewed,
        partition,
        share: told.unwrap_or(percent),
        partitions,
        measure,
        ratio,
    })
}

/// The fullest partition and its share, 0 to 1.
fn fullest(
    held: impl Iterator<Item = Option<u64>>,
    least: u64,
    before: Option<&Skew>,
) -> Option<(i32, f64)> {
    let held: Vec<u64> = held.collect::<Option<_>>()?;
    let total = held.iter().map(|amount| *amount as f64).sum::<f64>();
    let least = match before {
        Some(_) => least as f64 * STILL,
        None => least as f64,
    };
    if total < least {
        return None;
    }
    let fuller = |one: (i32, u64), other: (i32, u64)| if other.1 > one.1 { other } else { one };
    let (partition, most) = (0..).zip(held).reduce(fuller)?;
    Some((partition, most as f64 / total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn bytes(held: &[u64]) -> Vec<PartitionLoad> {
        let load = |bytes: &u64| PartitionLoad {
            bytes: Some(*bytes),
            records: None,
        };
        held.iter().map(load).collect()
    }

    fn skew(held: &[u64], before: Option<&Skew>) -> Skew {
        judge(&bytes(held), before).unwrap()
    }

    #[test]
    fn a_partition_that_holds_most_is_named_with_its_share() {
        let found = skew(&[10 * MIB, 80 * MIB, 10 * MIB], None);
        assert!(found.skewed);
        assert_eq!((found.partition, found.share, found.partitions), (1, 80, 3));
        assert!((found.ratio - 2.4).abs() < 1e-9, "{}", found.ratio);
    }

    #[test]
    fn an_even_topic_is_not_skewed_however_many_partitions_it_has() {
        for partitions in [2, 3, 12, 100] {
            let found = skew(&vec![64 * MIB; partitions], None);
            assert!(!found.skewed, "{found:?}");
            assert_eq!(found.partition, 0, "of equals the first");
        }
    }

    #[test]
    fn one_of_many_partitions_is_hot_at_four_times_the_mean() {
        let mut held = vec![10 * MIB; 99];
        held.push(45 * MIB);
        assert!(skew(&held, None).skewed);
        held[99] = 35 * MIB;
        assert!(!skew(&held, None).skewed);
    }

    #[test]
    fn too_little_one_partition_and_the_unknown_are_not_judged() {
        assert_eq!(judge(&bytes(&[60 * MIB, 1]), None), None);
        assert_eq!(judge(&bytes(&[600 * MIB]), None), None);
        assert_eq!(judge(&[], None), None);
        let mut unknown = bytes(&[600 * MIB, 1]);
        unknown[1].bytes = None;
        assert_eq!(judge(&unknown, None), None);
    }

    #[test]
    fn a_topic_that_shrinks_goes_unjudged_at_half_the_floor_only() {
        let before = skew(&[64 * MIB, 64 * MIB], None);
        assert!(judge(&bytes(&[20 * MIB, 20 * MIB]), Some(&before)).is_some());
        assert_eq!(judge(&bytes(&[20 * MIB, 20 * MIB]), None), None);
        assert_eq!(judge(&bytes(&[15 * MIB, 15 * MIB]), Some(&before)), None);
    }

    #[test]
    fn records_count_where_bytes_do_not_tell() {
        let load = |bytes, records| PartitionLoad {
            bytes: Some(bytes),
            records: Some(records),
        };
        let small = [load(MIB, 19_000), load(MIB, 1_000)];
        let found = judge(&small, None).unwrap();
        assert_eq!((found.measure, found.share), (Measure::Records, 95));
        let both = [load(90 * MIB, 10_000), load(10 * MIB, 10_000)];
        assert_eq!(judge(&both, None).unwrap().measure, Measure::Bytes);
    }

    #[test]
    fn a_verdict_is_taken_back_later_than_it_is_given() {
        let between = [60 * MIB, 40 * MIB];
        assert!(!skew(&between, None).skewed);
        let before = skew(&[70 * MIB, 30 * MIB], None);
        assert!(before.skewed);
        assert!(skew(&between, Some(&before)).skewed);
        assert!(!skew(&[55 * MIB, 45 * MIB], Some(&before)).skewed);
    }

    #[test]
    fn a_share_is_told_anew_when_it_has_moved_by_five_points() {
        let before = skew(&[70 * MIB, 30 * MIB], None);
        assert_eq!(skew(&[74 * MIB, 26 * MIB], Some(&before)).share, 70);
        assert_eq!(skew(&[75 * MIB, 25 * MIB], Some(&before)).share, 75);
        assert_eq!(
            skew(&[26 * MIB, 74 * MIB], Some(&before)).share,
            74,
            "another partition"
        );
    }

    proptest! {
        /// Sizes that differ a little never turn a verdict around and around.
        #[test]
        fn noise_never_flaps(
            held in prop::collection::vec(64 * MIB..1_000 * MIB, 2..20),
            noise in prop::collection::vec(prop::collection::vec(0..MIB, 20), 2..20),
        ) {
            let mut before = None;
            let mut turns = 0;
            for noise in noise {
                let held: Vec<u64> = held.iter().zip(noise).map(|(held, noise)| held + noise).collect();
                let found = skew(&held, before.as_ref());
                turns += usize::from(before.is_some_and(|before: Skew| before.skewed != found.skewed));
                before = Some(found);
            }
            prop_assert!(turns <= 1, "{turns} turns");
        }
    }
}
