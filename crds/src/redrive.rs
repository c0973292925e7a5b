use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ReasonCount;

/// One run that brings dead letters of a DLQ home: which of them, where to and how fast.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "Redrive",
    plural = "redrives",
    shortname = "rd",
    category = "millrace",
    namespaced,
    status = "RedriveStatus",
    derive = "PartialEq",
    doc = "One run that brings dead letters of a DLQ home: which of them, where to and how fast.",
    selectable = ".spec.dlqRef.name",
    printcolumn(name = "DLQ", type_ = "string", json_path = ".spec.dlqRef.name"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Matched",
        type_ = "integer",
        json_path = ".status.counts.matched"
    ),
    printcolumn(
        name = "Redriven",
        type_ = "integer",
        json_path = ".status.counts.redriven"
    ),
    printcolumn(
        name = "Returned",
        type_ = "integer",
        json_path = ".status.counts.returned"
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
    validation = ("self.dlqRef == oldSelf.dlqRef && self.to == oldSelf.to && has(self.topicName) == has(oldSelf.topicName) && (!has(self.topicName) || self.topicName == oldSelf.topicName)", "where letters come from and go to cannot change, some may be there already: create a new Redrive"),
    validation = ("has(self.filter) == has(oldSelf.filter) && (!has(self.filter) || self.filter == oldSelf.filter)", "filter cannot change, some letters were judged by it already: create a new Redrive"),
    validation = ("has(self.lettersPerSecond) == has(oldSelf.lettersPerSecond) && (!has(self.lettersPerSecond) || self.lettersPerSecond == oldSelf.lettersPerSecond) && has(self.max) == has(oldSelf.max) && (!has(self.max) || self.max == oldSelf.max) && has(self.stopAtReturnedPercent) == has(oldSelf.stopAtReturnedPercent) && (!has(self.stopAtReturnedPercent) || self.stopAtReturnedPercent == oldSelf.stopAtReturnedPercent)", "lettersPerSecond, max and stopAtReturnedPercent cannot change: cancel this Redrive and create a new one, which leaves out what is home"),
    validation = ("self.maxAttempts == oldSelf.maxAttempts && has(self.quarantineTopicName) == has(oldSelf.quarantineTopicName) && (!has(self.quarantineTopicName) || self.quarantineTopicName == oldSelf.quarantineTopicName) && self.again == oldSelf.again", "maxAttempts, quarantineTopicName and again cannot change, some letters were judged by them already: create a new Redrive"),
    validation = ("self.dryRun == oldSelf.dryRun", "dryRun cannot change: create a new Redrive without it to bring the letters home"),
    validation = ("has(self.ttlSecondsAfterFinished) == has(oldSelf.ttlSecondsAfterFinished) && (!has(self.ttlSecondsAfterFinished) || self.ttlSecondsAfterFinished == oldSelf.ttlSecondsAfterFinished)", "ttlSecondsAfterFinished cannot change: delete the Redrive when you no longer need it"),
    validation = ("!oldSelf.cancel || self.cancel", "cancel cannot be taken back: create a new Redrive, which leaves out what is home"),
    validation = ("has(self.topicName) == (self.to == 'Topic')", "write `topicName` with `to: Topic`, and only there"),
    validation = ("!has(self.topicName) || (self.topicName.matches('^[a-zA-Z0-9._-]{1,249}$') && !(self.topicName in ['.', '..']))", "topicName: write 1 to 249 of the characters a-z A-Z 0-9 . _ - (Kafka forbids others, and the names '.' and '..')"),
    validation = ("!has(self.quarantineTopicName) || (self.quarantineTopicName.matches('^[a-zA-Z0-9._-]{1,249}$') && !(self.quarantineTopicName in ['.', '..']))", "quarantineTopicName: write 1 to 249 of the characters a-z A-Z 0-9 . _ - (Kafka forbids others, and the names '.' and '..')")
)]
pub struct RedriveSpec {
    /// The DLQ whose letters go home. One Redrive of a DLQ runs at a time, the next waits.
    pub dlq_ref: RedriveDlqRef,
    /// Where the letters go.
    #[serde(default)]
    pub to: RedriveTo,
    /// With `to: Topic`: name of the topic in Kafka. It must be of this namespace, or its Topic allow it with `allowedRedrives`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub topic_name: Option<String>,
    /// Only these letters. Defaults to all that are in the topic when the Redrive begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<RedriveFilter>,
    /// Most letters written in a second. Defaults to as many as Kafka takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub letters_per_second: Option<i32>,
    /// Complete once so many letters have been written. Defaults to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max: Option<i64>,
    /// How often a letter may be brought home. One that came back so often goes to quarantine instead.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub max_attempts: i32,
    /// The topic in Kafka for letters that came back too often, with all their headers; what holds for `topicName` holds for it.
    /// Without it they stay in the DLQ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub quarantine_topic_name: Option<String>,
    /// Stop when more than so many of a hundred letters come back to the DLQ, once 100 have gone home. Defaults to going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub stop_at_returned_percent: Option<i32>,
    /// Also bring home what an earlier Redrive of this DLQ has brought home already.
    #[serde(default)]
    pub again: bool,
    /// Only count, by reason and destination, what would go where. Nothing is written.
    #[serde(default)]
    pub dry_run: bool,
    /// Rest, and go on from there once this is false again.
    #[serde(default)]
    pub suspend: bool,
    /// End. What is home stays home. Cannot be taken back.
    #[serde(default)]
    pub cancel: bool,
    /// Delete this resource so many seconds after it has ended. A later Redrive then no longer knows what it brought home.
    /// Defaults to keeping it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ttl_seconds_after_finished: Option<i32>,
}

