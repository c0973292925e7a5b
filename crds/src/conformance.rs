use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the topic's records are looked at for schema ids that are registered under the subject.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaConformance {
    /// `Off` (the default): no record is looked at. `Audit`: records that do not conform are detected in samples and counted, in `status.conformance` and by the condition `Conformant`. They are not kept out.
    #[serde(default)]
    pub mode: ConformanceMode,
    /// The most records looked at in one sample, spread over the partitions: the newest of each. 1 to 10000.
    #[serde(default = "default_max_records")]
    #[schemars(range(min = 1, max = 10000))]
    pub max_records: i32,
    /// Seconds between two samples, 10 to 86400.
    #[serde(default = "default_interval_seconds")]
    #[schemars(range(min = 10, max = 86400))]
    pub interval_seconds: i32,
}

fn default_max_records() -> i32 {
    500
}

fn default_interval_seconds() -> i32 {
    60
}

/// What is done about records that do not conform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ConformanceMode {
    /// Nothing: no record is looked at.
    #[default]
    Off,
    /// They are detected in samples, and counted. They are not kept out.
    Audit,
}

/// What was found in the samples that were taken since `since`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConformanceStatus {
    /// Records looked at: the sum of the five counts that follow.
    pub sampled: i64,
    /// Records with the id of a schema that is registered under the subject, and records whose key or value is null.
    pub conforming: i64,
    /// Records without a schema id, or with what cannot be read as one.
    pub not_framed: i64,
    /// Records with an id that the registry does not know.
    pub unknown_id: i64,
    /// Records with an id that is registered, but not under the subject.
    pub other_subject: i64,
    /// Records with an id that was not looked up: the registry cannot be asked for GUIDs, or there were too many ids in one sample.
    pub unchecked: i64,
    /// The last record that was found not to conform. Absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_violation: Option<ConformanceViolation>,
    /// When counting began: with the audit, or anew when another replica leads, the operator starts or the topic was made anew.
    pub since: Time,
}

/// A record that does not conform, by its place. Nothing of what it holds is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConformanceViolation {
    /// Number of the partition.
    pub partition: i32,
    /// Offset of the record.
    pub offset: i64,
    /// The record's timestamp. Absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// What is wrong with it.
    pub what: String,
}
