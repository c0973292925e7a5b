use millrace_crds::SchemaType;
use serde_json::Value;

use super::NewSchema;
use crate::avro::{self, Unparsed};

/// The registry's words for a text that is no schema, and where in the text that is, as far as a parser here can tell:
/// some registries only say that it is no schema.
pub(super) fn explain(schema: &NewSchema, registry: String) -> String {
    let found = match schema.schema_type {
        // The texts it names are the registry's, so what is missing here may be there.
        SchemaType::Avro if !schema.references.is_empty() => json(schema),
        SchemaType::Avro => match avro::parse(&schema.text, &[]) {
            Err(Unparsed::Invalid(words)) => Some(words),
            Err(Unparsed::Unjudged(_)) | Ok(_) => None,
        },
        SchemaType::Json => json(schema),
        SchemaType::Protobuf => None,
    };
    match found {
        Some(found) => format!("{found} (the registry says: {registry})"),
        None => registry,
    }
}

fn json(schema: &NewSchema) -> Option<String> {
    let error = serde_json::from_str::<Value>(&schema.text).err()?;
    (!avro::is_too_deep(&error)).then(|| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(schema_type: SchemaType, text: &str) -> String {
        let schema = NewSchema {
            schema_type,
            text: text.to_owned(),
            references: Vec::new(),
        };
        explain(&schema, "no schema".to_owned())
    }

    #[test]
    fn what_a_parser_here_finds_stands_before_the_registrys_words() {
        let words = explained(
            SchemaType::Avro,
            r#"{"type":"record","name":"order-item","fields":[]}"#,
        );
        assert!(words.starts_with("`order-item` is no name"), "{words}");
        assert!(words.ends_with("(the registry says: no schema)"), "{words}");
    }

    #[test]
    fn a_text_that_no_parser_here_looks_into_has_the_registrys_words_alone() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for language in [SchemaType::Avro, SchemaType::Json, SchemaType::Protobuf] {
            assert_eq!(explained(language, &deep), "no schema", "{language:?}");
        }
        let circle =
            r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R","default":{"r":{}}}]}"#;
        assert_eq!(explained(SchemaType::Avro, circle), "no schema");
    }
}
