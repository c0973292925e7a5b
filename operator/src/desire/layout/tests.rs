use std::collections::{BTreeMap, BTreeSet};

use millrace_crds::LayoutPolicy;
use proptest::prelude::*;

use super::{Away, Goal, flaw, place, target};
use crate::kafka::{BrokerId, ObservedBroker, ObservedPartition};

fn brokers(racks: &[u8]) -> BTreeMap<BrokerId, ObservedBroker> {
    (0..)
        .zip(racks)
        .map(|(id, rack)| {
            let rack = Some(format!("rack-{rack}"));
            (id, ObservedBroker { rack })
        })
        .collect()
}

fn spread(counts: impl Iterator<Item = usize> + Clone) -> usize {
    counts.clone().max().unwrap_or_default() - counts.min().unwrap_or_default()
}

fn rack(racks: &[u8], id: BrokerId) -> Option<u8> {
    racks.get(usize::try_from(id).ok()?).copied()
}

fn racks_of(racks: &[u8], replicas: &[BrokerId]) -> usize {
    let set: BTreeSet<_> = replicas.iter().filter_map(|id| rack(racks, *id)).collect();
    set.len()
}

fn distinct(racks: &[u8]) -> usize {
    racks.iter().collect::<BTreeSet<_>>().len()
}

fn squares(brokers: usize, layout: &[Vec<BrokerId>]) -> usize {
    let held = |id: usize| {
        layout
            .iter()
            .flatten()
            .filter(|b| usize::try_from(**b) == Ok(id))
            .count()
    };
    (0..brokers).map(|id| held(id) * held(id)).sum()
}

fn moves(present: &[Vec<BrokerId>], layout: &[Vec<BrokerId>]) -> usize {
    present
        .iter()
        .zip(layout)
        .map(|(old, new)| new.iter().filter(|id| !old.contains(id)).count())
        .sum()
}

fn goal(replicas: usize, policy: LayoutPolicy) -> Goal {
    Goal {
        replicas,
        policy,
        away: Away::Replaced,
    }
}

/// All sets of `size` brokers in as many racks as possible.
fn sets(racks: &[u8], size: usize) -> Vec<Vec<BrokerId>> {
    let all = 0..(1_u32 << racks.len());
    let sets = all.map(|bits| {
        let ids = (0..).zip(racks).map(|(id, _): (BrokerId, _)| id);
        ids.filter(|id| bits & (1 << id) != 0).collect::<Vec<_>>()
    });
    sets.filter(|set| set.len() == size && racks_of(racks, set) == size.min(distinct(racks)))
        .collect()
}

/// The least of (sum of squares, moves) over all layouts in which replicas lie in as many racks as possible.
fn exhaustive(racks: &[u8], present: &[Vec<BrokerId>], size: usize) -> (usize, usize) {
    let sets = sets(racks, size);
    let mut layouts: Vec<Vec<Vec<BrokerId>>> = vec![Vec::new()];
    for _ in present {
        layouts = layouts
            .iter()
            .flat_map(|layout| {
                sets.iter().map(move |set| {
                    let mut longer = layout.clone();
                    longer.push(set.clone());
                    longer
                })
            })
            .collect();
    }
    layouts
        .iter()
        .map(|layout| (squares(racks.len(), layout), moves(present, layout)))
        .min()
        .unwrap()
}

/// The least sum of squares of leaders over all choices of one of each partition's replicas.
fn evenest_leaders(brokers: usize, layout: &[Vec<BrokerId>]) -> usize {
    let mut choices: Vec<Vec<Vec<BrokerId>>> = vec![Vec::new()];
    for replicas in layout {
        choices = choices
            .iter()
            .flat_map(|choice| {
                replicas.iter().map(move |id| {
                    let mut longer = choice.clone();
                    longer.push(vec![*id]);
                    longer
                })
            })
            .collect();
    }
    choices
        .iter()
        .map(|choice| squares(brokers, choice))
        .min()
        .unwrap()
}

fn leaders(layout: &[Vec<BrokerId>]) -> Vec<Vec<BrokerId>> {
    layout
        .iter()
        .map(|replicas| replicas[..1].to_vec())
        .collect()
}

