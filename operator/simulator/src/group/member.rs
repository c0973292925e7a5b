/// What a member does in a second: it takes from all its partitions alike, as far as they have something. `waiting`: partitions and
/// their records, of which those that it does are left.
pub(super) fn share_out(waiting: &mut [(usize, f64)], mut capacity: f64) {
    if waiting.iter().map(|(_, records)| records).sum::<f64>() <= capacity {
        return;
    }
    waiting.sort_unstable_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut left = waiting.len();
    for (_, records) in waiting {
        *records = records.min(capacity / left as f64);
        capacity -= *records;
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_partitions_are_done_and_the_large_ones_share_the_rest() {
        let mut waiting = [(0, 100.0), (1, 5.0), (2, 60.0)];
        share_out(&mut waiting, 65.0);
        assert_eq!(waiting, [(1, 5.0), (2, 30.0), (0, 30.0)]);
        let mut waiting = [(0, 3.0)];
        share_out(&mut waiting, 65.0);
        assert_eq!(waiting, [(0, 3.0)]);
    }
}
