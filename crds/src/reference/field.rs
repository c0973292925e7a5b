use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

/// One line of a table.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) default: String,
    pub(super) meaning: String,
}

/// All fields below `schema`, depth first, and the messages of its rules appended to `rules`, each once. A field that has
/// no default and cannot be left out has `always` in its place.
pub(super) fn rows(schema: &JSONSchemaProps, always: &str, rules: &mut Vec<String>) -> Vec<Row> {
    let mut rows = Vec::new();
    descend(schema, "", always, &mut rows, rules);
    rows
}

fn descend(
    schema: &JSONSchemaProps,
    path: &str,
    always: &str,
    rows: &mut Vec<Row>,
    rules: &mut Vec<String>,
) {
    for rule in schema.x_kubernetes_validations.iter().flatten() {
        let message = rule.message.clone().unwrap_or_default();
        if !rules.contains(&message) {
            rules.push(message);
        }
    }
    let required = schema.required.as_deref().unwrap_or_default();
    for (name, field) in schema.properties.iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let (path, inner) = match items(field) {
            Some(items) => (format!("{path}[]"), items),
            None => (path, field),
        };
        rows.push(Row {
            kind: kind(field),
            default: default(field, required.contains(name), always),
            meaning: meaning(field, inner),
            path: path.clone(),
        });
        if known(inner).is_none() {
            descend(inner, &path, always, rows, rules);
        }
    }
}

/// Kubernetes' own types, which are not taken apart here.
fn known(schema: &JSONSchemaProps) -> Option<&'static str> {
    let properties = schema.properties.as_ref()?;
    let has = |names: &[&str]| names.iter().all(|name| properties.contains_key(*name));
    if has(&["matchExpressions", "matchLabels"]) {
        Some("LabelSelector")
    } else if has(&["lastTransitionTime", "reason", "status", "type"]) {
        Some("Condition")
    } else {
        None
    }
}

fn kind(schema: &JSONSchemaProps) -> String {
    if let Some(items) = items(schema) {
        return format!("list of {}", kind(items));
    }
    if let Some(name) = known(schema) {
        return name.to_owned();
    }
    if schema.x_kubernetes_int_or_string == Some(true) {
        return "integer or string".to_owned();
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        return format!("map of {}", kind(values));
    }
    match (schema.type_.as_deref(), schema.format.as_deref()) {
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some(kind), _) => kind.to_owned(),
        (None, _) => "any".to_owned(),
    }
}

fn default(schema: &JSONSchemaProps, required: bool, always: &str) -> String {
    match &schema.default {
        Some(value) if value.0.is_object() || value.0.is_array() => format!("`{}`", value.0),
        Some(value) => format!(
            "`{}`",
            value.0.as_str().map_or(value.0.to_string(), str::to_owned)
        ),
        None if required => always.to_owned(),
        None => String::new(),
    }
}

/// What the field is, and the bounds that its description does not name itself.
fn meaning(field: &JSONSchemaProps, inner: &JSONSchemaProps) -> String {
    let mut meaning = cell(field.description.as_deref().unwrap_or_default());
    let choices: Vec<String> = inner
        .enum_
        .iter()
        .flatten()
        .filter_map(|choice| Some(format!("`{}`", choice.0.as_str()?)))
        .collect();
    if !choices.is_empty() {
        meaning.push_str(&format!(" One of {}.", choices.join(", ")));
    }
    let said = |bound: f64| {
        meaning
            .split(|c: char| !c.is_ascii_digit())
            .any(|word| word == bound.to_string())
    };
    match (inner.minimum, inner.maximum) {
        (Some(least), Some(most)) if !said(most) => {
            meaning.push_str(&format!(" From {least} to {most}."));
        }
        (Some(least), None) if !said(least) => meaning.push_str(&format!(" At least {least}.")),
        (None, Some(most)) if !said(most) => meaning.push_str(&format!(" At most {most}.")),
        _ => {}
    }
    if let Some(most) = field.max_items {
        meaning.push_str(&format!(" At most {most} items."));
    }
    if let Some(most) = inner.max_length {
        meaning.push_str(&format!(" At most {most} characters."));
    }
    meaning
}

fn items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(items) => Some(items),
        JSONSchemaPropsOrArray::Schemas(_) => None,
    }
}

/// Text as it may stand in a cell of a Markdown table.
pub(super) fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
