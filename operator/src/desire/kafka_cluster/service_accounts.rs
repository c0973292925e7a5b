use k8s_openapi::api::core::v1::ServiceAccount;

use super::{
    labels::{Component, child},
    names::Names,
};
use crate::resolve::ResolvedCluster;

/// ServiceAccount `<name>-nodes`: the nodes ask nothing of the API server, so it has no rights and no token.
pub fn nodes(cluster: &ResolvedCluster) -> ServiceAccount {
    service_account(cluster, Names(&cluster.key).nodes(), Component::Nodes)
}

/// ServiceAccount `<name>-registry`: who the registry is to Kafka.
pub fn registry(cluster: &ResolvedCluster) -> ServiceAccount {
    service_account(cluster, Names(&cluster.key).registry(), Component::Registry)
}

fn service_account(
    cluster: &ResolvedCluster,
    name: String,
    component: Component,
) -> ServiceAccount {
    ServiceAccount {
        metadata: child(cluster, name, component),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
