/// What a member does in a second: it takes from all its partitions alike, as far as they have something. `waiting`: partitions and
/// their records.
pub(super) fn share_out(mut waiting: Vec<(usize, f64)>, mut capacity: f64) -> Vec<(usize, f64)> {
    waiting.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut left = waiting.len();
    for (_, records) in &mut waiting {
        *records = records.min(capacity / left as f64);
        capacity -= *records;
        left -= 1;
    }
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_partitions_are_done_and_the_large_ones_share_the_rest() {
        let done = share_out(vec![(0, 100.0), (1, 5.0), (2, 60.0)], 65.0);
        assert_eq!(done, [(1, 5.0), (2, 30.0), (0, 30.0)]);
        assert_eq!(share_out(vec![(0, 3.0)], 65.0), [(0, 3.0)]);
    }
}
