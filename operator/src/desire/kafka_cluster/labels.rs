use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::{
    resolve::ResolvedCluster,
    world::{COMPONENT, ClusterKey, INSTANCE, NODES, REGISTRY},
};

const NAME: &str = "app.kubernetes.io/name";

/// A part of a KafkaCluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The Kafka nodes.
    Nodes,
    /// The schema registry.
    Registry,
}

impl Component {
    fn label(self) -> &'static str {
        match self {
            Self::Nodes => NODES,
            Self::Registry => REGISTRY,
        }
    }

    fn application(self) -> &'static str {
        match self {
            Self::Nodes => "kafka",
            Self::Registry => "schema-registry",
        }
    }
}

/// The labels of an object.
pub fn labels(key: &ClusterKey, component: Component) -> BTreeMap<String, String> {
    let mut labels = pod_labels(key, component);
    labels.insert("app.kubernetes.io/part-of".into(), "millrace".into());
    labels.insert("app.kubernetes.io/managed-by".into(), "millrace".into());
    labels
}

/// The labels by which a part's pods are known; they can never change.
pub fn pod_labels(key: &ClusterKey, component: Component) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.into(), component.application().into()),
        (INSTANCE.into(), key.name.clone()),
        (COMPONENT.into(), component.label().into()),
    ])
}

/// Selects a part's pods.
pub fn selector(key: &ClusterKey, component: Component) -> LabelSelector {
    LabelSelector {
        match_labels: Some(pod_labels(key, component)),
        ..LabelSelector::default()
    }
}

/// Metadata of a child, which goes when the KafkaCluster goes.
pub fn child(cluster: &ResolvedCluster, name: String, component: Component) -> ObjectMeta {
    ObjectMeta {
        owner_references: Some(vec![cluster.owner.clone()]),
        ..kept(&cluster.key, name, component)
    }
}

/// Metadata of an object that stays when the KafkaCluster goes: without it the volumes could not be used again.
pub fn kept(key: &ClusterKey, name: String, component: Component) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(key.namespace.clone()),
        labels: Some(labels(key, component)),
        ..ObjectMeta::default()
    }
}
