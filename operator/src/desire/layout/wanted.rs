use std::collections::BTreeMap;

use millrace_crds::LayoutPolicy;

use super::{Away, Goal, target};
use crate::{
    kafka::{BrokerId, ObservedCluster, ObservedTopic, OngoingReassignment, TopicPartition},
    resolve::ResolvedTopic,
};

/// The replicas of each partition of a topic, moves that are under way counted as done.
pub fn settled(
    topic: &str,
    observed: &ObservedTopic,
    ongoing: &BTreeMap<TopicPartition, OngoingReassignment>,
) -> Vec<Vec<BrokerId>> {
    let numbered = (0..).zip(&observed.partitions);
    numbered
        .map(|(partition, at)| {
            let topic = topic.into();
            let moving = ongoing.get(&TopicPartition { topic, partition });
            moving.map_or_else(|| at.replicas.clone(), OngoingReassignment::target)
        })
        .collect()
}

/// Replicas where none are written and partitions differ, on a cluster that has as many brokers.
const DEFAULT_REPLICAS: usize = 3;

/// Replicas each partition shall have. Where the spec names no number: those the topic has; the default, if its partitions differ.
pub fn replicas(
    desired: &ResolvedTopic,
    settled: &[Vec<BrokerId>],
    cluster: &ObservedCluster,
) -> usize {
    let first = settled.first().map_or(1, Vec::len);
    let present = || match settled.iter().all(|at| at.len() == first) {
        true => first,
        false => DEFAULT_REPLICAS.min(cluster.brokers.len()),
    };
    desired.replicas.unwrap_or_else(present).max(1)
}

/// Where the partitions of a topic shall lie. None where that cannot be told: more replicas are asked for than brokers are up.
///
/// While a broker that holds a replica is away, nothing is balanced: it may come back with its data. The number of replicas is
/// made right all the same.
pub fn wanted(
    desired: &ResolvedTopic,
    observed: &ObservedTopic,
    ongoing: &BTreeMap<TopicPartition, OngoingReassignment>,
    cluster: &ObservedCluster,
) -> Option<Vec<Vec<BrokerId>>> {
    let name = desired.name.as_str();
    let settled = settled(name, observed, ongoing);
    let replicas = replicas(desired, &settled, cluster);
    let is_up = |id: &BrokerId| cluster.brokers.contains_key(id);
    let policy = match settled.iter().flatten().all(is_up) {
        true => desired.layout,
        false => LayoutPolicy::Keep,
    };
    if policy == LayoutPolicy::Keep && settled.iter().all(|at| at.len() == replicas) {
        return Some(settled);
    }
    let goal = Goal {
        replicas,
        policy,
        away: Away::Counted,
    };
    (replicas <= cluster.brokers.len()).then(|| target(name, &cluster.brokers, &settled, goal))
}
