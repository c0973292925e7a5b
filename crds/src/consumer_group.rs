use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Binding, ClusterRef, DeletionPolicy, KeptOffsets, OffsetResetStatus, ResetOffsets};

/// A consumer group: what it reads and as whom, how late it may be, and the workload that Millrace scales to keep it so.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "ConsumerGroup",
    plural = "consumergroups",
    shortname = "cg",
    category = "millrace",
    namespaced,
    status = "ConsumerGroupStatus",
    derive = "PartialEq",
    doc = "A consumer group: what it reads and as whom, how late it may be, and the workload that Millrace scales to keep it so.",
    selectable = ".spec.clusterRef.name",
    printcolumn(name = "Group", type_ = "string", json_path = ".status.groupId"),
    printcolumn(name = "Lag", type_ = "integer", json_path = ".status.lag.records"),
    printcolumn(name = "Seconds", type_ = "integer", json_path = ".status.lag.seconds"),
    printcolumn(
        name = "Replicas",
        type_ = "integer",
        json_path = ".status.scaling.replicas"
    ),
    printcolumn(
        name = "Desired",
        type_ = "integer",
        json_path = ".status.scaling.desiredReplicas",
        priority = "1"
    ),
    printcolumn(
        name = "Within",
        type_ = "string",
        description = "Within its lag objective",
        json_path = ".status.conditions[?(@.type=='WithinObjective')].status"
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
    validation = ("has(self.groupId) == has(oldSelf.groupId) && (!has(self.groupId) || self.groupId == oldSelf.groupId)", "groupId cannot change: create a new ConsumerGroup, its offsets start anew"),
    validation = ("!has(self.autoscaling) || has(self.scaleTargetRef)", "autoscaling needs scaleTargetRef: write which workload to scale"),
    validation = ("!has(self.resetOffsets) || !has(self.resetOffsets.stopWorkload) || !self.resetOffsets.stopWorkload || has(self.scaleTargetRef)", "resetOffsets.stopWorkload needs scaleTargetRef: write which workload to stop"),
    validation = ("!has(self.resetOffsets) || !has(self.type) || self.type != 'Share'", "resetOffsets is not for share groups: Kafka keeps no committed offsets of them"),
    validation = ("!has(self.type) || self.type != 'Streams' || !has(self.groupId) || self.groupId.matches('^[a-zA-Z0-9._-]+$')", "groupId of an application of Kafka Streams begins the names of its topics: write letters, digits, '.', '_' and '-'"),
    validation = ("self.topics.size() > 0", "topics: write at least one topic to read"),
    validation = ("self.serviceAccountName.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')", "serviceAccountName: write the name of the consumers' ServiceAccount, lower case letters, digits, '-' and '.'")
)]
pub struct ConsumerGroupSpec {
    /// The KafkaCluster the group reads from.
    pub cluster_ref: ClusterRef,
    /// The consumers' `group.id`, the `application.id` of an application of Kafka Streams. Defaults to the name of this resource.
    /// Cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub group_id: Option<String>,
    /// How the consumers share the topics. What Kafka's consumers agree on among themselves (`Classic`) or with the broker
    /// (`Consumer`) need not be told apart here: Kafka knows. An application of Kafka Streams is `Streams` by either protocol.
    #[serde(default, rename = "type")]
    pub kind: GroupType,
    /// The Topics the group reads, each by name, or all that begin with a prefix.
    #[schemars(length(max = 32))]
    pub topics: Vec<TopicRef>,
    /// The ServiceAccount, in this namespace, that the consumers run as.
    #[schemars(length(max = 253))]
    pub service_account_name: String,
    /// Where a group without a committed offset begins, as in the consumers' `auto.offset.reset`. A share group begins there whatever its
    /// consumers say: Kafka is told so.
    #[serde(default)]
    pub offset_reset: OffsetReset,
    /// The workload that runs the consumers, in this namespace: any object with a `scale` subresource that the installation allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_target_ref: Option<ScaleTargetRef>,
    /// How late the group may be.
    #[serde(default)]
    pub objective: LagObjective,
    /// How the workload follows the lag. Without it nothing is scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// The DLQ that takes what the group cannot process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dlq_ref: Option<DlqRef>,
    /// Changes the group's committed offsets, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_offsets: Option<ResetOffsets>,
    /// What happens to the group and its committed offsets in Kafka when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// How consumers share topics (Kafka's group types).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum GroupType {
    /// The consumers agree among themselves who reads which partition.
    #[default]
    Classic,
    /// The broker says who reads which partition (KIP-848).
    Consumer,
    /// A share group (KIP-932): each record goes to whichever consumer is free, so there may be more replicas than partitions.
    Share,
    /// An application of Kafka Streams (KIP-1071). It may also make, read, write and delete topics whose names begin with the group id
    /// and `-`, and use transactional ids that begin so.
    Streams,
}

