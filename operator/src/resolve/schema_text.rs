use millrace_crds::{ConfigMapKeyRef, SCHEMA_TEXT_LABEL, Schema, SchemaType};
use serde::de::IgnoredAny;

use super::{Claimant, Facts, Rejection};
use crate::status::reasons;

/// The text of a schema.
pub(super) struct SchemaText {
    pub(super) text: String,
    /// Where it stands, for messages: `spec.schema`, or the key of a ConfigMap.
    pub(super) source: String,
}

/// The text of a Schema, inline or in a ConfigMap of its namespace.
///
/// # Errors
/// A [`Rejection`] where the ConfigMap or its key is not there, or the spec names no text, or two.
pub(super) fn text(
    schema: &Schema,
    me: &Claimant,
    facts: &dyn Facts,
) -> Result<SchemaText, Rejection> {
    let spec = &schema.spec;
    match (&spec.schema, &spec.schema_from) {
        (Some(text), None) => Ok(SchemaText {
            text: text.clone(),
            source: "spec.schema".to_owned(),
        }),
        (None, Some(from)) => of_config_map(&from.config_map_key_ref, me, facts),
        _ => Err(Rejection::no(
            reasons::INVALID_SPEC,
            "write either `schema`, the text, or `schemaFrom`, the ConfigMap that has it",
        )),
    }
}

fn of_config_map(
    reference: &ConfigMapKeyRef,
    me: &Claimant,
    facts: &dyn Facts,
) -> Result<SchemaText, Rejection> {
    let ConfigMapKeyRef { name, key } = reference;
    let path = format!("ConfigMap {}/{name}", me.namespace);
    let missing = |message| Rejection::unknown(reasons::REFERENCE_NOT_FOUND, message);
    let found = facts.schema_texts(&me.namespace, name).ok_or_else(|| {
        missing(format!(
            "there is no {path} with the label `{SCHEMA_TEXT_LABEL}: \"true\"`: create it, give it the label, or correct spec.schemaFrom"
        ))
    })?;
    let data = found.data.as_ref();
    let text = data.and_then(|data| data.get(key)).ok_or_else(|| {
        missing(format!(
            "{path} has no key `{key}` in its data: add it, or correct spec.schemaFrom"
        ))
    })?;
    let source = format!("key `{key}` of {path}");
    if text.trim().is_empty() {
        return Err(Rejection::no(
            reasons::INVALID_SCHEMA,
            format!("{source} is empty: write the text of the schema"),
        ));
    }
    Ok(SchemaText {
        text: text.clone(),
        source,
    })
}

/// Whether the text may be a schema at all. Avro and JSON schemas are JSON (Avro specification, "Schema Declaration"); whether it is one
/// that means something is the registry's to say.
pub(super) fn syntax(schema_type: SchemaType, written: &SchemaText) -> Result<(), Rejection> {
    let language = match schema_type {
        SchemaType::Avro => "an Avro",
        SchemaType::Json => "a JSON",
        SchemaType::Protobuf => return Ok(()),
    };
    match serde_json::from_str::<IgnoredAny>(&written.text) {
        Ok(IgnoredAny) => Ok(()),
        Err(error) => Err(Rejection::no(
            reasons::INVALID_SCHEMA,
            format!(
                "{} is not {language} schema: the text is not JSON: {error}",
                written.source
            ),
        )),
    }
}
