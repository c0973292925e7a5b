use millrace_crds::{Schema, SchemaType};
use serde_json::Value;

use crate::cli::manifests::{Document, Manifests};

/// A Schema of the manifests.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) document: Document,
    /// Its namespace, or that of what names none.
    pub(super) namespace: String,
    /// The resource, or why it is none.
    pub(super) schema: Result<Schema, String>,
    /// Its text; None where that stands in a ConfigMap that the manifests lack.
    pub(super) text: Option<String>,
}

/// All Schemas of some manifests.
#[derive(Debug)]
pub(super) struct Declarations(pub(super) Vec<Declared>);

impl Declared {
    pub(super) fn name(&self) -> &str {
        self.document.name()
    }

    /// Its language, where it is a Schema at all.
    pub(super) fn language(&self) -> Option<SchemaType> {
        self.schema
            .as_ref()
            .ok()
            .map(|schema| schema.spec.schema_type)
    }
}

impl Declarations {
    /// The Schemas of manifests, in their order.
    pub(super) fn of(manifests: &Manifests, fallback: &str) -> Self {
        let schemas = manifests.documents.iter();
        Self(
            schemas
                .filter(|document| document.kind() == "Schema")
                .map(|document| declared(document, manifests, fallback))
                .collect(),
        )
    }

    /// The Schema of a namespace and a name.
    pub(super) fn find(&self, namespace: &str, name: &str) -> Option<&Declared> {
        self.0
            .iter()
            .find(|declared| declared.namespace == namespace && declared.name() == name)
    }

    /// The Schema that writes out a subject.
    pub(super) fn with_subject(&self, subject: &str) -> Option<&Declared> {
        self.0.iter().find(|declared| {
            let schema = declared.schema.as_ref().ok();
            schema.is_some_and(|schema| schema.spec.subject.as_deref() == Some(subject))
        })
    }
}

fn declared(document: &Document, manifests: &Manifests, fallback: &str) -> Declared {
    let schema: Result<Schema, String> = serde_json::from_value(document.value.clone())
        .map_err(|error| format!("the manifest is not a Schema: {error}"));
    let namespace = or(document.namespace(), fallback);
    let text = schema.as_ref().ok().and_then(|schema| {
        let of_config_map = || {
            let from = &schema.spec.schema_from.as_ref()?.config_map_key_ref;
            let mut config_maps = manifests.config_maps.iter();
            let found = config_maps.find(|found| {
                or(found.namespace(), fallback) == namespace && found.name() == from.name
            })?;
            found.value["data"][&from.key].as_str().map(str::to_owned)
        };
        schema.spec.schema.clone().or_else(of_config_map)
    });
    Declared {
        document: document.clone(),
        namespace,
        schema,
        text,
    }
}

fn or(written: &str, fallback: &str) -> String {
    match written {
        "" => fallback.to_owned(),
        written => written.to_owned(),
    }
}

/// A text as it is compared and shown: JSON without what its white space and the order of its keys make of it.
pub(super) fn laid_out(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(json) => format!("{json:#}\n"),
        Err(_) => text.to_owned(),
    }
}
