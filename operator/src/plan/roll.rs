use std::collections::{BTreeMap, BTreeSet};

use crate::{
    kafka::{BrokerId, ObservedPartition},
    world::{NodePod, PodState, View},
};

/// What has to be done so that all pods come from the wanted template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roll {
    /// They do.
    UpToDate,
    /// Some do not, but none may go now; why.
    Wait(String),
    /// This pod has to be replaced.
    Replace(NodePod),
}

/// Which pod is to be replaced next, if one may be.
///
/// A pod that does not run anyway goes first: nothing is lost with it, and the new template may be its cure. One that runs goes
/// only while all `nodes` are up and every partition keeps `min.insync.replicas` in-sync replicas without it
/// (`default_min_isr` where the topic has no value of its own) — or, for a partition that has no replica to spare, all of its others.
/// The pod with the highest ordinal goes first, as in a StatefulSet.
///
/// `view` is None while Kafka does not answer.
pub fn roll(
    pods: &BTreeMap<BrokerId, NodePod>,
    nodes: usize,
    template: &str,
    view: Option<&View>,
    default_min_isr: usize,
) -> Roll {
    let outdated: Vec<&NodePod> = pods
        .values()
        .rev()
        .filter(|pod| pod.template.as_deref() != Some(template))
        .collect();
    if outdated
        .iter()
        .all(|pod| pod.state == PodState::Terminating)
        && pods.len() == nodes
    {
        return if outdated.is_empty() {
            Roll::UpToDate
        } else {
            wait_for(outdated[0], "is being replaced")
        };
    }
    if let Some(stuck) = outdated
        .iter()
        .find(|pod| matches!(pod.state, PodState::Stuck(_)))
    {
        return Roll::Replace((*stuck).clone());
    }
    if let Some(obstacle) = not_all_up(pods, nodes) {
        return obstacle;
    }
    let Some(view) = view else {
        return Roll::Wait(
            "waiting for Kafka to answer: which replicas are in sync cannot be told".to_owned(),
        );
    };
    let missing: BTreeSet<&BrokerId> = pods
        .keys()
        .filter(|id| !view.cluster.brokers.contains_key(id))
        .collect();
    if let Some(missing) = missing.first() {
        return Roll::Wait(format!("waiting for broker {missing} to join the cluster"));
    }
    match outdated.first() {
        None => Roll::UpToDate,
        Some(pod) => match needed(pod.broker, view, default_min_isr) {
            None => Roll::Replace((*pod).clone()),
            Some(why) => Roll::Wait(format!(
                "{} has to be replaced and cannot go yet: {why}",
                pod.name
            )),
        },
    }
}

fn not_all_up(pods: &BTreeMap<BrokerId, NodePod>, nodes: usize) -> Option<Roll> {
    let waiting = pods.values().find_map(|pod| match &pod.state {
        PodState::Ready => None,
        PodState::Starting => Some(wait_for(pod, "is starting")),
        PodState::Terminating => Some(wait_for(pod, "is being replaced")),
        PodState::Stuck(why) => Some(wait_for(pod, why)),
    });
    waiting.or_else(|| {
        (pods.len() < nodes).then(|| {
            Roll::Wait(format!(
                "waiting for {nodes} pods, {} are there",
                pods.len()
            ))
        })
    })
}

fn wait_for(pod: &NodePod, why: &str) -> Roll {
    Roll::Wait(format!("waiting for pod {}: {why}", pod.name))
}

/// The first partition that cannot do without the broker now.
fn needed(broker: BrokerId, view: &View, default_min_isr: usize) -> Option<String> {
    view.topics.iter().find_map(|(name, topic)| {
        let configured = topic
            .config
            .get("min.insync.replicas")
            .and_then(|text| text.parse().ok());
        let min_isr = configured.unwrap_or(default_min_isr);
        let mut partitions = topic.partitions.iter().enumerate();
        let (number, partition) =
            partitions.find(|(_, partition)| !can_spare(partition, broker, min_isr))?;
        Some(format!(
            "partition {name}-{number} would be left with {} in-sync replicas, {} are needed",
            partition.isr.iter().filter(|id| **id != broker).count(),
            floor(partition, min_isr),
        ))
    })
}

