use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AllowedNamespaces, ClusterRef, ConfigMap, DeletionPolicy};

/// A dead-letter queue: the topic that takes the records some consumer groups could not process.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "DLQ",
    root = "Dlq",
    plural = "dlqs",
    singular = "dlq",
    category = "millrace",
    namespaced,
    status = "DlqStatus",
    derive = "PartialEq",
    doc = "A dead-letter queue: the topic that takes the records some consumer groups could not process.",
    selectable = ".spec.clusterRef.name",
    printcolumn(
        name = "Cluster",
        type_ = "string",
        json_path = ".spec.clusterRef.name"
    ),
    printcolumn(name = "Topic", type_ = "string", json_path = ".status.topicName"),
    printcolumn(name = "Letters", type_ = "integer", json_path = ".status.letters"),
    printcolumn(
        name = "Oldest",
        type_ = "date",
        json_path = ".status.oldestLetterTime"
    ),
    printcolumn(
        name = "Healthy",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Healthy')].status"
    ),
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
    validation = ("has(self.topicName) == has(oldSelf.topicName) && (!has(self.topicName) || self.topicName == oldSelf.topicName)", "topicName cannot change, Kafka cannot rename a topic: create a new DLQ and move the groups"),
    validation = ("!has(self.topicName) || (self.topicName.matches('^[a-zA-Z0-9._-]{1,249}$') && !(self.topicName in ['.', '..']))", "topicName: write 1 to 249 of the characters a-z A-Z 0-9 . _ - (Kafka forbids others, and the names '.' and '..')"),
    validation = ("!has(self.config) || self.config.all(key, key.matches('^[a-z0-9.]+$'))", "config: write Kafka's topic configuration keys, such as retention.ms")
)]
pub struct DlqSpec {
    /// The KafkaCluster the dead letters live on.
    pub cluster_ref: ClusterRef,
    /// Name of the dead-letter topic in Kafka. Defaults to the name of this resource. Cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub topic_name: Option<String>,
    /// Number of partitions of the dead-letter topic, 1 to 10000.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10000))]
    pub partitions: i32,
    /// Number of replicas of each partition. Defaults to 3, or 1 on a cluster of one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 15))]
    pub replicas: Option<i32>,
    /// Kafka's topic configuration. Without `retention.ms` dead letters are kept for 14 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub config: Option<ConfigMap>,
    /// The namespaces whose ConsumerGroups may send their dead letters here. Defaults to this one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_groups: Option<AllowedNamespaces>,
    /// The ServiceAccounts of this namespace that may read dead letters. Reading them is a grant of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub readers: Vec<DlqReader>,
    /// From when on there are too many letters: the condition `Healthy` is then `False`, and an event says so.
    #[serde(default)]
    pub alerts: DlqAlerts,
    /// Take over a topic that already exists in Kafka.
    #[serde(default)]
    pub adopt: bool,
    /// What happens to the dead letters when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

fn one() -> i32 {
    1
}

/// What the letters of a queue may be before somebody ought to look. What is not set is never too much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DlqAlerts {
    /// The most letters. 0: the first one is too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub letters: Option<i64>,
    /// The most letters a minute, as the mean of the last five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub letters_per_minute: Option<i64>,
    /// The most seconds since the oldest letter was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub oldest_seconds: Option<i64>,
}

/// A ServiceAccount that reads dead letters, with a group id of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DlqReader {
    /// Name of the ServiceAccount, in the DLQ's namespace.
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// Group id it reads with. It must begin with one of the namespace's prefixes.
    #[schemars(length(min = 1, max = 249))]
    pub group_id: String,
}

/// What is true of the dead letters.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DlqStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` sums up the others: `Synced` (the topic is as the spec says) and `AccessGranted` (its groups may write); `Empty` tells whether there are letters, `Healthy` whether they stay within `spec.alerts`.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Name of the dead-letter topic in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_name: Option<String>,
    /// Partitions of the dead-letter topic in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// Dead letters in the topic now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters: Option<i64>,
    /// Letters a minute that came in the last five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters_per_minute: Option<i64>,
    /// When the oldest dead letter still there was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_letter_time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    /// Dead letters by reason and source, the most frequent first; at most 20, the rest summed under the reason `Other`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_reason: Vec<ReasonCount>,
}

/// How many dead letters have one reason and come from one source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// Why the letters are dead, as their headers say; `Unknown` where they do not.
    pub reason: String,
    /// The topic they come from, as their headers say; `Unknown` where they do not.
    pub source: String,
    /// How many.
    pub count: i64,
}
