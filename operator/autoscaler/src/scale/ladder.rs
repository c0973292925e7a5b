/// From one step of a ladder to the next the busiest replica's partitions become fewer by this factor at the least: less is not
/// worth a rebalance.
const STEP: f64 = 1.45;

/// The numbers of replicas worth having for so many partitions, from 1 up to all of them.
///
/// Assignors count partitions, so the busiest of n replicas has `ceil(P/n)` of P: of all n with the same quotient only the least
/// is worth its pods.
pub(super) fn ladder(partitions: usize) -> Vec<i32> {
    let mut steps: Vec<usize> = (1..=partitions)
        .map(|most| partitions.div_ceil(most))
        .collect();
    steps.reverse();
    steps.dedup();
    let busiest = |step: usize| partitions.div_ceil(step) as f64;
    let mut kept: Vec<usize> = Vec::new();
    for step in steps {
        match kept.last() {
            Some(last) if busiest(*last) < busiest(step) * STEP && step < partitions => {}
            _ => kept.push(step),
        }
    }
    kept.into_iter()
        .map(|step| i32::try_from(step).unwrap_or(i32::MAX))
        .collect()
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
    let below = |step: &i32| *step < without_idle(replicas, partitions);
    ladder(partitions).into_iter().rfind(below).unwrap_or(1)
}

/// The next more replicas that make a difference; none above the partitions.
pub(super) fn one_more(replicas: i32, partitions: usize) -> Option<i32> {
    ladder(partitions).into_iter().find(|step| *step > replicas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_take_partitions_off_the_busiest_are_chosen() {
        assert_eq!(ladder(0), []);
        assert_eq!(ladder(1), [1]);
        assert_eq!(ladder(12), [1, 2, 3, 6, 12]);
        assert_eq!(ladder(24), [1, 2, 3, 5, 8, 12, 24]);
        assert_eq!(ladder(7), [1, 2, 4, 7]);
        assert_eq!([5, 7, 11, 12].map(|n| without_idle(n, 12)), [4, 6, 6, 12]);
        assert_eq!(
            [12, 6, 4, 3, 2, 1].map(|n| one_less(n, 12)),
            [6, 3, 3, 2, 1, 1]
        );
        assert_eq!(
            [0, 1, 4, 12].map(|n| one_more(n, 12)),
            [Some(1), Some(2), Some(6), None]
        );
    }
}
