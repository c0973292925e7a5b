use std::fmt::Write;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};

use super::field::{self, cell};

/// The page of one kind.
pub(super) fn of(crd: &CustomResourceDefinition) -> String {
    let names = &crd.spec.names;
    let mut page = format!(
        "# {}\n\n<!-- Generated from crds/src by `make generate`. -->\n\n{}\n\n`apiVersion: {}/{}`, `kind: {}`; `kubectl get {}`",
        names.kind,
        description(crd),
        crd.spec.group,
        version(crd),
        names.kind,
        names.plural,
    );
    let short = short_names(crd);
    if short.is_empty() {
        page.push_str(".\n");
    } else {
        let _ = writeln!(page, ", short {short}.");
    }
    section(&mut page, "spec", "**required**", part_of(crd, "spec"));
    section(&mut page, "status", "", part_of(crd, "status"));
    page
}

/// The kind in a sentence.
pub(super) fn description(crd: &CustomResourceDefinition) -> String {
    cell(
        root(crd)
            .and_then(|schema| schema.description.as_deref())
            .unwrap_or_default(),
    )
}

/// Short names of the kind, each as code.
pub(super) fn short_names(crd: &CustomResourceDefinition) -> String {
    let names = crd.spec.names.short_names.iter().flatten();
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The fields of `schema`; `always` stands where a field has no default and cannot be left out.
fn section(page: &mut String, title: &str, always: &str, schema: Option<&JSONSchemaProps>) {
    let Some(schema) = schema else { return };
    let _ = write!(
        page,
        "\n## {title}\n\n| field | type | default | what it is |\n|---|---|---|---|\n"
    );
    let mut rules = Vec::new();
    for row in field::rows(schema, always, &mut rules) {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            row.path, row.kind, row.default, row.meaning
        );
    }
    if !rules.is_empty() {
        page.push_str("\nRefused by the API server with these words:\n\n");
        for rule in rules {
            let _ = writeln!(page, "- {}", cell(&rule));
        }
    }
}

fn part_of<'a>(crd: &'a CustomResourceDefinition, part: &str) -> Option<&'a JSONSchemaProps> {
    root(crd)?.properties.as_ref()?.get(part)
}

fn root(crd: &CustomResourceDefinition) -> Option<&JSONSchemaProps> {
    crd.spec
        .versions
        .first()?
        .schema
        .as_ref()?
        .open_api_v3_schema
        .as_ref()
}

fn version(crd: &CustomResourceDefinition) -> &str {
    crd.spec
        .versions
        .first()
        .map_or("", |version| &version.name)
}
