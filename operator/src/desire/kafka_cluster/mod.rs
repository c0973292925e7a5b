//! The objects of a KafkaCluster, one function each.

mod certificates;
mod config_maps;
#[cfg(test)]
mod example;
mod identity;
mod labels;
mod names;
mod network_policies;
mod pod_disruption_budget;
mod pods;
mod registry_deployment;
mod registry_kafka;
mod registry_restart;
mod server_properties;
mod service_accounts;
mod services;
mod stateful_set;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{ConfigMap, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};

pub use certificates::{
    authority_config_map, authority_secret, node_request, node_secret, operator_request,
    operator_secret,
};
pub use identity::{Identity, identity};
pub use names::Names;
pub use pods::digest;
pub use registry_kafka::{registry_access, registry_can_start, registry_topics};
pub use registry_restart::{RESTART_ANNOTATION, registry_restart};
pub use server_properties::server_properties;
pub use stateful_set::template_digest;

use crate::{
    resolve::{ResolvedCluster, ResolvedRegistry},
    world::TokenIssuer,
};

/// What a cluster's objects are made of beside the resource itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What the volumes are formatted with.
    pub identity: Identity,
    /// PEM of the authority's certificate.
    pub authority_pem: String,
    /// [`digest`] of the nodes' certificate and key.
    pub node_pem_digest: String,
    /// Who signs ServiceAccount tokens.
    pub tokens: TokenIssuer,
    /// Racks by Kubernetes node, of those that have one.
    pub racks: BTreeMap<String, String>,
    /// Namespace the operator runs in.
    pub operator_namespace: String,
    /// Whether the managed registry has what it needs to start.
    pub registry_can_start: bool,
    /// What [`registry_restart`] says of the managed registry.
    pub registry_restart: Option<Timestamp>,
}

impl Given {
    /// Whether the nodes have racks. Without a label on any Kubernetes node they have none.
    pub fn rack_aware(&self) -> bool {
        !self.racks.is_empty()
    }
}

/// All children of a KafkaCluster. What it keeps beyond its life, and its Secrets, are made apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// ConfigMaps.
    pub config_maps: Vec<ConfigMap>,
    /// ServiceAccounts.
    pub service_accounts: Vec<ServiceAccount>,
    /// Services.
    pub services: Vec<Service>,
    /// NetworkPolicies.
    pub network_policies: Vec<NetworkPolicy>,
    /// PodDisruptionBudgets.
    pub pod_disruption_budgets: Vec<PodDisruptionBudget>,
    /// StatefulSets.
    pub stateful_sets: Vec<StatefulSet>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
}

/// All children that a KafkaCluster ought to have.
pub fn objects(cluster: &ResolvedCluster, given: &Given) -> Objects {
    let mut objects = Objects {
        config_maps: vec![
            config_maps::config(cluster, given),
            config_maps::jwks(cluster, given),
            config_maps::racks(cluster, given),
        ],
        service_accounts: vec![service_accounts::nodes(cluster)],
        services: vec![services::nodes(cluster), services::bootstrap(cluster)],
        network_policies: vec![network_policies::nodes(cluster, given)],
        pod_disruption_budgets: pod_disruption_budget::pod_disruption_budget(cluster)
            .into_iter()
            .collect(),
        stateful_sets: vec![stateful_set::stateful_set(cluster, given)],
        deployments: Vec::new(),
    };
    if matches!(cluster.registry, Some(ResolvedRegistry::Managed { .. })) {
        objects
            .service_accounts
            .push(service_accounts::registry(cluster));
        objects.services.push(services::registry(cluster));
        objects
            .network_policies
            .push(network_policies::registry(cluster));
        if given.registry_can_start {
            objects
                .deployments
                .extend(registry_deployment::registry_deployment(cluster, given));
        }
    }
    objects
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::{
        example::{cluster, given, yaml},
        *,
    };

    #[test]
    fn everything_beside_the_workloads() {
        let mut objects = objects(&cluster(3), &given(3));
        objects.stateful_sets.clear();
        objects.deployments.clear();
        let mut text = String::new();
        objects
            .config_maps
            .iter()
            .for_each(|object| text += &yaml(object));
        objects
            .service_accounts
            .iter()
            .for_each(|object| text += &yaml(object));
        objects
            .services
            .iter()
            .for_each(|object| text += &yaml(object));
        objects
            .network_policies
            .iter()
            .for_each(|object| text += &yaml(object));
        objects
            .pod_disruption_budgets
            .iter()
            .for_each(|object| text += &yaml(object));
        expect_file!["expected/objects_3.yaml"].assert_eq(&text);
    }

    #[test]
    fn a_single_node_has_no_disruption_budget() {
        assert!(
            objects(&cluster(1), &given(1))
                .pod_disruption_budgets
                .is_empty()
        );
    }

    #[test]
    fn the_registry_waits_until_it_can_start() {
        let early = Given {
            registry_can_start: false,
            ..given(3)
        };
        assert!(objects(&cluster(3), &early).deployments.is_empty());
        assert_eq!(objects(&cluster(3), &given(3)).deployments.len(), 1);
    }

    #[test]
    fn identities_come_from_the_uid_and_are_read_back() {
        let made = Identity::first(&cluster(3));
        assert_eq!(made, Identity::first(&cluster(3)));
        assert_eq!(
            Identity::read(&identity(&cluster(3), &made), 3),
            Some(made.clone())
        );
        assert!(
            made.directory_ids
                .iter()
                .chain([&made.cluster_id])
                .all(|id| id.len() == 22 && !id.starts_with('-'))
        );
        assert_eq!(made.directory_ids.len(), 3);
        let mut other = cluster(3);
        other.uid = "another".into();
        assert_ne!(Identity::first(&other).cluster_id, made.cluster_id);
    }

    #[test]
    fn an_identity_with_a_missing_id_is_none() {
        let one = identity(&cluster(1), &Identity::first(&cluster(1)));
        assert_eq!(Identity::read(&one, 3), None);
    }
}