fn three() -> i32 {
    3
}

/// Names a DLQ in the namespace of the Redrive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedriveDlqRef {
    /// Name of the DLQ.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Where letters go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RedriveTo {
    /// Each to the topic it was read from, as its headers say.
    #[default]
    Origin,
    /// All to `topicName`.
    Topic,
}

/// Which letters are meant: those that satisfy all that is written here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.from) || !has(self.until) || self.from < self.until", "filter: write an `until` that is later than `from`"))]
pub struct RedriveFilter {
    /// The reason is one of these, written as in `status.byReason` of the DLQ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 200)))]
    pub reasons: Vec<String>,
    /// The source is one of these, written as in `status.byReason` of the DLQ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 200)))]
    pub sources: Vec<String>,
    /// The letter's timestamp is this or later, such as `2026-11-27T08:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// The letter's timestamp is earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The letter lies in one of these parts of the dead-letter topic. Partitions not written here have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub offsets: Vec<RedriveOffsets>,
    /// The key begins with the bytes of this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    pub key_prefix: Option<String>,
    /// The letter has all of these headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<RedriveHeader>,
}

/// A part of one partition of the dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.until) || self.from < self.until", "filter.offsets: write an `until` that is greater than `from`: it is the first offset that is not meant"))]
pub struct RedriveOffsets {
    /// Number of the partition.
    #[schemars(range(min = 0))]
    pub partition: i32,
    /// The first offset.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub from: i64,
    /// The first offset that is not meant. Defaults to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub until: Option<i64>,
}

/// A header that a letter has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedriveHeader {
    /// Name of the header.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its value is the bytes of this text.
    #[schemars(length(max = 1000))]
    pub value: String,
}

/// How far the Redrive has come, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedriveStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` says whether nothing stands in the way of the Redrive: it runs, or has done what it was asked for.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// How far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<RedrivePhase>,
    /// Letters that came to what, so far; in a dry run, that would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<RedriveCounts>,
    /// Letters that the filter means by reason and source, the most frequent first; at most 20, the rest summed under the reason `Other`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_reason: Vec<ReasonCount>,
    /// Letters that were written by topic, the most frequent first; at most 20, the rest summed under the topic `Other`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_destination: Vec<DestinationCount>,
    /// Kafka's id of the dead-letter topic, of which all offsets here are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<String>,
    /// The topics that letters may be written to, as of the beginning: those of this namespace and those that allow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<String>,
    /// Where it stands in each partition of the dead-letter topic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<RedrivePartition>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// Letters written in a second of late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters_per_second: Option<i64>,
    /// When all letters will have been looked at, at the speed of late. Absent where that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_completion_time: Option<Time>,
}

/// How far a Redrive has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RedrivePhase {
    /// It has not begun: something stands in the way, such as another Redrive of the same DLQ.
    Pending,
    /// It moves letters.
    Running,
    /// It rests, as `suspend` asks for.
    Suspended,
    /// It has done what it was asked for.
    Completed,
    /// It was given up; the condition says why. What is home stays home.
    Failed,
    /// It was ended, as `cancel` asks for. What is home stays home.
    Cancelled,
}

/// How many letters came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedriveCounts {
    /// Letters looked at.
    pub scanned: i64,
    /// Letters that the filter means.
    pub matched: i64,
    /// Letters that went home.
    pub redriven: i64,
    /// Letters that had come back too often and went to quarantine.
    pub quarantined: i64,
    /// Letters that stayed: their headers do not say where they come from.
    pub no_origin: i64,
    /// Letters that stayed: an earlier Redrive had brought them home.
    pub already_home: i64,
    /// Letters that stayed: they had come back too often, and no quarantine is named.
    pub exceeded: i64,
    /// Letters that stayed: the topic they come from does not allow it.
    pub refused: i64,
    /// Letters without a body that stayed: the record they tell of is no longer in its topic.
    pub original_expired: i64,
    /// Letters that stayed: the names of their headers are not text.
    pub unreadable: i64,
    /// Letters of this Redrive that came back to the DLQ while it ran.
    pub returned: i64,
    /// Offsets of the dead-letter topic, not letters, that Kafka had deleted before the Redrive came to them. At most so many letters
    /// were lost to retention while it ran; marks of transactions have offsets too.
    #[serde(default)]
    pub expired: i64,
}

/// How many letters were written to one topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DestinationCount {
    /// Name of the topic in Kafka.
    pub topic: String,
    /// How many.
    pub count: i64,
}

/// Where a Redrive stands in one partition of the dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedrivePartition {
    /// Number of the partition.
    pub partition: i32,
    /// Offset of the next letter to look at.
    pub next: i64,
    /// The first offset that is not looked at: the end when the Redrive began.
    pub end: i64,
}
