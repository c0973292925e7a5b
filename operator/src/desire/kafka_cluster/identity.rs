use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::api::core::v1::ConfigMap;
use uuid::Uuid;

use super::{
    labels::{Component, kept},
    names::{CONTROLLER_PORT, Names},
};
use crate::{resolve::ResolvedCluster, world::ClusterKey};

const CLUSTER_ID: &str = "clusterId";

/// What a cluster's volumes are formatted with: made once, kept as long as the volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Kafka's id of the cluster: 22 characters, base64url of 16 bytes.
    pub cluster_id: String,
    /// Kafka's id of each node's log directory, in the same notation (KIP-853).
    pub directory_ids: Vec<String>,
}

impl Identity {
    /// The identity of a cluster that never had one: derived from the resource's uid, so that making it twice makes the same.
    pub fn first(cluster: &ResolvedCluster) -> Self {
        Self {
            cluster_id: id(&cluster.uid, "cluster"),
            directory_ids: (0..cluster.nodes)
                .map(|node| id(&cluster.uid, &format!("directory-{node}")))
                .collect(),
        }
    }

    /// Reads what [`identity`] wrote; None where something is missing.
    pub fn read(config_map: &ConfigMap, nodes: usize) -> Option<Self> {
        let data = config_map.data.as_ref()?;
        Some(Self {
            cluster_id: data.get(CLUSTER_ID)?.clone(),
            directory_ids: (0..nodes)
                .map(|node| data.get(&directory_key(node)).cloned())
                .collect::<Option<_>>()?,
        })
    }

    /// The first quorum, as `kafka.tools.StorageTool format --initial-controllers` takes it.
    pub fn initial_controllers(&self, key: &ClusterKey) -> String {
        let names = Names(key);
        let voter = |(id, directory): (usize, &String)| {
            format!(
                "{id}@{}:{CONTROLLER_PORT}:{directory}",
                names.host(&names.node(id))
            )
        };
        self.directory_ids
            .iter()
            .enumerate()
            .map(voter)
            .collect::<Vec<_>>()
            .join(",")
    }
}

/// ConfigMap `<name>-identity`.
pub fn identity(cluster: &ResolvedCluster, identity: &Identity) -> ConfigMap {
    let directories = identity
        .directory_ids
        .iter()
        .enumerate()
        .map(|(node, id)| (directory_key(node), id.clone()));
    let mut data: BTreeMap<String, String> = directories.collect();
    data.insert(CLUSTER_ID.into(), identity.cluster_id.clone());
    ConfigMap {
        metadata: kept(
            &cluster.key,
            Names(&cluster.key).identity(),
            Component::Nodes,
        ),
        data: Some(data),
        ..ConfigMap::default()
    }
}

fn directory_key(node: usize) -> String {
    format!("directoryId.{node}")
}

/// A UUID of version 5 in Kafka's notation. One that begins with `-` would read as a flag on a command line, so the next is taken.
fn id(uid: &str, what: &str) -> String {
    let attempt = |n: u32| {
        let name = format!("millrace.dev/{uid}/{what}/{n}");
        URL_SAFE_NO_PAD.encode(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    };
    (0..)
        .map(attempt)
        .find(|id| !id.starts_with('-'))
        .unwrap_or_default()
}
