use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::diff;

/// Where `kubectl apply` without `--server-side` keeps the last manifest; its own, and not a change anybody made.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A field that would change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct FieldChange {
    /// As Kubernetes writes it, such as `spec.producers[0].serviceAccountName`.
    pub(super) path: String,
    /// Absent where there is nothing now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<Value>,
    /// Absent where nothing would be left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wanted: Option<Value>,
}

/// What a person writes of a resource: its spec, labels and annotations.
pub(super) fn written(resource: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["annotations", "labels"] {
        let mut entries = resource["metadata"][key]
            .as_object()
            .cloned()
            .unwrap_or_default();
        entries.remove(LAST_APPLIED);
        if !entries.is_empty() {
            metadata.insert(key.to_owned(), entries.into());
        }
    }
    match metadata.is_empty() {
        true => json!({ "spec": resource["spec"] }),
        false => json!({ "metadata": metadata, "spec": resource["spec"] }),
    }
}

/// The fields in which two resources differ, the smallest parts that do.
pub(super) fn changes(live: Option<&Value>, wanted: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", live, Some(wanted), &mut found);
    found
}

fn compare(path: &str, live: Option<&Value>, wanted: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (live, wanted) {
        (live, wanted) if live == wanted => {}
        (Some(Value::Object(live)), Some(Value::Object(wanted))) => {
            let gone = live.keys().filter(|key| !wanted.contains_key(*key));
            for key in wanted.keys().chain(gone) {
                let inner = match path {
                    "" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                compare(&inner, live.get(key), wanted.get(key), found);
            }
        }
        (Some(Value::Array(live)), Some(Value::Array(wanted))) => {
            for index in 0..live.len().max(wanted.len()) {
                let inner = format!("{path}[{index}]");
                compare(&inner, live.get(index), wanted.get(index), found);
            }
        }
        _ => found.push(FieldChange {
            path: path.to_owned(),
            live: live.cloned(),
            wanted: wanted.cloned(),
        }),
    }
}

/// The difference of two resources as YAML, each line behind `+`, `-` or a blank; empty where there is none.
pub(super) fn diff(live: Option<&Value>, wanted: &Value) -> Result<Vec<String>, String> {
    let yaml = |value: &Value| serde_saphyr::to_string(value).map_err(|error| error.to_string());
    let before = live.map(yaml).transpose()?.unwrap_or_default();
    let after = yaml(wanted)?;
    Ok(diff::lines(&before, &after))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn topic(partitions: i32, config: Value) -> Value {
        json!({
            "metadata": { "name": "orders", "annotations": { LAST_APPLIED: partitions.to_string(), "a": "b" } },
            "spec": { "adopt": false, "clusterRef": { "name": "events" }, "config": config, "deletionPolicy": "Retain", "partitions": partitions, "producers": [{ "serviceAccountName": "x" }] },
            "status": { "partitions": partitions },
        })
    }

    #[test]
    fn the_smallest_parts_that_differ_are_told() {
        let live = written(&topic(3, json!({ "retention.ms": 1, "segment.ms": 5 })));
        let wanted = written(&topic(6, json!({ "retention.ms": 2 })));
        let found = serde_json::to_string(&changes(Some(&live), &wanted)).unwrap();
        expect![[r#"[{"path":"spec.config.retention.ms","live":1,"wanted":2},{"path":"spec.config.segment.ms","live":5},{"path":"spec.partitions","live":3,"wanted":6}]"#]].assert_eq(&found);
        assert!(changes(Some(&live), &live).is_empty());
        assert_eq!(changes(None, &wanted)[0].path, "");
    }

    #[test]
    fn a_diff_shows_what_is_around_a_change() {
        let live = written(&topic(3, json!({ "retention.ms": 1 })));
        let wanted = written(&topic(6, json!({ "retention.ms": 2 })));
        expect![[r#"
                clusterRef:
                  name: events
                config:
            -     retention.ms: 1
            +     retention.ms: 2
                deletionPolicy: Retain
            -   partitions: 3
            +   partitions: 6
                producers:
                - serviceAccountName: x"#]]
        .assert_eq(&diff(Some(&live), &wanted).unwrap().join("\n"));
        assert!(diff(Some(&live), &live).unwrap().is_empty());
        let new = diff(None, &wanted).unwrap();
        assert!(new.iter().all(|line| line.starts_with('+')), "{new:?}");
    }
}
