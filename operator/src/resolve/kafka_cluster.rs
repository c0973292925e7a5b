use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};
use millrace_crds::{KafkaCluster, Listener, RegistrySource, Resources, Storage};

use super::{Rejection, overlapping_prefixes, quantity};
use crate::{status::reasons, world::ClusterKey};

/// The versions of Apache Kafka whose configuration Millrace knows.
const VERSIONS: [&str; 1] = ["4.3.1"];
/// Longest name from which all names of children are still valid: `<name>-nodes-0` is a label value and a host.
const MAX_NAME: usize = 50;
/// Heap of a node without a memory limit, in MiB.
const DEFAULT_NODE_HEAP: u64 = 512;
/// Heap of a registry without a memory limit, in MiB.
const DEFAULT_REGISTRY_HEAP: u64 = 384;
/// Most heap of a node, in MiB: what is left over serves Kafka better as page cache.
const MAX_HEAP: u64 = 6 * 1024;

/// What the operator was installed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Image of the nodes.
    pub broker: String,
    /// Image of the schema registry.
    pub registry: String,
    /// Pull policy of both.
    pub pull_policy: String,
}

/// A Kafka cluster that may be run.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedCluster {
    /// The resource.
    pub key: ClusterKey,
    /// The resource's uid: identities made for the first time derive from it.
    pub uid: String,
    /// Makes an object a child of the resource.
    pub owner: OwnerReference,
    /// Number of nodes, 1 or 3.
    pub nodes: usize,
    /// Image of the nodes.
    pub image: String,
    /// Pull policy of all images.
    pub pull_policy: String,
    /// Volumes of the nodes.
    pub storage: Storage,
    /// CPU and memory of a node.
    pub resources: Resources,
    /// JVM heap of a node, in MiB.
    pub heap: u64,
    /// Label of Kubernetes nodes whose value is the rack.
    pub rack_topology_key: String,
    /// Where clients connect.
    pub listeners: Vec<Listener>,
    /// Broker configuration of the resource.
    pub config: BTreeMap<String, String>,
    /// The schema registry.
    pub registry: Option<ResolvedRegistry>,
}

/// Where schemas are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum ResolvedRegistry {
    /// Millrace runs it.
    Managed {
        /// Its image.
        image: String,
        /// Its CPU and memory.
        resources: Resources,
        /// Its JVM heap, in MiB.
        heap: u64,
    },
    /// Somebody else does; the base URL of its Confluent API.
    Url(String),
}

impl ResolvedCluster {
    /// Replicas of a topic that asks for no number.
    pub fn default_replicas(&self) -> usize {
        self.nodes.min(3)
    }

    /// In-sync replicas without which a topic takes no `acks=all` writes, where the topic does not say otherwise.
    pub fn default_min_isr(&self) -> usize {
        let configured = self
            .config
            .get("min.insync.replicas")
            .and_then(|text| text.parse().ok());
        configured.unwrap_or(if self.nodes == 1 { 1 } else { 2 })
    }

    /// The audience of the ServiceAccount tokens that this cluster, and no other, accepts.
    pub fn token_audience(&self) -> String {
        format!("{}.{}.millrace.dev", self.key.name, self.key.namespace)
    }
}

/// What a KafkaCluster asks for, if it can be run.
pub fn kafka_cluster(
    cluster: &KafkaCluster,
    images: &Images,
) -> Result<ResolvedCluster, Rejection> {
    let spec = &cluster.spec;
    let name = cluster.name_any();
    if name.len() > MAX_NAME || name.contains('.') {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "the name {name} cannot be part of host names: write at most {MAX_NAME} characters and no dots"
            ),
        ));
    }
    if !VERSIONS.contains(&spec.version.as_str()) {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "spec.version: Kafka {} is not supported, write {}",
                spec.version,
                VERSIONS.join(" or ")
            ),
        ));
    }
    if let Some((shorter, longer)) = overlapping_prefixes(cluster) {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "spec.namespaces: the prefix `{shorter}` of one entry matches the names of the prefix `{longer}` of another: write prefixes of which none begins with another"
            ),
        ));
    }
    let Some(owner) = cluster.controller_owner_ref(&()) else {
        return Err(Rejection::unknown(
            reasons::PROGRESSING,
            "the resource has no uid yet",
        ));
    };
    Ok(ResolvedCluster {
        key: ClusterKey {
            namespace: cluster.namespace().unwrap_or_default(),
            name,
        },
        uid: owner.uid.clone(),
        owner,
        nodes: usize::try_from(spec.combined.nodes)
            .unwrap_or_default()
            .max(1),
        image: spec.image.clone().unwrap_or_else(|| images.broker.clone()),
        pull_policy: images.pull_policy.clone(),
        storage: spec.storage.clone(),
        resources: spec.resources.clone(),
        heap: heap("spec.resources", &spec.resources, DEFAULT_NODE_HEAP)?,
        rack_topology_key: spec.rack_topology_key.clone(),
        listeners: spec.listeners.clone(),
        config: managed_config(cluster),
        registry: spec
            .schema_registry
            .as_ref()
            .map(|source| registry(source, images))
            .transpose()?
            .flatten(),
    })
}

