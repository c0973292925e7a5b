use std::error::Error;

use apache_avro::{Schema, error::CompatibilityError, schema_compatibility::SchemaCompatibility};
use serde_json::Value;

use crate::avro::{self, Unparsed};

/// Most characters of what the library says: it may repeat both schemas.
const MAX_WORDS: usize = 300;

/// An Avro schema.
pub(super) struct Avro {
    schema: Schema,
    /// Whether it relies on what the library does not follow when it compares: defaults of enums, and aliases of types.
    beyond: bool,
}

/// Whether a reader reads what a writer wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Works,
    /// It does not, in these words.
    Fails(String),
    /// The library cannot tell.
    Unclear,
}

impl Avro {
    /// A text, with the texts of the schemas that it names.
    ///
    /// # Errors
    /// As [`avro::parse`].
    pub(super) fn parse(text: &str, named: &[String]) -> Result<Self, Unparsed> {
        let schema = avro::parse(text, named)?;
        let json = serde_json::from_str(text).unwrap_or_default();
        Ok(Self {
            schema,
            beyond: goes_beyond(&json),
        })
    }

    /// Whether `self`, as the reader's schema, reads what was written with `writer`.
    pub(super) fn reads(&self, writer: &Self) -> Reading {
        match SchemaCompatibility::can_read(&writer.schema, &self.schema) {
            Ok(()) => Reading::Works,
            Err(error) if self.beyond && is_of_a_type(innermost(&error)) => Reading::Unclear,
            Err(error) => Reading::Fails(words(&error)),
        }
    }
}

fn goes_beyond(json: &Value) -> bool {
    match json {
        Value::Array(items) => items.iter().any(goes_beyond),
        Value::Object(fields) => {
            let is = |kind: &str| json["type"] == kind;
            let renamed =
                json["aliases"].is_array() && ["record", "enum", "fixed"].map(is).contains(&true);
            let defaulted = is("enum") && fields.contains_key("default");
            renamed || defaulted || fields.values().any(goes_beyond)
        }
        _ => false,
    }
}

/// Whether it is the symbols or the name of a type that do not match, or a union, which does not say what in it.
fn is_of_a_type(error: &CompatibilityError) -> bool {
    matches!(
        error,
        CompatibilityError::MissingSymbols
            | CompatibilityError::NameMismatch { .. }
            | CompatibilityError::FixedMismatch
            | CompatibilityError::MissingUnionElements
    )
}

fn innermost(error: &CompatibilityError) -> &CompatibilityError {
    match error {
        CompatibilityError::FieldTypeMismatch(_, inner) => innermost(inner),
        error => error,
    }
}

/// The error and its causes in one line.
fn words(error: &CompatibilityError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    let line: Vec<&str> = words.split_whitespace().collect();
    line.join(" ").chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn reads(reader: &str, writer: &str) -> Reading {
        let parse = |text| Avro::parse(text, &[]).unwrap();
        parse(reader).reads(&parse(writer))
    }

    const AB: &str = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
    const A: &str = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
    const A_BY_DEFAULT: &str = r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#;

    #[test]
    fn what_the_library_does_not_follow_is_unclear_and_never_a_break() {
        assert!(matches!(reads(A, AB), Reading::Fails(_)));
        assert_eq!(reads(A_BY_DEFAULT, AB), Reading::Unclear);
        let nullable = |schema: &str| format!(r#"["null",{schema}]"#);
        assert_eq!(
            reads(&nullable(A_BY_DEFAULT), &nullable(AB)),
            Reading::Unclear
        );
        let other = AB.replace("\"E\"", "\"F\",\"aliases\":[\"E\"]");
        assert_eq!(reads(&other, AB), Reading::Unclear);
    }

    #[test]
    fn a_break_of_another_sort_stays_one() {
        let record = |kind: &str| {
            format!(
                r#"{{"type":"record","name":"R","aliases":["Q"],"fields":[{{"name":"v","type":"{kind}"}}]}}"#
            )
        };
        let Reading::Fails(words) = reads(&record("int"), &record("string")) else {
            panic!("it breaks")
        };
        assert!(words.contains("'v'") && words.contains("String"), "{words}");
        assert!(!words.contains('\n') && words.len() <= MAX_WORDS, "{words}");
    }
}
