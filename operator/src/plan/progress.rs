use std::time::Duration;

use millrace_crds::ReassignmentStatus;

/// How many bytes were left to be copied at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Since any fixed moment.
    pub at: Duration,
    /// Bytes that added replicas lack.
    pub bytes_left: u64,
}

/// How far moves have come, from looks in the order of time. The rate is that between the first and the last: give those of
/// the last minute. Without two looks, or while nothing is copied, rate and time are not known.
pub fn progress(partitions_left: usize, samples: &[Sample]) -> ReassignmentStatus {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let rate = samples
        .first()
        .zip(samples.last())
        .and_then(|(first, last)| {
            let copied = first.bytes_left.checked_sub(last.bytes_left)?;
            let millis = u64::try_from(last.at.checked_sub(first.at)?.as_millis()).ok()?;
            copied
                .saturating_mul(1000)
                .checked_div(millis)
                .filter(|rate| *rate > 0)
        });
    let left = samples.last().map(|sample| sample.bytes_left);
    ReassignmentStatus {
        partitions_left: i32::try_from(partitions_left).unwrap_or(i32::MAX),
        bytes_left: left.map(whole),
        bytes_per_second: rate.map(whole),
        seconds_left: left
            .zip(rate)
            .map(|(left, rate)| whole(left.div_ceil(rate))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Sample, progress};

    fn sample(seconds: u64, bytes_left: u64) -> Sample {
        Sample {
            at: Duration::from_secs(seconds),
            bytes_left,
        }
    }

    #[test]
    fn the_rate_is_what_was_copied_in_the_time_between() {
        let status = progress(3, &[sample(10, 1000), sample(15, 700), sample(20, 500)]);
        assert_eq!(
            (
                status.partitions_left,
                status.bytes_left,
                status.bytes_per_second,
                status.seconds_left
            ),
            (3, Some(500), Some(50), Some(10))
        );
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        assert_eq!(progress(1, &[]).bytes_left, None);
        let one = progress(1, &[sample(10, 1000)]);
        assert_eq!(
            (one.bytes_left, one.bytes_per_second, one.seconds_left),
            (Some(1000), None, None)
        );
        let grown = progress(1, &[sample(10, 1000), sample(20, 2000)]);
        assert_eq!((grown.bytes_left, grown.seconds_left), (Some(2000), None));
    }
}
