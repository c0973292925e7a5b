use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON,
};
use kube::CustomResourceExt;
use serde_json::json;

use crate::{ConsumerGroup, Dlq, KafkaCluster, Redrive, Schema, Topic};

/// The CustomResourceDefinitions of all kinds, in the order of their names.
pub fn all() -> Vec<CustomResourceDefinition> {
    let mut crds = [
        ConsumerGroup::crd(),
        Dlq::crd(),
        KafkaCluster::crd(),
        Redrive::crd(),
        Schema::crd(),
        Topic::crd(),
    ]
    .map(with_pending);
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds.into()
}

/// Gives a new object a status that says that no controller has looked at it yet,
/// so that absence of the operator reads as such (API conventions: write conditions on the first visit, Unknown if need be).
fn with_pending(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let status = crd
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut())
        .filter_map(|schema| schema.properties.as_mut()?.get_mut("status"));
    for schema in status {
        schema.default = Some(JSON(json!({
            "conditions": [{
                "type": "Ready",
                "status": "Unknown",
                "reason": "Pending",
                "message": "waiting for controller",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            }]
        })));
    }
    crd
}

/// Where the definitions are checked in, from the root of the repository.
pub const DIRECTORIES: [&str; 2] = ["crds/generated", "charts/millrace/files/crds"];

/// The definitions as YAML files: name of the file and its text, as they are checked in and put into the chart.
///
/// # Errors
/// When a definition cannot be serialised.
pub fn files() -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    all().iter().map(file).collect()
}

fn file(crd: &CustomResourceDefinition) -> Result<(String, String), Box<dyn std::error::Error>> {
    let yaml = serde_saphyr::to_string(&serde_json::to_value(crd)?)?;
    Ok((
        format!("{}.yaml", crd.spec.names.plural),
        format!("# Generated from crds/src by `make generate`.\n{yaml}"),
    ))
}
