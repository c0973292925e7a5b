use std::borrow::Cow;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A schema that the text names: that of another Schema, or a version of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.schemaRef) != has(self.subject)", "references: write either `schemaRef`, or `subject` with `version`"),
    validation = ("has(self.subject) == has(self.version)", "references: write `version` with `subject`, a number or latest, and only with it")
)]
pub struct SchemaReference {
    /// What the text calls it: the full name in Avro, the path of the import in Protobuf, the `$ref` in JSON Schema.
    #[schemars(length(min = 1, max = 1000))]
    pub name: String,
    /// The Schema, in this namespace. The version it has in the registry is meant, and followed; until it has one this Schema waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_ref: Option<SchemaRef>,
    /// A subject of the registry. One that a Schema of another namespace holds must be allowed by its `allowedReferences`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 249))]
    pub subject: Option<String>,
    /// Version of the subject: a number, or `latest`, which is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<SubjectVersion>,
}

/// Another Schema of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaRef {
    /// Name of the Schema resource.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Which version of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum SubjectVersion {
    /// This one, from 1.
    Number(i32),
    /// The one that is the latest at the time.
    Latest(Latest),
}

/// The word `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Latest {
    /// The latest version.
    Latest,
}

impl JsonSchema for SubjectVersion {
    fn schema_name() -> Cow<'static, str> {
        "SubjectVersion".into()
    }

    // A number is held by `minimum`, a string by `pattern`: each says nothing of the other (JSON Schema, section 6).
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-kubernetes-int-or-string": true, "minimum": 1, "pattern": "^latest$" })
    }
}
