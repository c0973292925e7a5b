//! Avro texts, as far as they can be given to the library.
//!
//! apache-avro 0.21 is written for texts that its caller trusts: a name that Avro forbids makes it panic, the defaults of records are
//! followed as often as they lead anywhere, without end where they lead in a circle, and a type is copied once for each of its
//! aliases. Whoever may write a Schema could end this process, or fill its memory, with a text of two hundred bytes.
//! What is handed over is parsed on a thread of its own, with a stack for all texts together.

use std::thread;

use apache_avro::Schema;
use serde_json::{Map, Value};

/// Longest text, in bytes: a ConfigMap holds no longer one.
const LARGEST: usize = 1 << 20;
/// Most aliases in a text: the library holds a copy of the type for each.
const MOST_ALIASES: usize = 20;
/// Most levels of JSON in all texts together, where each begins at the innermost level of the one that names it.
const DEEPEST: usize = 2_000;
/// Stack of the thread that parses, in bytes: more than 16 KiB for each level. Memory is used only as far as it is needed.
const STACK: usize = 64 << 20;
/// Most characters of what the library says: it may repeat the text.
const MOST_WORDS: usize = 300;
/// Where an Avro schema has other schemas in it.
const INNER: [&str; 4] = ["type", "items", "values", "fields"];

/// Why a text was not parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unparsed {
    /// It is no schema, in these words.
    Invalid(String),
    /// It may be one, and this process does not look into it, for this reason.
    Unjudged(&'static str),
}

/// The schema of a text that names others, with the texts of those.
///
/// # Errors
/// [`Unparsed`], where there is none or it was not looked into.
pub(crate) fn parse(text: &str, named: &[String]) -> Result<Schema, Unparsed> {
    let schema = json(text)?;
    check(&schema)?;
    let mut levels = depth(&schema);
    for text in named {
        let schema = json(text)?;
        let kind = schema["type"].as_str().unwrap_or_default();
        if !["record", "enum", "fixed"].contains(&kind) {
            return Err(Unparsed::Unjudged(
                "it names a text that is no record, enum or fixed",
            ));
        }
        check(&schema)?;
        levels += depth(&schema);
    }
    if levels > DEEPEST {
        return Err(Unparsed::Unjudged(
            "the texts that it names are nested too deep together",
        ));
    }
    let (text, named) = (text.to_owned(), named.to_vec());
    let parsing = thread::Builder::new()
        .name("avro".to_owned())
        .stack_size(STACK)
        .spawn(move || Schema::parse_str_with_list(&text, &named));
    match parsing.map(thread::JoinHandle::join) {
        Ok(Ok(Ok((schema, _)))) => Ok(schema),
        Ok(Ok(Err(error))) => Err(Unparsed::Invalid(short(&error.to_string()))),
        // A panic: the library still takes some texts for what cannot be.
        Ok(Err(_)) => Err(Unparsed::Unjudged("the parser gave up on it")),
        Err(_) => Err(Unparsed::Unjudged("there was no thread to parse it")),
    }
}