fn can_spare(partition: &ObservedPartition, broker: BrokerId, min_isr: usize) -> bool {
    let left = partition.isr.iter().filter(|id| **id != broker).count();
    !partition.isr.contains(&broker) || left >= floor(partition, min_isr)
}

/// In-sync replicas that must be left: waiting can never bring more than the partition has without the broker.
fn floor(partition: &ObservedPartition, min_isr: usize) -> usize {
    min_isr.min(partition.replicas.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::kafka::{ObservedBroker, ObservedCluster, ObservedTopic};

    const NEW: &str = "new";

    fn pods(pods: &[(&str, PodState)]) -> BTreeMap<BrokerId, NodePod> {
        NodePod::by_broker(
            pods.iter()
                .zip(0..)
                .map(|((template, state), broker)| NodePod {
                    name: format!("main-nodes-{broker}"),
                    uid: broker.to_string(),
                    broker,
                    template: Some((*template).to_owned()),
                    state: state.clone(),
                }),
        )
    }

    fn view(partitions: &[(&[BrokerId], &[BrokerId])], brokers: i32) -> View {
        let partition = |(replicas, isr): &(&[BrokerId], &[BrokerId])| ObservedPartition {
            leader: isr.first().copied(),
            replicas: replicas.to_vec(),
            isr: isr.to_vec(),
        };
        let topic = ObservedTopic {
            partitions: partitions.iter().map(partition).collect(),
            ..ObservedTopic::default()
        };
        let brokers = (0..brokers)
            .map(|id| (id, ObservedBroker::default()))
            .collect();
        View {
            cluster: ObservedCluster {
                brokers,
                ..ObservedCluster::default()
            },
            topics: BTreeMap::from([("orders".to_owned(), Arc::new(topic))]),
            ..View::default()
        }
    }

    fn replaced(roll: Roll) -> Option<BrokerId> {
        if let Roll::Replace(pod) = roll {
            Some(pod.broker)
        } else {
            None
        }
    }

    fn reason(roll: Roll) -> String {
        if let Roll::Wait(why) = roll {
            why
        } else {
            panic!("{roll:?} is not a wait")
        }
    }

    use PodState::{Ready, Starting, Terminating};

    #[test]
    fn nothing_to_do_when_every_pod_has_the_template() {
        let pods = pods(&[(NEW, Ready), (NEW, Ready), (NEW, Ready)]);
        assert_eq!(
            roll(
                &pods,
                3,
                NEW,
                Some(&view(&[(&[0, 1, 2], &[0, 1, 2])], 3)),
                2
            ),
            Roll::UpToDate
        );
    }

    #[test]
    fn the_highest_ordinal_goes_first_while_all_are_in_sync() {
        let pods = pods(&[("old", Ready), ("old", Ready), (NEW, Ready)]);
        let decision = roll(
            &pods,
            3,
            NEW,
            Some(&view(&[(&[0, 1, 2], &[0, 1, 2])], 3)),
            2,
        );
        assert_eq!(replaced(decision), Some(1));
    }

    #[test]
    fn a_broker_that_a_partition_needs_stays_and_the_partition_is_named() {
        let pods = pods(&[("old", Ready), ("old", Ready), ("old", Ready)]);
        let decision = roll(
            &pods,
            3,
            NEW,
            Some(&view(&[(&[0, 1, 2], &[0, 1, 2]), (&[0, 1, 2], &[0, 2])], 3)),
            2,
        );
        assert_eq!(
            reason(decision),
            "main-nodes-2 has to be replaced and cannot go yet: partition orders-1 would be left with 1 in-sync replicas, 2 are needed"
        );
    }

    #[test]
    fn one_pod_at_a_time() {
        let lagging = view(&[(&[0, 1, 2], &[0, 1, 2])], 3);
        for state in [Starting, Terminating] {
            let pods = pods(&[("old", Ready), ("old", Ready), (NEW, state)]);
            assert!(reason(roll(&pods, 3, NEW, Some(&lagging), 2)).contains("main-nodes-2"));
        }
        let two = pods(&[("old", Ready), ("old", Ready)]);
        assert_eq!(
            reason(roll(&two, 3, NEW, Some(&lagging), 2)),
            "waiting for 3 pods, 2 are there"
        );
    }

    #[test]
    fn a_broker_that_has_not_joined_is_waited_for_and_so_is_kafka() {
        let pods = pods(&[("old", Ready), ("old", Ready), (NEW, Ready)]);
        let decision = roll(&pods, 3, NEW, Some(&view(&[], 2)), 2);
        assert_eq!(reason(decision), "waiting for broker 2 to join the cluster");
        assert!(reason(roll(&pods, 3, NEW, None, 2)).contains("Kafka"));
    }

    #[test]
    fn a_pod_that_cannot_start_from_the_old_template_goes_at_once() {
        let pods = pods(&[
            ("old", Ready),
            ("old", PodState::Stuck("ImagePullBackOff".into())),
            (NEW, Starting),
        ]);
        assert_eq!(replaced(roll(&pods, 3, NEW, None, 2)), Some(1));
    }

    #[test]
    fn a_pod_that_cannot_start_from_the_new_template_stops_the_roll() {
        let pods = pods(&[
            ("old", Ready),
            ("old", Ready),
            (NEW, PodState::Stuck("ImagePullBackOff".into())),
        ]);
        let decision = roll(&pods, 3, NEW, Some(&view(&[(&[0, 1, 2], &[0, 1])], 2)), 2);
        assert_eq!(
            reason(decision),
            "waiting for pod main-nodes-2: ImagePullBackOff"
        );
    }

    #[test]
    fn a_partition_without_a_replica_to_spare_cannot_block_for_ever() {
        let single = pods(&[("old", Ready)]);
        assert_eq!(
            replaced(roll(&single, 1, NEW, Some(&view(&[(&[0], &[0])], 1)), 1)),
            Some(0)
        );
        let three = pods(&[(NEW, Ready), (NEW, Ready), ("old", Ready)]);
        assert_eq!(
            replaced(roll(&three, 3, NEW, Some(&view(&[(&[2], &[2])], 3)), 2)),
            Some(2)
        );
        let two_replicas = view(&[(&[1, 2], &[2])], 3);
        assert!(
            reason(roll(&three, 3, NEW, Some(&two_replicas), 2))
                .contains("0 in-sync replicas, 1 are needed")
        );
    }

    #[test]
    fn the_topics_own_minimum_counts() {
        let pods = pods(&[(NEW, Ready), (NEW, Ready), ("old", Ready)]);
        let mut view = view(&[(&[0, 1, 2], &[0, 2])], 3);
        let mut topic = ObservedTopic::clone(&view.topics["orders"]);
        topic
            .config
            .insert("min.insync.replicas".into(), "1".into());
        view.topics.insert("orders".into(), Arc::new(topic));
        assert_eq!(replaced(roll(&pods, 3, NEW, Some(&view), 2)), Some(2));
    }

    fn any_state() -> impl Strategy<Value = PodState> {
        prop_oneof![
            Just(Ready),
            Just(Starting),
            Just(Terminating),
            Just(PodState::Stuck("stuck".into()))
        ]
    }

    proptest! {
        #[test]
        fn a_running_pod_never_goes_at_the_cost_of_a_partition(
            states in prop::collection::vec((any::<bool>(), any_state()), 0..=3),
            isrs in prop::collection::vec(prop::collection::btree_set(0..3, 0..=3), 0..4),
            up in 0..=3,
        ) {
            let states: Vec<_> = states.into_iter().map(|(old, state)| (if old { "old" } else { NEW }, state)).collect();
            let pods = pods(&states);
            let isrs: Vec<Vec<BrokerId>> = isrs.into_iter().map(|isr| isr.into_iter().collect()).collect();
            let partitions: Vec<(&[BrokerId], &[BrokerId])> = isrs.iter().map(|isr| (&[0, 1, 2][..], &isr[..])).collect();
            let view = view(&partitions, up);
            if let Roll::Replace(pod) = roll(&pods, 3, NEW, Some(&view), 2) {
                prop_assert_eq!(pod.template.as_deref(), Some("old"));
                if pod.state == Ready {
                    prop_assert!(pods.len() == 3 && pods.values().all(|pod| pod.state == Ready) && up == 3);
                    for isr in isrs.iter().filter(|isr| isr.contains(&pod.broker)) {
                        prop_assert!(isr.len() > 2);
                    }
                } else {
                    prop_assert!(matches!(pod.state, PodState::Stuck(_)));
                }
            }
        }
    }
}
