use millrace_crds::ReasonCount;

use super::Origin;

/// A count as a status has it.
pub fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Letters by reason and source as a status has them.
pub fn reason_counts(by_origin: &[(Origin, u64)]) -> Vec<ReasonCount> {
    let told = |(origin, count): &(Origin, u64)| ReasonCount {
        reason: origin.reason.clone(),
        source: origin.source.clone(),
        count: whole(*count),
    };
    by_origin.iter().map(told).collect()
}
