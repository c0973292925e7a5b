use std::collections::BTreeMap;

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{
    Given,
    labels::{Component, child, selector},
    names::{CONTROLLER_PORT, Names, REGISTRY_PORT, REPLICATION_PORT},
};
use crate::resolve::ResolvedCluster;

/// NetworkPolicy `<name>-nodes`: the nodes' own ports for the nodes, and one of them for the operator; client ports for every pod.
pub fn nodes(cluster: &ResolvedCluster, given: &Given) -> NetworkPolicy {
    let siblings = NetworkPolicyPeer {
        pod_selector: Some(selector(&cluster.key, Component::Nodes)),
        ..NetworkPolicyPeer::default()
    };
    let clients: Vec<i32> = cluster
        .listeners
        .iter()
        .map(|listener| listener.port)
        .collect();
    let rules = vec![
        rule(siblings, &[CONTROLLER_PORT, REPLICATION_PORT]),
        rule(operator(&given.operator_namespace), &[REPLICATION_PORT]),
        rule(every_pod(), &clients),
    ];
    policy(
        cluster,
        Names(&cluster.key).nodes(),
        Component::Nodes,
        rules,
    )
}

/// NetworkPolicy `<name>-registry`: its API for every pod.
pub fn registry(cluster: &ResolvedCluster) -> NetworkPolicy {
    let rules = vec![rule(every_pod(), &[REGISTRY_PORT])];
    policy(
        cluster,
        Names(&cluster.key).registry(),
        Component::Registry,
        rules,
    )
}

fn policy(
    cluster: &ResolvedCluster,
    name: String,
    component: Component,
    rules: Vec<NetworkPolicyIngressRule>,
) -> NetworkPolicy {
    NetworkPolicy {
        metadata: child(cluster, name, component),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(&cluster.key, component)),
            policy_types: Some(vec!["Ingress".into()]),
            ingress: Some(rules),
            egress: None,
        }),
    }
}

fn rule(from: NetworkPolicyPeer, ports: &[i32]) -> NetworkPolicyIngressRule {
    let tcp = |port: &i32| NetworkPolicyPort {
        protocol: Some("TCP".into()),
        port: Some(IntOrString::Int(*port)),
        ..NetworkPolicyPort::default()
    };
    NetworkPolicyIngressRule {
        from: Some(vec![from]),
        ports: Some(ports.iter().map(tcp).collect()),
    }
}

fn every_pod() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        ..NetworkPolicyPeer::default()
    }
}

fn operator(namespace: &str) -> NetworkPolicyPeer {
    let labels = |key: &str, value: &str| LabelSelector {
        match_labels: Some(BTreeMap::from([(key.to_owned(), value.to_owned())])),
        ..LabelSelector::default()
    };
    NetworkPolicyPeer {
        namespace_selector: Some(labels("kubernetes.io/metadata.name", namespace)),
        pod_selector: Some(labels("app.kubernetes.io/component", "operator")),
        ..NetworkPolicyPeer::default()
    }
}