/// Levels of a JSON value, at most 128.
fn depth(json: &Value) -> usize {
    match json {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn json(text: &str) -> Result<Value, Unparsed> {
    if text.len() > LARGEST {
        return Err(Unparsed::Unjudged("it is longer than 1 MiB"));
    }
    serde_json::from_str(text).map_err(|error| match is_too_deep(&error) {
        true => Unparsed::Unjudged("it is nested more than 127 levels deep"),
        false => Unparsed::Invalid(error.to_string()),
    })
}

/// Whether a text was not read because it is nested deeper than the parser follows.
pub(crate) fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit exceeded")
}

fn check(schema: &Value) -> Result<(), Unparsed> {
    match aliases(schema)? {
        0..=MOST_ALIASES => Ok(()),
        _ => Err(Unparsed::Unjudged("it has more than 20 aliases")),
    }
}

/// How many aliases a schema has, if its names and defaults are such as the library can be given.
fn aliases(schema: &Value) -> Result<usize, Unparsed> {
    let fields = match schema {
        Value::Array(items) => return items.iter().map(aliases).sum(),
        Value::Object(fields) => fields,
        _ => return Ok(0),
    };
    if let Some(name) = names(fields).find(|name| !is_name(name)) {
        let name = short(name);
        return Err(Unparsed::Invalid(format!(
            "`{name}` is no name: Avro takes letters, digits and `_`, no digit first, with `.` between the parts"
        )));
    }
    if !is_plain(fields) {
        return Err(Unparsed::Unjudged(
            "it has a default that is a list or a record",
        ));
    }
    let inner = INNER.iter().filter_map(|key| fields.get(*key));
    let inner: usize = inner.map(aliases).sum::<Result<_, _>>()?;
    let own = fields.get("aliases").and_then(Value::as_array);
    Ok(inner + own.map_or(0, Vec::len))
}

fn names(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let aliases = fields.get("aliases").and_then(Value::as_array);
    let aliases = aliases.into_iter().flatten();
    fields
        .get("name")
        .into_iter()
        .chain(aliases)
        .filter_map(Value::as_str)
}

/// A name, with or without a namespace (Avro specification, "Names"). An empty namespace, as in `.Flight`, is that of no name.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
        part.chars().all(known) && part.starts_with(|c: char| !c.is_ascii_digit())
    };
    name.strip_prefix('.')
        .unwrap_or(name)
        .split('.')
        .all(is_part)
}

/// Whether nothing follows from a default but itself.
fn is_plain(field: &Map<String, Value>) -> bool {
    match field.get("default") {
        Some(Value::Object(default)) => {
            default.is_empty() && field.get("type").is_some_and(|kind| kind["type"] == "map")
        }
        Some(Value::Array(default)) => default.is_empty(),
        _ => true,
    }
}

fn short(words: &str) -> String {
    words.chars().take(MOST_WORDS).collect()
}

