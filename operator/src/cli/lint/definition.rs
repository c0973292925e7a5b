use std::collections::BTreeMap;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json};

use super::{cel::Rules, rule::suggestion};

/// A value of the definition that is refused, at a place of the resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// JSON pointer from the resource's root.
    pub(super) pointer: String,
    pub(super) message: String,
}

/// The CustomResourceDefinition of each kind, as the API server checks resources by it.
pub(super) struct Definitions(BTreeMap<String, Definition>);

struct Definition {
    openapi: Value,
    validator: Validator,
    rules: Rules,
}

impl Definitions {
    /// The definitions of this version.
    ///
    /// # Errors
    /// When one cannot be compiled.
    pub(super) fn load() -> Result<Self, String> {
        let mut definitions = BTreeMap::new();
        for definition in millrace_crds::all() {
            let kind = definition.spec.names.kind.clone();
            let schema = definition
                .spec
                .versions
                .into_iter()
                .next()
                .and_then(|version| version.schema?.open_api_v3_schema);
            let openapi = serde_json::to_value(schema).map_err(|error| error.to_string())?;
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&resource(&openapi))
                .map_err(|error| format!("the definition of {kind}: {error}"))?;
            let rules = Rules::compile(&openapi);
            definitions.insert(
                kind,
                Definition {
                    openapi,
                    validator,
                    rules,
                },
            );
        }
        Ok(Self(definitions))
    }

    /// What the API server would refuse in a resource of `kind`: by the schema, and where that is content, by the CEL rules.
    pub(super) fn check(&self, kind: &str, resource: &Value) -> Vec<Fault> {
        let Some(definition) = self.0.get(kind) else {
            return Vec::new();
        };
        let faults: Vec<Fault> = definition
            .validator
            .iter_errors(resource)
            .flat_map(|error| faults(&error, &definition.openapi))
            .collect();
        if !faults.is_empty() {
            return faults;
        }
        let spec = definition.openapi.pointer("/properties/spec");
        match (spec, resource.get("spec")) {
            (Some(schema), Some(spec)) => {
                definition
                    .rules
                    .check(schema, &defaulted(schema, spec), "/spec")
            }
            _ => Vec::new(),
        }
    }
}

/// The schema of a whole resource as JSON Schema. `metadata` and `status` are the API server's own.
fn resource(openapi: &Value) -> Value {
    let spec = json_schema(&openapi["properties"]["spec"]);
    json!({
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": {
                "type": "object",
                "required": ["name"],
                "properties": { "name": { "type": "string", "minLength": 1, "maxLength": 253, "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" } },
            },
            "spec": spec,
            "status": true,
        },
    })
}

/// An OpenAPI schema of a definition (structural schema) as JSON Schema: `nullable`, integers or strings, and no unknown fields,
/// which `kubectl apply` refuses too (`--validate=strict`).
fn json_schema(openapi: &Value) -> Value {
    let Value::Object(fields) = openapi else {
        return openapi.clone();
    };
    let mut schema = serde_json::Map::new();
    for (key, value) in fields {
        let converted = match (key.as_str(), value) {
            // The formats of numbers say nothing that a user could break.
            ("format", format) if format == "date-time" => format.clone(),
            ("description" | "default" | "format" | "nullable", _) => continue,
            ("properties", Value::Object(properties)) => Value::Object(
                properties
                    .iter()
                    .map(|(name, property)| (name.clone(), json_schema(property)))
                    .collect(),
            ),
            ("items" | "additionalProperties" | "not", _) => json_schema(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(options)) => {
                options.iter().map(json_schema).collect()
            }
            (name, _) if name.starts_with("x-kubernetes-") => continue,
            _ => value.clone(),
        };
        schema.insert(key.clone(), converted);
    }
    let yes = |key: &str| openapi[key] == true;
    if yes("x-kubernetes-int-or-string") {
        schema.insert("type".to_owned(), json!(["integer", "string", "null"]));
    }
    if schema.contains_key("properties")
        && !schema.contains_key("additionalProperties")
        && !yes("x-kubernetes-preserve-unknown-fields")
    {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if yes("nullable") {
        if let Some(Value::String(kind)) = schema.get("type").cloned() {
            schema.insert("type".to_owned(), json!([kind, "null"]));
        }
        if let Some(Value::Array(options)) = schema.get_mut("enum") {
            options.push(Value::Null);
        }
    }
    Value::Object(schema)
}

/// The value as it is stored: defaults put in, and fields that are null left out.
fn defaulted(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let properties = schema["properties"].as_object();
            let inner = |key: &String| {
                let property = properties.and_then(|properties| properties.get(key));
                property.unwrap_or(&schema["additionalProperties"])
            };
            let known = |key: &String| properties.is_some_and(|all| all.contains_key(key));
            let mut stored: serde_json::Map<_, _> = fields
                .iter()
                .filter(|(key, value)| !(known(key) && value.is_null()))
                .map(|(key, value)| (key.clone(), defaulted(inner(key), value)))
                .collect();
            for (key, property) in properties.into_iter().flatten() {
                if let Some(default) = property.get("default")
                    && !stored.contains_key(key)
                {
                    stored.insert(key.clone(), defaulted(property, default));
                }
            }
            Value::Object(stored)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| defaulted(&schema["items"], item))
            .collect(),
        scalar => scalar.clone(),
    }
}

