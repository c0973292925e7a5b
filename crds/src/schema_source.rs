use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Label of the ConfigMaps that texts of schemas are taken from, with the value `true`. Others are not looked at.
pub const SCHEMA_TEXT_LABEL: &str = "millrace.dev/schema-text";

/// Where the text of a schema lies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaSource {
    /// A key of a ConfigMap in this namespace. The ConfigMap must have the label `millrace.dev/schema-text: "true"`.
    pub config_map_key_ref: ConfigMapKeyRef,
}

/// A key of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKeyRef {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of its `data`.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}