/// Racks of some brokers, and partitions whose replicas lie anywhere, on brokers that are gone (7, 8) too.
fn anywhere(
    most_brokers: usize,
    most_partitions: usize,
) -> impl Strategy<Value = (Vec<u8>, Vec<Vec<BrokerId>>)> {
    (1..=most_brokers).prop_flat_map(move |count| {
        let ids: Vec<BrokerId> = (0..).take(count).chain([7, 8]).collect();
        let replicas = prop::sample::subsequence(ids, 1..=3.min(count + 2)).prop_shuffle();
        (
            prop::collection::vec(0_u8..4, count),
            prop::collection::vec(replicas, 1..=most_partitions),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_layout_that_keeps_the_rules_moves_less((racks, present) in anywhere(4, 3), wanted in 1_usize..4) {
        let size = wanted.min(racks.len());
        let layout = target("orders", &brokers(&racks), &present, goal(size, LayoutPolicy::Balance));
        for replicas in &layout {
            prop_assert_eq!(replicas.iter().collect::<BTreeSet<_>>().len(), size);
            prop_assert_eq!(racks_of(&racks, replicas), size.min(distinct(&racks)), "as many racks as possible");
        }
        let found = (squares(racks.len(), &layout), moves(&present, &layout));
        prop_assert_eq!(found, exhaustive(&racks, &present, size), "{:?}", layout);
        let led = squares(racks.len(), &leaders(&layout));
        prop_assert_eq!(led, evenest_leaders(racks.len(), &layout), "leaders are as even as the replicas allow");
    }

    #[test]
    fn a_target_is_its_own_target((racks, present) in anywhere(7, 12), wanted in 1_usize..4) {
        let brokers = brokers(&racks);
        let size = wanted.min(racks.len());
        for policy in [LayoutPolicy::Balance, LayoutPolicy::Keep] {
            let layout = target("orders", &brokers, &present, goal(size, policy));
            prop_assert_eq!(&layout, &target("orders", &brokers, &present, goal(size, policy)), "deterministic");
            prop_assert_eq!(&layout, &target("orders", &brokers, &layout, goal(size, policy)), "nothing is left to do");
        }
    }

    #[test]
    fn brokers_of_even_racks_are_within_one_and_so_are_leaders(
        per_rack in 1_usize..4, racks in 1_u8..4, wanted in 1_usize..4, seed in prop::collection::vec(prop::sample::subsequence((0..9).collect::<Vec<BrokerId>>(), 1..4), 1..16),
    ) {
        let racks: Vec<u8> = (0..racks).flat_map(|rack| std::iter::repeat_n(rack, per_rack)).collect();
        let brokers = brokers(&racks);
        let layout = target("orders", &brokers, &seed, goal(wanted.min(racks.len()), LayoutPolicy::Balance));
        let held = brokers.keys().map(|id| layout.iter().flatten().filter(|b| *b == id).count());
        prop_assert!(spread(held) <= 1);
        let led = brokers.keys().map(|id| layout.iter().filter(|p| p[0] == *id).count());
        prop_assert!(spread(led) <= 1);
    }

    #[test]
    fn keeping_moves_only_what_is_missing((racks, present) in anywhere(6, 8), wanted in 1_usize..4, counted in any::<bool>()) {
        let size = wanted.min(racks.len());
        let away = if counted { Away::Counted } else { Away::Replaced };
        let layout = target("orders", &brokers(&racks), &present, Goal { replicas: size, policy: LayoutPolicy::Keep, away });
        for (old, new) in present.iter().zip(&layout) {
            let stays: Vec<BrokerId> = old.iter().copied().filter(|id| new.contains(id)).collect();
            prop_assert_eq!(new.len(), size);
            prop_assert_eq!(&new[..stays.len()], stays.as_slice(), "the order is kept");
            let up = old.iter().filter(|id| rack(&racks, **id).is_some()).count();
            let placed = if counted { old.len() } else { up };
            prop_assert_eq!(stays.len(), size.min(placed), "what may stay does");
        }
    }

    #[test]
    fn replicas_lie_apart_and_leaders_are_spread(
        racks in prop::collection::vec(0_u8..4, 1..9),
        count in 1_usize..40,
        wanted in 1_usize..5,
        topic in "[a-z]{1,8}",
    ) {
        let replicas = wanted.min(racks.len());
        let brokers = brokers(&racks);
        let placed = place(&topic, &brokers, &[], count, replicas);
        prop_assert_eq!(placed.len(), count);
        for partition in &placed {
            prop_assert_eq!(partition.len(), replicas);
            prop_assert_eq!(partition.iter().collect::<BTreeSet<_>>().len(), replicas, "a broker holds a partition once");
            prop_assert_eq!(racks_of(&racks, partition), replicas.min(distinct(&racks)), "racks are used before any is used twice");
        }
        let leads = brokers.keys().map(|id| placed.iter().filter(|p| p[0] == *id).count());
        prop_assert!(spread(leads) <= 1, "leaders are within one");
        prop_assert_eq!(&placed, &place(&topic, &brokers, &[], count, replicas), "the same input gives the same placement");
        prop_assert_eq!(&placed, &target(&topic, &brokers, &placed, goal(replicas, LayoutPolicy::Balance)), "a new topic is balanced");
    }

    #[test]
    fn added_partitions_even_out_what_is_there(have in 0_usize..12, more in 1_usize..12) {
        let brokers = brokers(&[0, 1, 2]);
        let existing: Vec<ObservedPartition> = place("orders", &brokers, &[], have, 2)
            .into_iter()
            .map(|replicas| ObservedPartition { leader: replicas.first().copied(), isr: replicas.clone(), replicas })
            .collect();
        let all = existing.iter().map(|p| p.replicas.clone()).chain(place("orders", &brokers, &existing, more, 2)).collect::<Vec<_>>();
        let leads = brokers.keys().map(|id| all.iter().filter(|p| p[0] == *id).count());
        prop_assert!(spread(leads) <= 1);
        let holds = brokers.keys().map(|id| all.iter().flatten().filter(|b| *b == id).count());
        prop_assert!(spread(holds) <= 1);
    }
}

#[test]
fn a_new_broker_gets_its_share_and_no_more_is_moved() {
    let four = brokers(&[0, 1, 2, 3]);
    let three = brokers(&[0, 1, 2]);
    let present = place("orders", &three, &[], 12, 2);
    let layout = target("orders", &four, &present, goal(2, LayoutPolicy::Balance));
    assert_eq!(moves(&present, &layout), 6, "a quarter of 24");
    let led = four
        .keys()
        .map(|id| layout.iter().filter(|p| p[0] == *id).count());
    assert_eq!(spread(led), 0);
}

#[test]
fn a_replica_on_a_broker_that_is_away_counts_until_it_is_to_be_replaced() {
    let two = brokers(&[0, 1]);
    let kept = Goal {
        replicas: 2,
        policy: LayoutPolicy::Balance,
        away: Away::Counted,
    };
    assert_eq!(target("orders", &two, &[vec![7, 0]], kept), [vec![7, 0]]);
    let replaced = Goal {
        away: Away::Replaced,
        ..kept
    };
    assert_eq!(
        target("orders", &two, &[vec![7, 0]], replaced),
        [vec![0, 1]]
    );
    let fewer = Goal {
        replicas: 1,
        ..kept
    };
    assert_eq!(
        target("orders", &two, &[vec![7, 0]], fewer),
        [vec![0]],
        "what is away goes first"
    );
}

#[test]
fn a_flaw_names_what_lies_badly_and_what_to_write() {
    let four = brokers(&[0, 0, 1, 1]);
    let told = |present: &[Vec<BrokerId>], replicas| flaw("orders", &four, present, replicas);
    assert_eq!(
        told(&[vec![0, 1]], 2).unwrap(),
        "topic `orders`: partition 0 lies 2 times in rack `rack-0` (brokers 0 and 1) and not in rack `rack-1`: write `layoutPolicy: Balance` to have 1 replica moved"
    );
    let held = told(&[vec![0, 2], vec![2, 0], vec![0, 2], vec![2, 0]], 2).unwrap();
    assert!(
        held.contains("holds 4 replicas and broker") && held.contains("have 4 replicas moved"),
        "{held}"
    );
    let led = told(&[vec![0, 2], vec![0, 3], vec![1, 2], vec![1, 3]], 2).unwrap();
    assert!(
        led.contains("is the preferred leader of 2 partitions")
            && led.ends_with("which moves no data"),
        "{led}"
    );
    assert_eq!(told(&[vec![0, 2], vec![3, 1]], 2), None);
}
