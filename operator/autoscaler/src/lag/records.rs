use crate::{OffsetReset, PartitionOffsets};

/// Records of one partition that the group has not processed, at least 0.
///
/// Records that retention took away are no lag, and a committed offset behind the end (a topic made anew) is none either.
/// Without a committed offset the group begins where its `auto.offset.reset` says.
pub fn records(offsets: &PartitionOffsets, reset: OffsetReset) -> i64 {
    offsets.end.saturating_sub(next(offsets, reset)).max(0)
}

/// The offset the group reads next.
pub(super) fn next(offsets: &PartitionOffsets, reset: OffsetReset) -> i64 {
    match (offsets.committed, reset) {
        (Some(committed), _) => committed.max(offsets.log_start),
        (None, OffsetReset::Earliest) => offsets.log_start,
        (None, OffsetReset::Latest) => offsets.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(committed: Option<i64>, log_start: i64, end: i64) -> i64 {
        records(
            &PartitionOffsets {
                committed,
                log_start,
                end,
            },
            OffsetReset::Earliest,
        )
    }

    #[test]
    fn lag_is_what_lies_between_the_committed_offset_and_the_end() {
        assert_eq!(lag(Some(40), 0, 100), 60);
    }

    #[test]
    fn records_that_retention_took_are_no_lag() {
        assert_eq!(lag(Some(40), 70, 100), 30);
    }

    #[test]
    fn a_committed_offset_beyond_the_end_is_no_lag() {
        assert_eq!(lag(Some(500), 0, 100), 0);
    }

    #[test]
    fn without_a_committed_offset_the_reset_decides() {
        let offsets = PartitionOffsets {
            committed: None,
            log_start: 10,
            end: 100,
        };
        assert_eq!(records(&offsets, OffsetReset::Earliest), 90);
        assert_eq!(records(&offsets, OffsetReset::Latest), 0);
    }
}
