use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{
    Given,
    labels::{Component, child},
    names::Names,
    server_properties,
};
use crate::resolve::ResolvedCluster;

/// ConfigMap `<name>-config`: what the nodes read when they start.
pub fn config(cluster: &ResolvedCluster, given: &Given) -> ConfigMap {
    let properties = server_properties(cluster, &given.tokens.issuer, given.rack_aware());
    config_map(
        cluster,
        Names(&cluster.key).config(),
        [("server.properties".into(), properties)].into(),
    )
}

/// ConfigMap `<name>-jwks`: the keys that sign ServiceAccount tokens. The nodes read it again when it changes.
pub fn jwks(cluster: &ResolvedCluster, given: &Given) -> ConfigMap {
    config_map(
        cluster,
        Names(&cluster.key).jwks(),
        [("jwks.json".into(), given.tokens.jwks.clone())].into(),
    )
}

/// ConfigMap `<name>-racks`: the rack of each Kubernetes node that has one, by the node's name.
pub fn racks(cluster: &ResolvedCluster, given: &Given) -> ConfigMap {
    config_map(cluster, Names(&cluster.key).racks(), given.racks.clone())
}

fn config_map(
    cluster: &ResolvedCluster,
    name: String,
    data: BTreeMap<String, String>,
) -> ConfigMap {
    ConfigMap {
        metadata: child(cluster, name, Component::Nodes),
        data: Some(data),
        ..ConfigMap::default()
    }
}
