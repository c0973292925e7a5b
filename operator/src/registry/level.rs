use millrace_crds::{Compatibility, SchemaType};

/// The registry's word for a level.
pub(super) fn word(level: Compatibility) -> &'static str {
    match level {
        Compatibility::None => "NONE",
        Compatibility::Backward => "BACKWARD",
        Compatibility::BackwardTransitive => "BACKWARD_TRANSITIVE",
        Compatibility::Forward => "FORWARD",
        Compatibility::ForwardTransitive => "FORWARD_TRANSITIVE",
        Compatibility::Full => "FULL",
        Compatibility::FullTransitive => "FULL_TRANSITIVE",
    }
}

/// The level a registry's word means, if it is one of Confluent's seven.
pub(super) fn parse(word_of_registry: &str) -> Option<Compatibility> {
    use Compatibility::{
        Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive, None,
    };
    [
        None,
        Backward,
        BackwardTransitive,
        Forward,
        ForwardTransitive,
        Full,
        FullTransitive,
    ]
    .into_iter()
    .find(|level| word(*level) == word_of_registry)
}

/// The registry's word for a language.
pub(super) fn language(schema_type: SchemaType) -> &'static str {
    match schema_type {
        SchemaType::Avro => "AVRO",
        SchemaType::Json => "JSON",
        SchemaType::Protobuf => "PROTOBUF",
    }
}