/// Names a Topic, or all topics of this namespace whose names in Kafka begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.name) != has(self.prefix)", "topics[]: write either `name`, of a Topic, or `prefix`, the beginning of topics' names in Kafka"),
    validation = ("!has(self.prefix) || !has(self.__namespace__)", "topics[]: a prefix covers this namespace's own topics only, leave `namespace` out and write topics of others by name"),
    validation = ("!has(self.prefix) || self.prefix.matches('^[a-zA-Z0-9._-]*[a-zA-Z0-9][._-]$')", "topics[].prefix: end it in a separator ('.', '_' or '-') so that it cannot match another team's names")
)]
pub struct TopicRef {
    /// Name of the Topic resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// Namespace of the Topic. Defaults to the group's; another one must allow it in `allowedConsumers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// In place of `name`: what the names in Kafka of the topics begin with, with or without a Topic resource, those made later among
    /// them. It must begin with one of the namespace's prefixes and end in `.`, `_` or `-`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub prefix: Option<String>,
}

/// Names a DLQ.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DlqRef {
    /// Name of the DLQ resource.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the DLQ. Defaults to the group's; another one must allow it in `allowedGroups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// Where a group without a committed offset begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum OffsetReset {
    /// With the oldest record: all of the topic is lag.
    #[default]
    Earliest,
    /// With the next record: nothing of the topic is lag.
    Latest,
}

/// An object with a `scale` subresource, in the group's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleTargetRef {
    /// API version of the object, such as `apps/v1`.
    #[serde(default = "apps_v1")]
    #[schemars(length(min = 1, max = 253))]
    pub api_version: String,
    /// Kind of the object, such as `Deployment`.
    #[serde(default = "deployment")]
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Name of the object.
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        length(min = 1, max = 253)
    )]
    pub name: String,
}

fn apps_v1() -> String {
    "apps/v1".into()
}

fn deployment() -> String {
    "Deployment".into()
}

/// How late a group may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LagObjective {
    /// Seconds a record may wait before it is processed, 1 to 604800.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 604800))]
    pub lag_seconds: i32,
}

impl Default for LagObjective {
    fn default() -> Self {
        Self {
            lag_seconds: thirty(),
        }
    }
}

fn thirty() -> i32 {
    30
}

/// How the workload follows the lag.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self.minReplicas <= self.maxReplicas", "autoscaling: minReplicas must not be above maxReplicas"))]
pub struct Autoscaling {
    /// `Auto` scales; `Recommend` only writes what it would do to status.
    #[serde(default)]
    pub mode: AutoscalingMode,
    /// Fewest replicas. 0 lets an idle group sleep; it wakes with the first record.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10000))]
    pub min_replicas: i32,
    /// Most replicas. More than the partitions are never used, but by a share group.
    #[serde(default = "one_hundred")]
    #[schemars(range(min = 1, max = 10000))]
    pub max_replicas: i32,
    /// Seconds in which records that wait for longer than half of the objective should be worked off.
    #[serde(default = "sixty")]
    #[schemars(range(min = 1, max = 86400))]
    pub drain_seconds: i32,
    /// Seconds for which fewer replicas must have been enough before any are taken away.
    #[serde(default = "three_minutes")]
    #[schemars(range(min = 1, max = 86400))]
    pub scale_down_window_seconds: i32,
    /// Seconds without a record and without lag after which a group with `minReplicas: 0` goes to zero.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1, max = 604800))]
    pub idle_seconds: i32,
    /// Times at which there are more replicas at the least, such as before a rush that comes every day. Where several hold, the
    /// highest counts; `maxReplicas` and the partitions still limit it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub schedules: Vec<Schedule>,
}

