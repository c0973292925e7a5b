/// A change takes the busiest replica's partitions to so many times fewer or more at the least: less is not worth a rebalance.
const STEP: f64 = 1.45;

/// The numbers of replicas worth having for so many partitions, from 1 up to all of them.
///
/// Assignors count partitions, so the busiest of n replicas has `ceil(P/n)` of P: of all n with the same quotient only the least
/// is worth its pods.
pub(super) fn worth_having(partitions: usize) -> Vec<i32> {
    let mut numbers: Vec<i32> = (1..=partitions)
        .map(|most| i32::try_from(partitions.div_ceil(most)).unwrap_or(i32::MAX))
        .collect();
    numbers.reverse();
    numbers.dedup();
    numbers
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

/// Partitions of the busiest of so many replicas.
fn busiest(replicas: i32, partitions: usize) -> f64 {
    let replicas = usize::try_from(replicas).unwrap_or(1).max(1);
    partitions.div_ceil(replicas) as f64
}

/// The most replicas that are fewer by a step, or without those that make no difference; at least 1.
pub(super) fn a_step_less(replicas: i32, partitions: usize) -> i32 {
    let least = without_idle(replicas, partitions);
    if least < replicas {
        return least;
    }
    let now = busiest(replicas, partitions);
    let by_a_step = |fewer: &i32| busiest(*fewer, partitions) >= now * STEP;
    let found = worth_having(partitions).into_iter().rfind(by_a_step);
    found.unwrap_or(1)
}

/// The fewest replicas that are more by a step, or as many as there are partitions; none above these.
pub(super) fn a_step_more(replicas: i32, partitions: usize) -> Option<i32> {
    let now = busiest(replicas, partitions);
    let numbers = worth_having(partitions);
    let by_a_step = |more: &&i32| busiest(**more, partitions) * STEP <= now;
    let found = numbers.iter().find(by_a_step).or(numbers.last());
    found.copied().filter(|more| *more > replicas)
}

/// What is taken where `wanted` are needed, more than there are, and `next` would be a step more: no less than that, but where it
/// would soon be taken back to what is needed.
pub(super) fn at_least_a_step(wanted: i32, next: i32, partitions: usize) -> i32 {
    if a_step_less(next, partitions) < wanted {
        wanted.max(next)
    } else {
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_take_partitions_off_the_busiest_are_chosen() {
        assert_eq!(worth_having(0), []);
        assert_eq!(worth_having(1), [1]);
        assert_eq!(worth_having(7), [1, 2, 3, 4, 7]);
        assert_eq!(worth_having(12), [1, 2, 3, 4, 6, 12]);
        assert_eq!(worth_having(24), [1, 2, 3, 4, 5, 6, 8, 12, 24]);
        assert_eq!([5, 7, 11, 12].map(|n| without_idle(n, 12)), [4, 6, 6, 12]);
    }

    #[test]
    fn a_step_takes_nearly_a_third_off_the_busiest_or_puts_nearly_half_on() {
        let (up, down) = (|n| a_step_more(n, 24), |n| a_step_less(n, 24));
        assert_eq!([1, 2, 3, 4].map(up), [2, 3, 5, 6].map(Some));
        assert_eq!([5, 6, 8, 12].map(up), [8, 12, 12, 24].map(Some));
        assert_eq!([24, 12, 8, 6, 5].map(down), [12, 8, 5, 4, 3]);
        assert_eq!([4, 3, 2, 1].map(down), [2, 2, 1, 1]);
        assert_eq!([11, 7].map(down), [8, 6], "some make no difference");
        assert_eq!(a_step_more(24, 24), None);
        assert_eq!(a_step_more(3, 3), None);
        assert_eq!(a_step_more(1, 0), None);
    }

    #[test]
    fn what_is_needed_is_taken_exactly_where_it_is_a_step_or_a_step_would_be_taken_back_to_it() {
        let taken = |replicas, wanted| {
            let next = a_step_more(replicas, 24).unwrap();
            at_least_a_step(wanted, next, 24)
        };
        assert_eq!([6, 4, 2].map(|wanted| taken(1, wanted)), [6, 4, 2]);
        assert_eq!(taken(3, 4), 5, "four are less than a step");
        assert_eq!(taken(5, 6), 8, "six are less than a step");
        assert_eq!(taken(6, 8), 8, "twelve would be taken back to eight");
        assert_eq!(taken(12, 24), 24);
    }
}
