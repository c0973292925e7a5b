use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

use cel::{Context, Env, Program, Value as CelValue, extractors::This, objects::Key};
use serde_json::Value;

use super::definition::{Fault, field};
use crate::resolve::quantity;

/// The CEL rules (`x-kubernetes-validations`) of a definition that can be judged by one resource alone. Transition rules, which
/// compare with what is stored (`oldSelf`), are left to the API server.
pub(super) struct Rules {
    env: Arc<Env>,
    programs: BTreeMap<String, Program>,
}

impl Rules {
    pub(super) fn compile(openapi: &Value) -> Self {
        let mut env = Env::stdlib();
        // A function that is declared already is there all the same.
        let _ = cel::extensions::strings(&mut env);
        let env = Arc::new(env);
        let mut programs = BTreeMap::new();
        collect(openapi, &mut |rule| {
            if let Ok(program) = env.compile(rule) {
                programs.insert(rule.to_owned(), program);
            }
        });
        Self { env, programs }
    }

    /// The rules of `schema` and all below it that `value`, which lies at `pointer`, breaks.
    pub(super) fn check(&self, schema: &Value, value: &Value, pointer: &str) -> Vec<Fault> {
        let mut faults: Vec<Fault> = rules(schema)
            .filter(|rule| self.breaks(&rule["rule"], value))
            .map(|rule| Fault {
                pointer: pointer.to_owned(),
                message: format!(
                    "{}: {}",
                    field(pointer),
                    rule["message"]
                        .as_str()
                        .unwrap_or("a rule of the definition is broken")
                ),
            })
            .collect();
        match value {
            Value::Object(fields) => {
                for (key, inner) in fields {
                    let schema = match &schema["properties"][key] {
                        Value::Null => &schema["additionalProperties"],
                        property => property,
                    };
                    let key = key.replace('~', "~0").replace('/', "~1");
                    faults.extend(self.check(schema, inner, &format!("{pointer}/{key}")));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    faults.extend(self.check(
                        &schema["items"],
                        item,
                        &format!("{pointer}/{index}"),
                    ));
                }
            }
            _ => {}
        }
        faults
    }

    fn breaks(&self, rule: &Value, value: &Value) -> bool {
        let Some(program) = rule.as_str().and_then(|rule| self.programs.get(rule)) else {
            return false;
        };
        let mut context = Context::with_env(self.env.clone());
        context.add_variable_from_value("self", cel(value));
        let declared = context
            .add_function("quantity", |text: Arc<String>| amount(&text))
            .and_then(|()| {
                context.add_function("isGreaterThan", |This(left): This<i64>, right: i64| {
                    left > right
                })
            });
        declared.is_ok() && matches!(program.execute(&context), Ok(CelValue::Bool(false)))
    }
}

/// Bytes of a quantity, as CEL knows them; 0 for one that is not above zero.
fn amount(text: &str) -> i64 {
    quantity::bytes(text)
        .and_then(|bytes| i64::try_from(bytes).ok())
        .unwrap_or(0)
}

fn rules(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten()
}

/// Every rule of a schema that speaks of `self` alone.
fn collect(schema: &Value, take: &mut impl FnMut(&str)) {
    for rule in rules(schema).filter_map(|rule| rule["rule"].as_str()) {
        if !rule.contains("oldSelf") {
            take(rule);
        }
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|inner| collect(inner, take)),
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, take)),
        _ => {}
    }
}

fn cel(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => CelValue::Int(number),
            None => CelValue::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(cel).collect())),
        Value::Object(fields) => {
            let fields: HashMap<Key, CelValue> = fields
                .iter()
                .map(|(key, value)| (property(key).into(), cel(value)))
                .collect();
            fields.into()
        }
    }
}

/// Words of CEL that no property can be called: rules write them as `__word__` (Kubernetes, `x-kubernetes-validations`).
const RESERVED: [&str; 18] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
];

/// What a rule calls the property `key`.
fn property(key: &str) -> String {
    match RESERVED.contains(&key) {
        true => format!("__{key}__"),
        false => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_rule_of_one_resource_is_understood() {
        for definition in millrace_crds::all() {
            let openapi = serde_json::to_value(&definition.spec.versions[0].schema).unwrap();
            let compiled = Rules::compile(&openapi).programs;
            collect(&openapi, &mut |rule| {
                assert!(compiled.contains_key(rule), "not understood: {rule}");
            });
        }
    }

    #[test]
    fn a_broken_rule_is_told_at_its_place_and_one_that_compares_with_the_past_is_not() {
        let schema = json!({ "properties": { "size": { "x-kubernetes-validations": [
            { "rule": "quantity(self).isGreaterThan(quantity('0'))", "message": "write more" },
            { "rule": "self == oldSelf", "message": "cannot change" },
        ] } } });
        let rules = Rules::compile(&schema);
        let faults = rules.check(&schema, &json!({ "size": "0" }), "/spec");
        let told = Fault {
            pointer: "/spec/size".to_owned(),
            message: "spec.size: write more".to_owned(),
        };
        assert_eq!(faults, [told]);
        assert!(
            rules
                .check(&schema, &json!({ "size": "1Gi" }), "/spec")
                .is_empty()
        );
    }
}
