use std::{
    fmt::Debug,
    hash::{DefaultHasher, Hash},
};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{Resource, ResourceExt};
use millrace_crds::{ConsumerGroup, Dlq, KafkaCluster, Redrive, Schema, Topic};
use serde::de::DeserializeOwned;

use super::{Claim, ClusterKey, Wake, stores::hash_metadata};
use crate::resolve::{Name, Share, dlq_share, group_names, topic_share};

/// What the stores must know of a kind they hold.
pub(super) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    /// Whom a change of the object named wakes.
    fn wake_named(namespace: &str, name: &str) -> Wake;

    /// The names the object asks for.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }

    /// What the object has, and asks for, of its namespace's limits on a cluster.
    fn share(&self) -> Option<(ClusterKey, Share)> {
        None
    }

    /// Everything whose change makes a difference to somebody. The operator's own status writes do not.
    fn fingerprint(&self, hasher: &mut DefaultHasher) {
        hash_metadata(self, hasher);
    }

    /// Whom a change of this object wakes.
    fn wake(&self) -> Wake {
        Self::wake_named(&self.namespace().unwrap_or_default(), &self.name_any())
    }
}

impl Watched for KafkaCluster {
    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::Cluster(ClusterKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    fn fingerprint(&self, hasher: &mut DefaultHasher) {
        hash_metadata(self, hasher);
        if let Some(status) = &self.status {
            status.schema_registry_url.hash(hasher);
            for listener in &status.listeners {
                listener.bootstrap_servers.hash(hasher);
            }
        }
    }
}

impl Watched for Topic {
    fn share(&self) -> Option<(ClusterKey, Share)> {
        let namespace = self.namespace().unwrap_or_default();
        let share = topic_share(self)?;
        Some((ClusterKey::of(&self.spec.cluster_ref, &namespace), share))
    }

    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::Topic(namespace.to_owned(), name.to_owned())
    }

    fn claims(&self) -> Vec<Claim> {
        let topic = self
            .spec
            .topic_name
            .clone()
            .unwrap_or_else(|| self.name_any());
        vec![Claim::of(self, &self.spec.cluster_ref, Name::Topic(topic))]
    }
}

impl Watched for Dlq {
    fn share(&self) -> Option<(ClusterKey, Share)> {
        let namespace = self.namespace().unwrap_or_default();
        let share = dlq_share(self)?;
        Some((ClusterKey::of(&self.spec.cluster_ref, &namespace), share))
    }

    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::Dlq(namespace.to_owned(), name.to_owned())
    }

    fn claims(&self) -> Vec<Claim> {
        let topic = self
            .spec
            .topic_name
            .clone()
            .unwrap_or_else(|| self.name_any());
        let readers = self
            .spec
            .readers
            .iter()
            .map(|reader| Name::Group(reader.group_id.clone()));
        readers
            .chain([Name::Topic(topic)])
            .map(|name| Claim::of(self, &self.spec.cluster_ref, name))
            .collect()
    }
}

impl Watched for Redrive {
    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::Redrive(namespace.to_owned(), name.to_owned())
    }
}

impl Watched for ConsumerGroup {
    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::ConsumerGroup(namespace.to_owned(), name.to_owned())
    }

    fn claims(&self) -> Vec<Claim> {
        let names = group_names(self).into_iter();
        names
            .map(|name| Claim::of(self, &self.spec.cluster_ref, name))
            .collect()
    }
}

impl Watched for Schema {
    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::Schema(namespace.to_owned(), name.to_owned())
    }

    fn claims(&self) -> Vec<Claim> {
        let name = match (&self.spec.subject, &self.spec.topic_ref) {
            (Some(subject), _) => Name::Subject(subject.clone()),
            (None, Some(topic)) => Name::SubjectOf {
                namespace: self.namespace().unwrap_or_default(),
                topic: topic.name.clone(),
                part: topic.part,
            },
            (None, None) => return Vec::new(),
        };
        vec![Claim::of(self, &self.spec.cluster_ref, name)]
    }

    /// The version, and whether it is known, is what others that name this Schema wait for.
    fn fingerprint(&self, hasher: &mut DefaultHasher) {
        hash_metadata(self, hasher);
        if let Some(status) = &self.status {
            (&status.subject, status.version, status.observed_generation).hash(hasher);
            let mut conditions = status.conditions.iter();
            let registered = conditions.find(|condition| condition.type_ == "Registered");
            registered.map(|condition| &condition.status).hash(hasher);
        }
    }
}

impl Watched for ConfigMap {
    fn wake_named(namespace: &str, name: &str) -> Wake {
        Wake::SchemaTexts(namespace.to_owned(), name.to_owned())
    }

    fn fingerprint(&self, hasher: &mut DefaultHasher) {
        self.data.hash(hasher);
    }
}

impl Watched for Namespace {
    fn wake_named(_: &str, name: &str) -> Wake {
        Wake::Namespace(name.to_owned())
    }
}
