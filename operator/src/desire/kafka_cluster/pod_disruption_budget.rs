use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{
    labels::{Component, child, selector},
    names::Names,
};
use crate::resolve::ResolvedCluster;

/// PodDisruptionBudget `<name>-nodes`: one node at a time. None for a single node, which it would nail to its place.
pub fn pod_disruption_budget(cluster: &ResolvedCluster) -> Option<PodDisruptionBudget> {
    (cluster.nodes > 1).then(|| PodDisruptionBudget {
        metadata: child(cluster, Names(&cluster.key).nodes(), Component::Nodes),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector(&cluster.key, Component::Nodes)),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    })
}
