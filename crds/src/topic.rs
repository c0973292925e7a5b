use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AllowedNamespaces, ClusterRef, ConfigMap, DeletionPolicy};

/// A Kafka topic: its partitions, replicas and configuration, who may write to it and which namespaces may read it.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "Topic",
    plural = "topics",
    shortname = "kt",
    category = "millrace",
    namespaced,
    status = "TopicStatus",
    derive = "PartialEq",
    doc = "A Kafka topic: its partitions, replicas and configuration, who may write to it and which namespaces may read it.",
    selectable = ".spec.clusterRef.name",
    printcolumn(
        name = "Cluster",
        type_ = "string",
        json_path = ".spec.clusterRef.name"
    ),
    printcolumn(name = "Topic", type_ = "string", json_path = ".status.topicName"),
    printcolumn(
        name = "Partitions",
        type_ = "integer",
        json_path = ".status.partitions"
    ),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".status.replicas"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.topicName) == has(oldSelf.topicName) && (!has(self.topicName) || self.topicName == oldSelf.topicName)", "topicName cannot change, Kafka cannot rename a topic: create a new Topic and move the clients"),
    validation = ("!has(self.topicName) || self.topicName.matches('^[a-zA-Z0-9._-]{1,249}$')", "topicName: write 1 to 249 of the characters a-z A-Z 0-9 . _ - (Kafka forbids others)"),
    validation = ("!has(self.topicName) || !(self.topicName in ['.', '..'])", "topicName: Kafka forbids the names '.' and '..', write another"),
    validation = ("!has(self.config) || self.config.all(key, key.matches('^[a-z0-9.]+$'))", "config: write Kafka's topic configuration keys, such as retention.ms")
)]
pub struct TopicSpec {
    /// The KafkaCluster this topic lives on.
    pub cluster_ref: ClusterRef,
    /// Name of the topic in Kafka. Defaults to the name of this resource. Cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub topic_name: Option<String>,
    /// Number of partitions, 1 to 10000. May grow, never shrink: a lower number is refused in status and everything else still applied.
    #[schemars(range(min = 1, max = 10000))]
    pub partitions: i32,
    /// Number of replicas of each partition, at most the number of brokers. Defaults to 3, or 1 on a cluster of one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 15))]
    pub replicas: Option<i32>,
    /// Kafka's topic configuration, such as `retention.ms: 604800000`. Keys not written here go back to the broker's default;
    /// a key with the value null is left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub config: Option<ConfigMap>,
    /// The people who answer for this topic, such as a team's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub owner: Option<String>,
    /// What the topic carries, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// The ServiceAccounts that may write. Nobody else can: a ServiceAccount taken out of this list loses its access.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub producers: Vec<Producer>,
    /// The namespaces whose ConsumerGroups may read this topic. Defaults to this one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_consumers: Option<AllowedNamespaces>,
    /// The namespaces whose Redrives may write dead letters back to this topic. Defaults to this one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_redrives: Option<AllowedNamespaces>,
    /// Take over a topic that already exists in Kafka. Without it such a topic is reported as a conflict and left alone.
    #[serde(default)]
    pub adopt: bool,
    /// What happens to the topic and its records when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Whether replicas that lie badly are moved. More or fewer `replicas`, and partitions whose number of replicas differs, always are.
    #[serde(default)]
    pub layout_policy: LayoutPolicy,
    /// `Observe` reports in `status.plan` what would be done, and does nothing. The topic need not be adopted for that.
    #[serde(default)]
    pub management_policy: ManagementPolicy,
}

/// Whether replicas that lie badly are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum LayoutPolicy {
    /// Replicas stay where they are; the condition `Balanced` says what is wrong with that.
    #[default]
    Keep,
    /// Replicas are moved so that each partition's lie in different racks and brokers hold and lead as much as one another,
    /// with the least data moved, throttled as the KafkaCluster says.
    Balance,
}

/// Whether Millrace acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ManagementPolicy {
    /// Kafka is made as the spec says.
    #[default]
    Manage,
    /// Kafka is only compared with the spec: `status.plan` says what `Manage` would do. Nothing is changed, granted, taken away or deleted.
    Observe,
}

/// A ServiceAccount that writes to a topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self.serviceAccountName.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')", "producers[].serviceAccountName: write the name of a ServiceAccount, lower case letters, digits, '-' and '.'"))]
pub struct Producer {
    /// Name of the ServiceAccount.
    #[schemars(length(max = 253))]
    pub service_account_name: String,
    /// Namespace of the ServiceAccount. Defaults to the Topic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Allow transactional ids that begin with this. It must begin with one of the namespace's prefixes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub transactional_id_prefix: Option<String>,
}

/// What is true of the topic.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` sums up `Synced` (Kafka is as the spec says) and `AccessGranted` (the producers' ACLs are in place). `GroupOffsetsValid` is there
    /// once the topic was deleted and made again: False while ConsumerGroups have committed offsets beyond the end of the new log.
    /// `Paused` is there while the annotation `millrace.dev/paused: "true"` is.
    /// `Skewed` says whether one partition holds much more than the others; it is absent where there are fewer than two, or too little in them.
    /// `Balanced` says whether the replicas lie well.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Name of the topic in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_name: Option<String>,
    /// Kafka's id of the topic; a new one means that the topic was deleted and made again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<String>,
    /// Partitions in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// Replicas of the partition that has the fewest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Where the first 64 partitions lie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layout: Vec<PartitionStatus>,
    /// The ConfigMap that tells a producer how to connect (Service Binding specification).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// With `managementPolicy: Observe`, what `Manage` would do, a sentence each; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<String>,
    /// The move of replicas that is under way, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reassignment: Option<ReassignmentStatus>,
}

/// How far a move of replicas has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReassignmentStatus {
    /// Partitions whose replicas are not yet where they shall be.
    pub partitions_left: i32,
    /// Bytes still to be copied to new replicas, of the moves that have begun. Absent where it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_left: Option<i64>,
    /// Bytes copied in a second of late. Absent where it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<i64>,
    /// Seconds until it is done at this rate. Absent where it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<i64>,
}

/// Where one partition lies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionStatus {
    /// Number of the partition, from 0.
    pub partition: i32,
    /// Node ids of the replicas, the preferred leader first.
    pub replicas: Vec<i32>,
}

/// Names the ConfigMap with the connection settings of a client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// Name of the ConfigMap, in the namespace of the resource.
    pub name: String,
}
