use apache_avro::Schema;
use millrace_crds::SchemaType;
use serde_json::Value;

use super::NewSchema;

/// The registry's words for a text that is no schema, and where in the text that is, as far as a parser here can tell:
/// some registries only say that it is no schema.
pub(super) fn explain(schema: &NewSchema, registry: String) -> String {
    let found = match schema.schema_type {
        // The texts it names are the registry's, so what is missing here may be there.
        SchemaType::Avro if !schema.references.is_empty() => json(schema),
        SchemaType::Avro => json(schema).or_else(|| {
            Schema::parse_str(&schema.text)
                .err()
                .map(|error| error.to_string())
        }),
        SchemaType::Json => json(schema),
        SchemaType::Protobuf => None,
    };
    match found {
        Some(found) => format!("{found} (the registry says: {registry})"),
        None => registry,
    }
}

fn json(schema: &NewSchema) -> Option<String> {
    serde_json::from_str::<Value>(&schema.text)
        .err()
        .map(|error| error.to_string())
}