#[cfg(test)]
pub(crate) mod hostile;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Schema, Unparsed> {
        parse(text, &[])
    }

    fn unjudged(text: &str, why: &str) {
        match parsed(text) {
            Err(Unparsed::Unjudged(words)) => assert!(words.contains(why), "{words}"),
            other => panic!("{other:?}"),
        }
    }

    fn invalid(text: &str, part: &str) {
        match parsed(text) {
            Err(Unparsed::Invalid(words)) => assert!(words.contains(part), "{words}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_that_avro_forbids_is_told_and_ends_nothing() {
        for name in ["order-item", "1st", "", "a..b", "a b"] {
            invalid(
                &format!(r#"{{"type":"record","name":"{name}","fields":[]}}"#),
                &format!("`{name}` is no name"),
            );
        }
        invalid(
            r#"{"type":"enum","name":"E","aliases":["a b"],"symbols":[]}"#,
            "`a b`",
        );
        for name in ["Order", "shop.Order", ".Order", "_"] {
            parsed(&format!(
                r#"{{"type":"record","name":"{name}","fields":[]}}"#
            ))
            .unwrap();
        }
    }

    #[test]
    fn defaults_that_lead_in_a_circle_are_not_followed() {
        let circle = r#"{"type":"record","name":"Top","fields":[
            {"name":"r","type":{"type":"record","name":"R","fields":[
                {"name":"a","type":["R",{"type":"map","values":"int"}],"default":{}}]}},
            {"name":"s","type":"R","default":{}}]}"#;
        unjudged(circle, "default");
    }

    #[test]
    fn defaults_that_double_with_every_level_are_not_followed() {
        let level = |level: u32| match level {
            0 => {
                r#"{"type":"record","name":"R0","fields":[{"name":"x","type":"int","default":0}]}"#
                    .to_owned()
            }
            _ => format!(
                r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":"R{0}","default":{{}}}},{{"name":"b","type":"R{0}","default":{{}}}}]}}"#,
                level - 1
            ),
        };
        let fields: Vec<String> = (0..40)
            .map(|n| format!(r#"{{"name":"f{n}","type":{}}}"#, level(n)))
            .collect();
        let text = format!(
            r#"{{"type":"record","name":"Top","fields":[{}]}}"#,
            fields.join(",")
        );
        unjudged(&text, "default");
    }

    #[test]
    fn plain_defaults_and_those_of_empty_lists_and_maps_are_judged() {
        let field = |kind: &str, default: &str| {
            format!(
                r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{kind},"default":{default}}}]}}"#
            )
        };
        parsed(&field("\"int\"", "1")).unwrap();
        parsed(&field(r#"["null","string"]"#, "null")).unwrap();
        parsed(&field(r#"{"type":"array","items":"int"}"#, "[]")).unwrap();
        parsed(&field(r#"{"type":"map","values":"int"}"#, "{}")).unwrap();
        invalid(&field("\"int\"", "\"x\""), "default");
    }

    #[test]
    fn a_type_with_aliases_without_end_is_not_copied_for_each() {
        let aliases: Vec<String> = (0..21).map(|n| format!("\"a{n}\"")).collect();
        let text = |aliases: &[String]| {
            format!(
                r#"{{"type":"record","name":"R","aliases":[{}],"fields":[]}}"#,
                aliases.join(",")
            )
        };
        parsed(&text(&aliases[..20])).unwrap();
        unjudged(&text(&aliases), "more than 20 aliases");
    }

    #[test]
    fn a_text_is_followed_as_deep_as_json_is_and_no_deeper() {
        let nested = |levels: usize| {
            let (open, close) = (
                r#"{"type":"array","items":"#.repeat(levels),
                "}".repeat(levels),
            );
            format!("{open}\"int\"{close}")
        };
        parsed(&nested(127)).unwrap();
        unjudged(&nested(128), "127 levels");
        unjudged(&"[".repeat(1 << 20), "127 levels");
        unjudged(&" ".repeat(LARGEST + 1), "1 MiB");
    }

    #[test]
    fn texts_that_name_each_other_in_a_long_chain_are_followed_as_far_as_a_stack_goes() {
        let chain = |links: usize| -> Vec<String> {
            let link = |number: usize| {
                let next = if number == links {
                    "int".to_owned()
                } else {
                    format!("L{}", number + 1)
                };
                format!(
                    r#"{{"type":"record","name":"L{number}","fields":[{{"name":"next","type":"{next}"}}]}}"#
                )
            };
            (1..=links).map(link).collect()
        };
        parse("\"L1\"", &chain(600)).unwrap();
        match parse("\"L1\"", &chain(700)) {
            Err(Unparsed::Unjudged(words)) => assert!(words.contains("together"), "{words}"),
            other => panic!("{other:?}"),
        }
        let deep = |number: usize| {
            let (open, close) = (r#"{"type":"array","items":"#.repeat(120), "}".repeat(120));
            format!(
                r#"{{"type":"record","name":"L{number}","fields":[{{"name":"next","type":{open}"L{}"{close}}}]}}"#,
                number + 1
            )
        };
        let mut texts: Vec<String> = (1..15).map(deep).collect();
        texts.push(r#"{"type":"record","name":"L15","fields":[]}"#.to_owned());
        parse("\"L1\"", &texts).unwrap();
    }

    #[test]
    fn what_the_parser_takes_for_what_cannot_be_ends_nothing() {
        unjudged(
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"record","name":"S","fields":[],"items":5},"default":1}]}"#,
            "gave up",
        );
        match parse(
            "\"A\"",
            &[r#"{"type":"array","name":"A","items":"A"}"#.to_owned()],
        ) {
            Err(Unparsed::Unjudged(words)) => assert!(words.contains("no record"), "{words}"),
            other => panic!("{other:?}"),
        }
    }
}