/// The faults of one error of the schema: one for each field it speaks of.
fn faults(error: &ValidationError<'_>, openapi: &Value) -> Vec<Fault> {
    let at = error.instance_path().to_string();
    let fault = |pointer: String, message: String| Fault { pointer, message };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let pointer = format!("{at}/{name}");
            let path = field(&pointer);
            vec![fault(pointer, format!("{path}: Required value"))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                let path = field(&pointer);
                let known = properties(openapi, &at);
                let hint = suggestion(name, known.iter().map(String::as_str));
                fault(pointer, format!("{path}: there is no such field{hint}"))
            })
            .collect(),
        _ => {
            let words = words(error);
            vec![fault(at.clone(), format!("{}: {words}", field(&at)))]
        }
    }
}

/// What is wrong with a value, as the API server says it where it has words for it.
fn words(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let invalid = |why: String| format!("Invalid value: {value}: {why}");
    match error.kind() {
        ValidationErrorKind::Minimum { limit } => invalid(format!(
            "should be greater than or equal to {}",
            whole(limit)
        )),
        ValidationErrorKind::Maximum { limit } => {
            invalid(format!("should be less than or equal to {}", whole(limit)))
        }
        ValidationErrorKind::MinLength { limit } => {
            invalid(format!("should be at least {limit} chars long"))
        }
        ValidationErrorKind::MinItems { limit } => {
            invalid(format!("should have at least {limit} items"))
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("Too long: may not be more than {limit} bytes")
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            let options: Vec<String> = options
                .filter(|option| !option.is_null())
                .map(ToString::to_string)
                .collect();
            format!(
                "Unsupported value: {value}: supported values: {}",
                options.join(", ")
            )
        }
        _ => error.to_string(),
    }
}

/// A limit as it was meant: the definitions hold whole numbers as floating point.
fn whole(limit: &Value) -> String {
    match limit.as_f64() {
        Some(number) if number.fract() == 0.0 => format!("{number:.0}"),
        _ => limit.to_string(),
    }
}

/// Names of the fields that the definition has at a place.
fn properties(openapi: &Value, pointer: &str) -> Vec<String> {
    let mut here = openapi;
    for token in pointer.split('/').skip(1) {
        here = match &here["properties"][token] {
            Value::Null if here["items"].is_object() => &here["items"],
            Value::Null => &here["additionalProperties"],
            property => property,
        };
    }
    let known = here["properties"].as_object();
    known
        .map(|known| known.keys().cloned().collect())
        .unwrap_or_default()
}

/// A JSON pointer as Kubernetes writes it: `spec.readers[0].groupId`.
pub(super) fn field(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        match token.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(&token),
            Err(_) => {
                path.push('.');
                path.push_str(&token);
            }
        }
    }
    path
}