fn managed_config(cluster: &KafkaCluster) -> BTreeMap<String, String> {
    let config = cluster.spec.config.iter().flatten();
    config
        .filter_map(|(key, value)| Some((key.clone(), value.as_ref()?.to_string())))
        .collect()
}

fn registry(
    source: &RegistrySource,
    images: &Images,
) -> Result<Option<ResolvedRegistry>, Rejection> {
    if let Some(url) = &source.url {
        return Ok(Some(ResolvedRegistry::Url(
            url.trim_end_matches('/').to_owned(),
        )));
    }
    let Some(managed) = &source.managed else {
        return Ok(None);
    };
    Ok(Some(ResolvedRegistry::Managed {
        image: managed
            .image
            .clone()
            .unwrap_or_else(|| images.registry.clone()),
        resources: managed.resources.clone(),
        heap: heap(
            "spec.schemaRegistry.managed.resources",
            &managed.resources,
            DEFAULT_REGISTRY_HEAP,
        )?,
    }))
}

/// Half of the memory limit, in MiB.
fn heap(field: &str, resources: &Resources, default: u64) -> Result<u64, Rejection> {
    let Some(limit) = &resources.limits.memory else {
        return Ok(default);
    };
    let Some(bytes) = quantity::bytes(&limit.0) else {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "{field}.limits.memory: {} is not an amount of memory, write one such as 2Gi",
                limit.0
            ),
        ));
    };
    Ok((bytes / 2 / (1 << 20)).clamp(64, MAX_HEAP))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
    use serde_json::{Value, json};

    use super::*;

    fn resolve(spec: Value) -> Result<ResolvedCluster, Rejection> {
        let cluster: KafkaCluster = serde_json::from_value(json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
            "metadata": { "name": "main", "namespace": "kafka", "uid": "u" }, "spec": spec,
        }))
        .unwrap();
        let images = Images {
            broker: "broker".into(),
            registry: "registry".into(),
            pull_policy: "IfNotPresent".into(),
        };
        kafka_cluster(&cluster, &images)
    }

    #[test]
    fn an_empty_spec_is_three_nodes_with_the_operators_image() {
        let cluster = resolve(json!({})).unwrap();
        assert_eq!(
            (cluster.nodes, cluster.image.as_str(), cluster.heap),
            (3, "broker", 512)
        );
        assert_eq!(
            (cluster.default_replicas(), cluster.default_min_isr()),
            (3, 2)
        );
        assert_eq!(cluster.token_audience(), "main.kafka.millrace.dev");
        assert_eq!(cluster.registry, None);
    }

    #[test]
    fn one_node_has_one_replica_of_everything() {
        let cluster = resolve(json!({ "combined": { "nodes": 1 } })).unwrap();
        assert_eq!(
            (cluster.default_replicas(), cluster.default_min_isr()),
            (1, 1)
        );
    }

    #[test]
    fn the_heap_is_half_of_the_limit_and_at_most_six_gibibytes() {
        let with = |memory| {
            resolve(json!({ "resources": { "limits": { "memory": memory } } })).map(|c| c.heap)
        };
        assert_eq!(with("2Gi"), Ok(1024));
        assert_eq!(with("64Gi"), Ok(6144));
        assert!(
            with("plenty")
                .unwrap_err()
                .message
                .contains("spec.resources.limits.memory")
        );
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_known_ones() {
        let rejection = resolve(json!({ "version": "3.9.0" })).unwrap_err();
        assert_eq!(
            rejection.message,
            "spec.version: Kafka 3.9.0 is not supported, write 4.3.1"
        );
    }

    #[test]
    fn a_null_config_value_is_not_managed() {
        let cluster =
            resolve(json!({ "config": { "log.retention.hours": 48, "num.io.threads": null } }))
                .unwrap();
        assert_eq!(
            cluster.config,
            BTreeMap::from([("log.retention.hours".into(), "48".into())])
        );
    }

    #[test]
    fn the_registry_is_managed_or_elsewhere() {
        let managed = resolve(json!({ "schemaRegistry": { "managed": { "resources": { "limits": { "memory": "1Gi" } } } } })).unwrap();
        let resources = Resources {
            limits: millrace_crds::ResourceAmounts {
                memory: Some(Quantity("1Gi".into())),
                cpu: None,
            },
            ..Resources::default()
        };
        assert_eq!(
            managed.registry,
            Some(ResolvedRegistry::Managed {
                image: "registry".into(),
                resources,
                heap: 512
            })
        );
        let elsewhere =
            resolve(json!({ "schemaRegistry": { "url": "https://registry.example.com/" } }))
                .unwrap();
        assert_eq!(
            elsewhere.registry,
            Some(ResolvedRegistry::Url("https://registry.example.com".into()))
        );
    }
}
