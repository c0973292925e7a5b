//! Texts that no registry was made for.

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::*;

/// Texts of schemas, as they are and as they should not be.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let written = schema().prop_map(|schema| schema.to_string());
    let damaged = (schema(), any::<prop::sample::Index>(), any::<char>(), 0..4)
        .prop_map(|(schema, at, with, how)| damaged(&schema.to_string(), at, with, how));
    let nested = (
        select(vec![
            r#"{"type":"array","items":"#,
            r#"{"type":"map","values":"#,
            r#"{"type":"#,
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":"#,
            r#"{"properties":{"a":"#,
            "[",
            "message M { ",
        ]),
        0_usize..300,
        any::<bool>(),
    )
        .prop_map(|(open, levels, closed)| {
            let close = |c: char| match c {
                '{' => "}",
                '[' => "]",
                _ => "",
            };
            let ends: String = open.chars().rev().map(close).collect();
            match closed {
                true => format!("{}\"int\"{}", open.repeat(levels), ends.repeat(levels)),
                false => open.repeat(levels),
            }
        });
    let long = (0_usize..20_000).prop_map(|length| {
        let name = "n".repeat(length);
        format!(
            r#"{{"type":"record","name":"{name}","fields":[{{"name":"{name}","type":"{name}"}}]}}"#
        )
    });
    let others = select(vec![
        "",
        " ",
        "null",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\u{0}",
        "\u{feff}\"string\"",
        "1e999",
        r#"{"type":"record","type":"enum","name":"R","name":"S","fields":[],"symbols":[]}"#,
        r#"{"type":"fixed","name":"F","size":18446744073709551615}"#,
        r#"{"type":"fixed","name":"F","size":-1}"#,
        r#"{"type":"bytes","logicalType":"decimal","precision":99999999999999999999,"scale":-1}"#,
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#","type":"object"}"##,
        "syntax = \"proto3\"; message M { M m = 1; }",
    ])
    .prop_map(str::to_owned);
    prop_oneof![8 => written, 6 => damaged, 2 => nested, 1 => long, 2 => others, 1 => "\\PC{0,40}"]
}

fn damaged(text: &str, at: prop::sample::Index, with: char, how: i32) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = at.index(letters.len());
    match how {
        0 => letters.truncate(at),
        1 => letters[at] = with,
        2 => letters.insert(at, with),
        _ => {
            letters.remove(at);
        }
    }
    letters.into_iter().collect()
}

fn name() -> impl Strategy<Value = String> {
    let names = vec![
        "R",
        "S",
        "E",
        "ns.R",
        "ns.S",
        ".R",
        "order-item",
        "1st",
        "",
        "a b",
        "a..b",
        "R.",
        "null",
        "record",
        "string",
        "é",
    ];
    prop_oneof![6 => select(names).prop_map(str::to_owned), 1 => "[A-T]", 1 => "\\PC{0,5}"]
}

/// A value where the default of a field stands, or where anything may.
fn value() -> impl Strategy<Value = Value> {
    let plain = select(vec![
        json!(null),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("R"),
        json!(""),
        json!(true),
        json!({}),
        json!([]),
    ]);
    plain.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => select(vec!["null", "boolean", "int", "long", "float", "double", "bytes", "string"]).prop_map(Value::from),
        4 => name().prop_map(Value::from),
        1 => value(),
    ];
    leaf.prop_recursive(6, 48, 4, |inner| {
        let field = (name(), inner.clone(), prop::option::weighted(0.4, value()), prop::option::weighted(0.1, value()))
            .prop_map(|(name, kind, default, more)| {
                let mut field = json!({ "name": name, "type": kind });
                put(&mut field, "default", default);
                put(&mut field, "aliases", more);
                field
            });
        let fields = prop::collection::vec(field, 0..4);
        let record = (name(), fields, aliases(), odd()).prop_map(|(name, fields, aliases, odd)| {
            with(json!({ "type": "record", "name": name, "fields": fields }), aliases, odd)
        });
        let symbols = prop::collection::vec(name(), 0..4);
        let enumeration = (name(), symbols, aliases(), odd()).prop_map(|(name, symbols, aliases, odd)| {
            with(json!({ "type": "enum", "name": name, "symbols": symbols }), aliases, odd)
        });
        let fixed = (name(), value(), aliases(), odd()).prop_map(|(name, size, aliases, odd)| {
            with(json!({ "type": "fixed", "name": name, "size": size }), aliases, odd)
        });
        let logical = select(vec!["decimal", "uuid", "date", "duration", "time-millis", "timestamp-micros", "big-decimal"]);
        prop_oneof![
            6 => record,
            2 => enumeration,
            1 => fixed,
            2 => (inner.clone(), odd()).prop_map(|(items, odd)| with(json!({ "type": "array", "items": items }), None, odd)),
            2 => (inner.clone(), odd()).prop_map(|(values, odd)| with(json!({ "type": "map", "values": values }), None, odd)),
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            1 => (inner.clone(), logical, odd()).prop_map(|(kind, logical, odd)| {
                with(json!({ "type": kind, "logicalType": logical, "precision": 4 }), None, odd)
            }),
            1 => inner.prop_map(|kind| json!({ "type": kind })),
        ]
    })
}

fn aliases() -> impl Strategy<Value = Option<Value>> {
    let many = (0_usize..40).prop_map(|count| (0..count).map(|n| json!(format!("a{n}"))).collect());
    let named = prop::collection::vec(name().prop_map(Value::from), 0..3);
    prop::option::weighted(
        0.2,
        prop_oneof![3 => named, 1 => many].prop_map(Value::Array),
    )
}

/// An attribute that should not stand there, or not so.
fn odd() -> impl Strategy<Value = Option<(&'static str, Value)>> {
    let keys = vec![
        "name",
        "namespace",
        "size",
        "precision",
        "scale",
        "items",
        "values",
        "symbols",
        "fields",
        "default",
        "doc",
        "order",
        "logicalType",
    ];
    prop::option::weighted(0.15, (select(keys), value()))
}

fn with(mut schema: Value, aliases: Option<Value>, odd: Option<(&'static str, Value)>) -> Value {
    put(&mut schema, "aliases", aliases);
    if let Some((key, value)) = odd {
        put(&mut schema, key, Some(value));
    }
    schema
}

fn put(schema: &mut Value, key: &str, value: Option<Value>) {
    let fields: Option<&mut Map<String, Value>> = schema.as_object_mut();
    if let (Some(fields), Some(value)) = (fields, value) {
        fields.insert(key.to_owned(), value);
    }
}

proptest! {
    #[test]
    fn hostile_texts_are_schemas_or_told_why_not(
        text in texts(),
        named in prop::collection::vec(texts(), 0..3),
    ) {
        match parse(&text, &named) {
            Ok(_) => {}
            Err(Unparsed::Invalid(words)) => prop_assert!(words.chars().count() <= MOST_WORDS + 200, "{words}"),
            Err(Unparsed::Unjudged(why)) => prop_assert!(why.len() <= MOST_WORDS),
        }
    }
}
