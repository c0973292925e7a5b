use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens in Kafka when the resource is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum DeletionPolicy {
    /// The data stays; Millrace only stops managing it.
    #[default]
    Retain,
    /// The data is deleted with the resource.
    Delete,
}

/// What happens in the schema registry when the Schema is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum SubjectDeletionPolicy {
    /// The subject and its versions stay.
    #[default]
    Retain,
    /// The subject is marked deleted: ids still resolve, and it can be restored.
    SoftDelete,
    /// The subject is removed for good: records written with its ids can no longer be read.
    HardDelete,
}
