use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Resource, ResourceExt};
use millrace_crds::{Dlq, KafkaCluster, Schema, SubjectPart, Topic};

use super::{Amount, Limits, Share};
use crate::world::ClusterKey;

/// A name in Kafka or the registry that only one resource may hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A topic, dead-letter topics among them.
    Topic(String),
    /// A group id.
    Group(String),
    /// A subject of the schema registry.
    Subject(String),
    /// The subject of a Topic resource's records, whatever its topic is called.
    SubjectOf {
        /// Namespace of the Topic resource.
        namespace: String,
        /// Name of the Topic resource.
        topic: String,
        /// Part of the record.
        part: SubjectPart,
    },
}

/// A resource that asks for a [`Name`]. Ordered by age; the uid breaks the tie, since creation times have a resolution of a second.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claimant {
    /// When the resource was created.
    pub created: Timestamp,
    /// Its uid.
    pub uid: String,
    /// Kind of the resource, such as `Topic`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Claimant {
    /// The claimant that `object` is. A resource that is not stored yet (as the webhook sees it) is the youngest.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        Self {
            created: object
                .meta()
                .creation_timestamp
                .as_ref()
                .map_or(Timestamp::MAX, |time| time.0),
            uid: object.uid().unwrap_or_default(),
            kind: K::kind(&()).into_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }

    /// Whether both are the same resource.
    pub fn is(&self, other: &Self) -> bool {
        (&self.kind, &self.namespace, &self.name) == (&other.kind, &other.namespace, &other.name)
    }
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// What `resolve` may look at beside the resource itself. [`crate::world::World`] is the real one.
pub trait Facts {
    /// A KafkaCluster.
    fn cluster(&self, key: &ClusterKey) -> Option<Arc<KafkaCluster>>;
    /// Labels of a namespace; None if the namespace is not known.
    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>>;
    /// A Topic.
    fn topic(&self, namespace: &str, name: &str) -> Option<Arc<Topic>>;
    /// A DLQ.
    fn dlq(&self, namespace: &str, name: &str) -> Option<Arc<Dlq>>;
    /// A Schema.
    fn schema(&self, namespace: &str, name: &str) -> Option<Arc<Schema>>;
    /// A ConfigMap with texts of schemas, as its label says ([`millrace_crds::SCHEMA_TEXT_LABEL`]).
    fn schema_texts(&self, namespace: &str, config_map: &str) -> Option<Arc<ConfigMap>>;
    /// Who asks for a name on a cluster, the oldest first, whether they may have it or not.
    fn claimants(&self, cluster: &ClusterKey, name: &Name) -> Vec<Claimant>;
    /// Who of other namespaces than `home` asks for topics that begin with `prefix`, with the topic, whether they may have it or not.
    fn others_under(
        &self,
        cluster: &ClusterKey,
        prefix: &str,
        home: &str,
    ) -> Vec<(String, Claimant)>;
    /// What the namespace of `me` has on a cluster before `me`, whose share is `mine`, has its turn; see [`super::Uses::before`].
    fn used_before(
        &self,
        cluster: &ClusterKey,
        me: &Claimant,
        mine: Share,
        limits: Limits,
    ) -> Amount;
}
