//! The cluster that the tests render.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::{Given, Identity};
use crate::{
    resolve::{Images, ResolvedCluster, kafka_cluster},
    world::TokenIssuer,
};

/// A cluster with a managed registry and a memory limit.
pub fn cluster(nodes: usize) -> ResolvedCluster {
    let cluster = serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "KafkaCluster",
        "metadata": { "name": "main", "namespace": "kafka", "uid": "6b2f0f5e-0000-4000-8000-000000000001" },
        "spec": {
            "combined": { "nodes": nodes },
            "resources": { "requests": { "cpu": "250m" }, "limits": { "memory": "2Gi" } },
            "schemaRegistry": { "managed": {} },
        },
    }))
    .unwrap();
    let images = Images {
        broker: "millrace/broker:4.3.1".into(),
        registry: "millrace/registry:3.3.3".into(),
        pull_policy: "IfNotPresent".into(),
    };
    kafka_cluster(&cluster, &images).unwrap()
}

/// What that cluster is given: three zones.
pub fn given(nodes: usize) -> Given {
    let zones = ["zone-a", "zone-b", "zone-c"].iter().enumerate();
    Given {
        identity: Identity::first(&cluster(nodes)),
        authority_pem: "authority".into(),
        node_pem_digest: "0123456789abcdef".into(),
        tokens: TokenIssuer {
            issuer: "https://kubernetes.default.svc".into(),
            jwks: r#"{"keys":[]}"#.into(),
        },
        racks: zones
            .map(|(i, zone)| (format!("node{}", i + 1), (*zone).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        operator_namespace: "millrace-system".into(),
        registry_can_start: true,
        registry_restart: None,
    }
}

/// An object as `kubectl get -o yaml` would show it.
pub fn yaml(object: &impl Serialize) -> String {
    format!(
        "---\n{}",
        serde_saphyr::to_string(&serde_json::to_value(object).unwrap()).unwrap()
    )
}
