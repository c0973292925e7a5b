//! Bodies of Confluent's API. What a registry adds to them is ignored.

use serde::{Deserialize, Serialize};

use super::{NewSchema, Reference, level};

/// Body of a lookup, a check and a registration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SchemaBody<'a> {
    schema: &'a str,
    schema_type: &'static str,
    /// Left out where there are none, as by clients older than references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<ReferenceBody<'a>>,
}

/// A schema that another one names.
#[derive(Debug, Serialize)]
struct ReferenceBody<'a> {
    name: &'a str,
    subject: &'a str,
    version: i32,
}

impl<'a> From<&'a Reference> for ReferenceBody<'a> {
    fn from(reference: &'a Reference) -> Self {
        Self {
            name: &reference.name,
            subject: &reference.subject,
            version: reference.version,
        }
    }
}

impl<'a> From<&'a NewSchema> for SchemaBody<'a> {
    fn from(schema: &'a NewSchema) -> Self {
        Self {
            schema: &schema.text,
            schema_type: level::language(schema.schema_type),
            references: schema.references.iter().map(ReferenceBody::from).collect(),
        }
    }
}

/// Answer to a registration; older registries leave the version out.
#[derive(Debug, Deserialize)]
pub(super) struct RegisteredBody {
    pub id: i64,
    pub version: Option<i32>,
}

/// Answer to a lookup.
#[derive(Debug, Deserialize)]
pub(super) struct FoundBody {
    pub id: i64,
    pub version: i32,
}

/// A version of a subject, of those that have a schema.
#[derive(Debug, Deserialize)]
pub(super) struct UseBody {
    pub subject: String,
}

/// An id that a GUID has in a context of the registry.
#[derive(Debug, Deserialize)]
pub(super) struct ContextIdBody {
    #[serde(default)]
    pub context: Option<String>,
    pub id: i32,
}

/// Answer to a check.
#[derive(Debug, Deserialize)]
pub(super) struct VerdictBody {
    pub is_compatible: bool,
    #[serde(default)]
    pub messages: Option<Vec<String>>,
}

/// A level as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct LevelBody {
    #[serde(rename = "compatibilityLevel")]
    pub level: Option<String>,
}

/// A level as it is written.
#[derive(Debug, Serialize)]
pub(super) struct NewLevelBody {
    pub compatibility: &'static str,
}

/// An error.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub error_code: u32,
    #[serde(default)]
    pub message: String,
}
