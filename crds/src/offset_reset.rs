use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of the group's committed offsets, carried out once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.time) == (self.to == 'Time')", "resetOffsets: write `time` with `to: Time`, and only there"),
    validation = ("has(self.shift) == (self.to == 'Shift')", "resetOffsets: write `shift`, a number of records, with `to: Shift`, and only there"),
    validation = ("(has(self.offsets) && self.offsets.size() > 0) == (self.to == 'Offsets')", "resetOffsets: write `offsets`, at least one, with `to: Offsets`, and only there"),
    validation = ("!has(self.topics) || self.to != 'Offsets'", "resetOffsets: `offsets` say which topics they are of, leave `topics` out")
)]
pub struct ResetOffsets {
    /// Names this reset. Each is carried out once: write another id to reset again. What was done under it is in `status.offsetReset`.
    #[schemars(length(min = 1, max = 63))]
    pub id: String,
    /// Where the group shall go on.
    pub to: ResetTo,
    /// With `to: Time`: the group goes on with the first record that is not older, such as `2026-11-27T08:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// With `to: Shift`: so many records forwards from the committed offset, or backwards if it is negative; never out of what
    /// the partition holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<i64>,
    /// With `to: Offsets`: an offset for each partition that shall change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4096))]
    pub offsets: Vec<PartitionOffset>,
    /// Only these of the group's topics, by their names in Kafka. Defaults to all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 249)))]
    pub topics: Option<Vec<String>>,
    /// Only work out what would change, and write it to status. Taken away, the same id is carried out, worked out anew.
    #[serde(default)]
    pub dry_run: bool,
    /// Kafka takes offsets for a group without members only. With this the workload of `scaleTargetRef` is scaled to zero for the
    /// reset, and back to what it was afterwards. Without it the reset waits until the group is empty.
    #[serde(default)]
    pub stop_workload: bool,
}

/// Where a group shall go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ResetTo {
    /// With the oldest record there is: everything is read again.
    Earliest,
    /// With the next record: everything there is now is skipped.
    Latest,
    /// With the first record of a time or later.
    Time,
    /// At the offsets given.
    Offsets,
    /// So many records from where it is.
    Shift,
}

/// An offset of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionOffset {
    /// Name of the topic in Kafka.
    #[schemars(length(min = 1, max = 249))]
    pub topic: String,
    /// Number of the partition.
    #[schemars(range(min = 0))]
    pub partition: i32,
    /// The offset the group reads next.
    #[schemars(range(min = 0))]
    pub offset: i64,
}

/// How far a reset has come, and what it did.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffsetResetStatus {
    /// The id of the reset.
    pub id: String,
    /// How far it has come.
    pub phase: OffsetResetPhase,
    /// What is being done, was done or stands in the way, in a sentence.
    pub message: String,
    /// When it began.
    pub start_time: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// Replicas the workload asked for before it was stopped; it gets them back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_replicas: Option<i32>,
    /// Records that are read again because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_again: Option<i64>,
    /// Records that are not read because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_skipped: Option<i64>,
    /// The partitions whose committed offset changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionReset>,
}

/// How far a reset has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum OffsetResetPhase {
    /// Something stands in the way.
    Waiting,
    /// The workload is scaled to zero, and the group is about to be empty.
    Stopping,
    /// The offsets are written down in `partitions` and are being committed.
    Committing,
    /// The offsets are committed and were read back; the workload is being scaled to what it was.
    Starting,
    /// It was given up; the workload is being scaled to what it was.
    Abandoning,
    /// A dry run: `partitions` says what would change.
    Planned,
    /// It is done.
    Completed,
    /// It was given up; the message says why.
    Failed,
}

/// The committed offset of one partition, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionReset {
    /// Name of the topic in Kafka.
    pub topic: String,
    /// Number of the partition.
    pub partition: i32,
    /// The committed offset before. Absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// The committed offset afterwards.
    pub to: i64,
}

/// What is kept of a group that sleeps, so that it goes on where it was.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptOffsets {
    /// Since when the group has had no member and its workload no replica.
    pub since: Time,
    /// Its committed offsets.
    pub offsets: Vec<PartitionOffset>,
}
