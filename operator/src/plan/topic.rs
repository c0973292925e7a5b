use std::collections::{BTreeMap, BTreeSet};

use super::{Blocked, KafkaStep, Plan, moves::THROTTLED};
use crate::{
    desire::layout,
    kafka::{
        ConfigChange, NewPartitions, NewTopic, ObservedCluster, ObservedPartition, ObservedTopic,
    },
    resolve::ResolvedTopic,
    status::reasons,
};

/// Replicas where none are written, on a cluster that has as many brokers.
const DEFAULT_REPLICAS: usize = 3;

/// What has to be done so that the topic is as desired. `owned` says that the resource has managed this topic before,
/// so that finding it in Kafka is no adoption.
pub fn topic(
    desired: &ResolvedTopic,
    observed: Option<&ObservedTopic>,
    cluster: &ObservedCluster,
    owned: bool,
) -> Plan {
    match observed {
        None => create(desired, cluster),
        Some(_) if !owned && !desired.adopt => blocked(
            reasons::NOT_ADOPTED,
            format!(
                "topic `{}` exists in Kafka already and was not made by this resource: write `adopt: true` to take it over as it is, or choose another name",
                desired.name
            ),
        ),
        Some(observed) => change(desired, observed, cluster),
    }
}

fn create(desired: &ResolvedTopic, cluster: &ObservedCluster) -> Plan {
    let replicas = desired
        .replicas
        .unwrap_or_else(|| default_replicas(cluster));
    if let Some(problem) = too_few_brokers(replicas, cluster) {
        return problem;
    }
    let partitions = match &desired.capped {
        Some(capped) => desired.partitions.min(capped.partitions),
        None => desired.partitions,
    };
    let step = KafkaStep::CreateTopic(NewTopic {
        name: desired.name.as_str().to_owned(),
        assignment: layout::place(
            desired.name.as_str(),
            &cluster.brokers,
            &[],
            partitions,
            replicas,
        ),
        config: desired
            .config
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
            .collect(),
    });
    Plan {
        steps: vec![step],
        blocked: over_limit(desired, partitions),
    }
}

fn change(desired: &ResolvedTopic, observed: &ObservedTopic, cluster: &ObservedCluster) -> Plan {
    let mut plan = Plan::default();
    plan.steps.extend(config(desired, observed));
    let (have, want) = (observed.partitions.len(), desired.partitions);
    let replicas = desired
        .replicas
        .unwrap_or_else(|| observed.replication_factor());
    plan.blocked.extend(over_limit(desired, have));
    // Kafka wants added partitions to have as many replicas as partition 0, whatever is wanted; they are changed afterwards.
    let added = observed.partitions.first().map_or(0, |p| p.replicas.len());
    if want > have && desired.capped.is_none() {
        match too_few_brokers(added, cluster) {
            Some(problem) => plan.blocked.extend(problem.blocked),
            None => plan.steps.push(KafkaStep::CreatePartitions(NewPartitions {
                topic: desired.name.as_str().to_owned(),
                total: want,
                assignment: layout::place(
                    desired.name.as_str(),
                    &cluster.brokers,
                    &observed.partitions,
                    want - have,
                    added,
                ),
            })),
        }
    }
    if want < have {
        plan.blocked.push(Blocked {
            reason: reasons::PARTITIONS_CANNOT_SHRINK,
            message: format!("topic `{}` has {have} partitions and Kafka cannot take any away: write `partitions: {have}` or more, or move to a new topic", desired.name),
        });
    }
    let fewer = |partition: &ObservedPartition| partition.replicas.len() < replicas;
    if observed.partitions.iter().any(fewer) {
        let problem = too_few_brokers(replicas, cluster);
        plan.blocked
            .extend(problem.into_iter().flat_map(|problem| problem.blocked));
    }
    plan
}

/// Partitions that the namespace's limit has no room for are not added; what is there stays.
fn over_limit(desired: &ResolvedTopic, have: usize) -> Vec<Blocked> {
    let capped = desired.capped.iter().filter(|_| desired.partitions > have);
    capped
        .map(|capped| Blocked {
            reason: capped.why.reason,
            message: capped.why.message.clone(),
        })
        .collect()
}

fn config(desired: &ResolvedTopic, observed: &ObservedTopic) -> Option<KafkaStep> {
    let set: BTreeMap<String, String> = desired
        .config
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
        .filter(|(key, value)| observed.config.get(key) != Some(value))
        .collect();
    let reset: BTreeSet<String> = observed
        .config
        .keys()
        .filter(|key| !desired.config.contains_key(*key) && !THROTTLED.contains(&key.as_str()))
        .cloned()
        .collect();
    let nothing = set.is_empty() && reset.is_empty();
    (!nothing).then(|| {
        KafkaStep::AlterConfig(ConfigChange {
            topic: desired.name.as_str().to_owned(),
            set,
            reset,
        })
    })
}

fn default_replicas(cluster: &ObservedCluster) -> usize {
    if cluster.brokers.len() == 1 {
        1
    } else {
        DEFAULT_REPLICAS
    }
}

fn too_few_brokers(replicas: usize, cluster: &ObservedCluster) -> Option<Plan> {
    let brokers = cluster.brokers.len();
    (replicas > brokers).then(|| {
        blocked(reasons::TOO_FEW_BROKERS, format!("{replicas} replicas need as many brokers and {brokers} are up: write fewer replicas, or wait until the brokers are back"))
    })
}

fn blocked(reason: &'static str, message: String) -> Plan {
    Plan {
        steps: Vec::new(),
        blocked: vec![Blocked { reason, message }],
    }
}
