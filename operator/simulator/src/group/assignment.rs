/// The range assignor: partitions in blocks, the first members with one more where it does not come out even.
pub(super) fn range(members: &[u32], partitions: usize) -> Vec<(u32, Vec<usize>)> {
    let count = members.len().max(1);
    let (each, more) = (partitions / count, partitions % count);
    let mut next = 0;
    let mut block = |at: usize| {
        let start = next;
        next += each + usize::from(at < more);
        (start..next).collect()
    };
    members
        .iter()
        .enumerate()
        .map(|(at, member)| (*member, block(at)))
        .collect()
}

/// The sticky assignors: even, and nobody loses more than that takes.
pub(super) fn sticky(
    before: &[(u32, Vec<usize>)],
    members: &[u32],
    partitions: usize,
) -> Vec<(u32, Vec<usize>)> {
    if members.is_empty() {
        return Vec::new();
    }
    let (each, mut more) = (partitions / members.len(), partitions % members.len());
    let mut owned = vec![false; partitions];
    let mut after: Vec<(u32, Vec<usize>)> = members
        .iter()
        .map(|member| {
            let had = before.iter().find(|(other, _)| other == member);
            (*member, had.map_or_else(Vec::new, |(_, had)| had.clone()))
        })
        .collect();
    // Those that had most may keep one more.
    let mut order: Vec<usize> = (0..after.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(after[at].1.len()));
    let mut quota = vec![each; after.len()];
    for &at in &order {
        if more > 0 {
            quota[at] += 1;
            more -= 1;
        }
    }
    for (at, (_, had)) in after.iter_mut().enumerate() {
        had.truncate(quota[at]);
        had.iter().for_each(|&partition| owned[partition] = true);
    }
    let mut free = (0..partitions).filter(|&partition| !owned[partition]);
    for (at, (_, has)) in after.iter_mut().enumerate() {
        has.extend(free.by_ref().take(quota[at] - has.len()));
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(assignment: &[(u32, Vec<usize>)]) -> Vec<usize> {
        assignment
            .iter()
            .map(|(_, partitions)| partitions.len())
            .collect()
    }

    #[test]
    fn range_deals_out_blocks() {
        assert_eq!(range(&[7, 9], 3), [(7, vec![0, 1]), (9, vec![2])]);
        assert_eq!(range(&[], 3), []);
    }

    #[test]
    fn sticky_is_even_and_moves_little() {
        let three = sticky(&range(&[1, 2], 6), &[1, 2, 3], 6);
        assert_eq!(sizes(&three), [2, 2, 2]);
        assert_eq!(three[0].1, [0, 1]);
        assert_eq!(three[1].1, [3, 4]);
        let two = sticky(&three, &[1, 3], 6);
        assert_eq!(sizes(&two), [3, 3]);
        let all: std::collections::BTreeSet<usize> =
            two.into_iter().flat_map(|(_, owned)| owned).collect();
        assert_eq!(all.len(), 6);
    }
}
