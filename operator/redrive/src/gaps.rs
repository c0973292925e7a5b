//! Which offsets that held no letter had been deleted.

use std::collections::BTreeMap;

/// Offsets of one partition that a reader passed without a letter, `from` included and `until` not: marks of transactions, letters
/// of aborted ones, or letters that were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The partition.
    pub partition: i32,
    /// The offset that was expected.
    pub from: i64,
    /// The one that came instead, or the end.
    pub until: i64,
}

/// How many offsets of the gaps had been deleted, by partition. `starts` are the first offsets that are still there (KIP-107 calls
/// them log start offsets); a gap that such a start lies in or behind was passed because of it. Where none is known, nothing counts.
pub fn deleted(gaps: &[Gap], starts: &BTreeMap<i32, i64>) -> BTreeMap<i32, u64> {
    let mut deleted = BTreeMap::new();
    for gap in gaps {
        let start = starts.get(&gap.partition).copied().unwrap_or(gap.from);
        let offsets = u64::try_from(start.min(gap.until) - gap.from).unwrap_or(0);
        if offsets > 0 {
            *deleted.entry(gap.partition).or_default() += offsets;
        }
    }
    deleted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(partition: i32, from: i64, until: i64) -> Gap {
        Gap {
            partition,
            from,
            until,
        }
    }

    #[test]
    fn marks_of_transactions_are_not_deleted_letters() {
        let gaps = [gap(0, 10, 11), gap(1, 5, 90)];
        assert_eq!(deleted(&gaps, &[(0, 10), (1, 0)].into()), [].into());
        assert_eq!(deleted(&gaps, &[].into()), [].into());
    }

    #[test]
    fn what_lies_before_the_first_offset_that_is_there_was_deleted() {
        let gaps = [gap(0, 10, 60), gap(0, 70, 71), gap(1, 0, 4)];
        assert_eq!(
            deleted(&gaps, &[(0, 60), (1, 3)].into()),
            [(0, 50), (1, 3)].into()
        );
        // Kafka has deleted more since: letters that were read are not among it.
        assert_eq!(deleted(&gaps, &[(0, 100)].into()), [(0, 51)].into());
    }
}
