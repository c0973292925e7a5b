//! Where the text of a Schema may stand.

use super::*;

fn from_config_map(key: &str, rest: &str) -> Schema {
    let mut schema = a_schema("team-a", "s", 1, &format!(", subject: team-a.s{rest}"));
    schema.spec.schema = None;
    schema.spec.schema_from = Some(parse(&format!(
        "{{configMapKeyRef: {{name: texts, key: {key}}}}}"
    )));
    schema
}

fn facts() -> Manifests {
    let mut facts = Manifests::new();
    facts.texts.push(Arc::new(parse(
        r#"{metadata: {name: texts, namespace: team-a}, data: {good.avsc: '"string"', empty.avsc: ' ', broken.avsc: '{'}}"#,
    )));
    facts
}

#[test]
fn the_text_is_taken_from_the_key_of_the_config_map() {
    let resolved = schema(&from_config_map("good.avsc", ""), &facts()).expect("it is accepted");
    assert_eq!(resolved.text, "\"string\"");
    assert_eq!(resolved.source, "key `good.avsc` of ConfigMap team-a/texts");
}

#[test]
fn what_is_not_there_is_waited_for_and_named() {
    let nowhere = schema(&from_config_map("good.avsc", ""), &Manifests::new());
    let rejection = nowhere.expect_err("it is rejected");
    assert_eq!(rejection.reason, reasons::REFERENCE_NOT_FOUND);
    assert!(
        rejection
            .message
            .contains("`millrace.dev/schema-text: \"true\"`"),
        "{}",
        rejection.message
    );
    let without = schema(&from_config_map("other.avsc", ""), &facts());
    let rejection = without.expect_err("it is rejected");
    assert_eq!(rejection.reason, reasons::REFERENCE_NOT_FOUND);
    assert!(
        rejection.message.contains("has no key `other.avsc`"),
        "{}",
        rejection.message
    );
}

#[test]
fn a_text_that_is_no_schema_is_named_by_its_place() {
    for key in ["empty.avsc", "broken.avsc"] {
        let rejection = schema(&from_config_map(key, ""), &facts()).expect_err("it is rejected");
        assert_eq!(rejection.reason, reasons::INVALID_SCHEMA);
        let place = format!("key `{key}` of ConfigMap team-a/texts");
        assert!(
            rejection.message.starts_with(&place),
            "{}",
            rejection.message
        );
    }
}

#[test]
fn a_name_that_is_not_granted_is_refused_before_the_text_is_there() {
    let mut stolen = from_config_map("good.avsc", "");
    stolen.spec.subject = Some("team-b.s".into());
    assert_eq!(
        reason(schema(&stolen, &Manifests::new())),
        reasons::NAME_NOT_GRANTED
    );
}

#[test]
fn two_texts_or_none_are_refused() {
    let mut both = from_config_map("good.avsc", "");
    both.spec.schema = Some("\"string\"".into());
    let mut none = from_config_map("good.avsc", "");
    none.spec.schema_from = None;
    for wrong in [both, none] {
        assert_eq!(reason(schema(&wrong, &facts())), reasons::INVALID_SPEC);
    }
}
