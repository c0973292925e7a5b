use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AllowedNamespaces, ClusterRef, ConformanceStatus, SchemaConformance, SchemaReference,
    SchemaSource, SubjectDeletionPolicy,
};

/// A schema in the schema registry: checked for compatibility first, registered after.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "millrace.dev",
    version = "v1alpha1",
    kind = "Schema",
    plural = "schemas",
    shortname = "ks",
    category = "millrace",
    namespaced,
    status = "SchemaStatus",
    derive = "PartialEq",
    doc = "A schema in the schema registry: checked for compatibility first, registered after.",
    selectable = ".spec.clusterRef.name",
    printcolumn(name = "Subject", type_ = "string", json_path = ".status.subject"),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(
        name = "Compatibility",
        type_ = "string",
        json_path = ".spec.compatibility"
    ),
    printcolumn(name = "Version", type_ = "integer", json_path = ".status.version"),
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
    validation = ("has(self.subject) != has(self.topicRef)", "write either `subject` or `topicRef`, not both"),
    validation = ("has(self.subject) == has(oldSelf.subject) && (!has(self.subject) || self.subject == oldSelf.subject)", "subject cannot change: create a new Schema for the other subject"),
    validation = ("has(self.schema) != has(self.schemaFrom)", "write either `schema`, the text, or `schemaFrom`, the ConfigMap that has it"),
    validation = ("!has(self.schema) || self.schema.trim().size() > 0", "schema: write the text of the schema"),
    validation = ("!has(self.conformance) || self.conformance.mode == 'Off' || has(self.topicRef)", "conformance: write `topicRef`, the Topic whose records are sampled")
)]
pub struct SchemaSpec {
    /// The KafkaCluster whose schema registry takes the schema.
    pub cluster_ref: ClusterRef,
    /// Subject in the registry. Write this or `topicRef`. Cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub subject: Option<String>,
    /// The Topic, in this namespace, whose records the schema describes: the subject is then `<topic>-key` or `<topic>-value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_ref: Option<SchemaTopicRef>,
    /// The language of the schema.
    #[serde(rename = "type", default)]
    pub schema_type: SchemaType,
    /// Text of the schema. Write this or `schemaFrom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 262144))]
    pub schema: Option<String>,
    /// Where the text lies, if not here. A change of it is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_from: Option<SchemaSource>,
    /// Schemas that the text names. They are registered first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub references: Vec<SchemaReference>,
    /// The namespaces whose Schemas may refer to this one's subject: while they do, the registry does not delete it. Defaults to this one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_references: Option<AllowedNamespaces>,
    /// What a new version may change. Defaults to `Backward`: consumers with the new schema can read what was written with the last one.
    #[serde(default)]
    pub compatibility: Compatibility,
    /// Take over a subject that already exists in the registry.
    #[serde(default)]
    pub adopt: bool,
    /// What happens to the subject when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: SubjectDeletionPolicy,
    /// Whether samples of the topic's records are looked at for ids of this subject's schemas. Needs `topicRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance: Option<SchemaConformance>,
}

/// The Topic a schema describes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaTopicRef {
    /// Name of the Topic resource, in the Schema's namespace.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Which part of the record the schema describes.
    #[serde(default)]
    pub part: SubjectPart,
}

/// Part of a record.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
)]
pub enum SubjectPart {
    /// The record's key.
    Key,
    /// The record's value.
    #[default]
    Value,
}

/// Language of a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum SchemaType {
    /// Apache Avro.
    #[default]
    Avro,
    /// JSON Schema.
    Json,
    /// Protocol Buffers.
    Protobuf,
}

/// What a new version of a schema may change, as schema registries define it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Compatibility {
    /// Anything.
    None,
    /// The new version reads what the last one wrote.
    #[default]
    Backward,
    /// The new version reads what every earlier one wrote.
    BackwardTransitive,
    /// The last version reads what the new one writes.
    Forward,
    /// Every earlier version reads what the new one writes.
    ForwardTransitive,
    /// Backward and forward against the last version.
    Full,
    /// Backward and forward against every earlier version.
    FullTransitive,
}

/// What is true of the schema.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` sums up `Compatible` (the registry's verdict, reached before anything is written) and `Registered`. What others have done in the registry is in `Latest` (no version is newer than this resource's) and `LevelKept` (nobody has changed the level, which is put back). `Conformant`, with `spec.conformance`, says whether a record was detected in a sample that does not conform.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Subject in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The registry's id of the schema, the one in the records' framing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The level of the subject, as it was seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<Compatibility>,
    /// Version of the subject that has this schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// What was found in samples of the topic's records. Absent without `spec.conformance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance: Option<ConformanceStatus>,
}