/// From one time to another, again and again, there are so many replicas at the least.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// When it begins, as a cron expression of five fields, such as `30 7 * * MON-FRI`.
    #[schemars(length(min = 9, max = 100))]
    pub start: String,
    /// When it ends, in the same way.
    #[schemars(length(min = 9, max = 100))]
    pub end: String,
    /// The time zone of both, by its name in the IANA database, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
    /// Fewest replicas from start to end.
    #[schemars(range(min = 1, max = 10000))]
    pub min_replicas: i32,
}

fn utc() -> String {
    "UTC".into()
}

fn one_hundred() -> i32 {
    100
}

fn sixty() -> i32 {
    60
}

fn three_minutes() -> i32 {
    180
}

fn five_minutes() -> i32 {
    300
}

/// Whether the autoscaler acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AutoscalingMode {
    /// Scale the workload.
    #[default]
    Auto,
    /// Only write the recommendation to status.
    Recommend,
}

/// What is true of the group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerGroupStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` sums up the others: `AccessGranted`, `ScaleTargetFound` and, of a share group, `OffsetResetSet`. `WithinObjective`, `Stalled`, `NoMembers`, `Skewed` and `OffsetsExpired` are the verdicts on its lag.
    /// `OffsetsReset` is there once a reset was asked for.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The consumers' `group.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// State of the group as Kafka has it: `Stable`, `Empty`, `PreparingRebalance`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Consumers in the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<i32>,
    /// How late the group is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<LagStatus>,
    /// What the autoscaler sees and decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<ScalingStatus>,
    /// The last reset of offsets, and what it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_reset: Option<OffsetResetStatus>,
    /// The committed offsets of a group that sleeps. Kafka forgets those of an empty group after `offsets.retention.minutes`; they
    /// are committed again if that happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_offsets: Option<KeptOffsets>,
    /// The ConfigMap that tells a consumer how to connect (Service Binding specification).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
}

/// How late a group is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LagStatus {
    /// Records not yet processed, over all partitions.
    pub records: i64,
    /// Age of the oldest unprocessed record in the latest partition, in seconds. Absent where it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Records that arrive in a second, over all partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arriving_per_second: Option<i64>,
    /// Records that the group commits in a second, over all partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_per_second: Option<i64>,
    /// When the lag was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_time: Option<Time>,
    /// Lag by topic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicLag>,
}

/// How late a group is in one topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicLag {
    /// Name of the topic in Kafka.
    pub topic: String,
    /// Records not yet processed in this topic.
    pub records: i64,
    /// The partitions that have lag, the latest first; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionLag>,
}

/// How late a group is in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionLag {
    /// Number of the partition.
    pub partition: i32,
    /// Records not yet processed.
    pub records: i64,
    /// Age of the oldest unprocessed record, in seconds. Absent where it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
}

/// What the autoscaler sees and decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingStatus {
    /// Replicas the workload asks for now.
    pub replicas: i32,
    /// Replicas the autoscaler wants.
    pub desired_replicas: i32,
    /// Why, in a sentence.
    pub reason: String,
    /// Records one replica processes in a second when it is busy, as learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_per_second_per_replica: Option<i64>,
    /// When the number of replicas was last changed by the autoscaler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_time: Option<Time>,
}
