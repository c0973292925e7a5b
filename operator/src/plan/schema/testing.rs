//! A schema as it is desired, and the controller's way to it without the controller.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::ConfigMap;
use millrace_crds::{Compatibility, Dlq, KafkaCluster, Schema, SubjectDeletionPolicy, Topic};

use super::{SchemaPlan, schema};
use crate::{
    apply::{carry_out, observe},
    registry::{RegistryError, SchemaRegistry},
    resolve::{self, Amount, Claimant, Facts, Limits, Name, ResolvedSchema, Share},
    status::Draft,
    world::ClusterKey,
};

/// The subject of [`desired`].
pub(crate) const SUBJECT: &str = "flights-value";

struct OneCluster(Arc<KafkaCluster>);

impl Facts for OneCluster {
    fn cluster(&self, _: &ClusterKey) -> Option<Arc<KafkaCluster>> {
        Some(self.0.clone())
    }
    fn namespace_labels(&self, _: &str) -> Option<BTreeMap<String, String>> {
        None
    }
    fn topic(&self, _: &str, _: &str) -> Option<Arc<Topic>> {
        None
    }
    fn dlq(&self, _: &str, _: &str) -> Option<Arc<Dlq>> {
        None
    }
    fn schema(&self, _: &str, _: &str) -> Option<Arc<Schema>> {
        None
    }
    fn schema_texts(&self, _: &str, _: &str) -> Option<Arc<ConfigMap>> {
        None
    }
    fn claimants(&self, _: &ClusterKey, _: &Name) -> Vec<Claimant> {
        Vec::new()
    }
    fn others_under(&self, _: &ClusterKey, _: &str, _: &str) -> Vec<(String, Claimant)> {
        Vec::new()
    }
    fn used_before(&self, _: &ClusterKey, _: &Claimant, _: Share, _: Limits) -> Amount {
        Amount::default()
    }
}

/// A Schema for [`SUBJECT`] that may use it.
pub(crate) fn desired(text: &str, compatibility: Compatibility, adopt: bool) -> ResolvedSchema {
    let cluster = serde_json::json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
        "metadata": { "name": "main", "namespace": "kafka" }, "spec": {},
    });
    let schema = serde_json::json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "Schema",
        "metadata": { "name": "flights", "namespace": "kafka" },
        "spec": {
            "clusterRef": { "name": "main" }, "subject": SUBJECT, "schema": text,
            "compatibility": compatibility, "adopt": adopt,
            "deletionPolicy": SubjectDeletionPolicy::Retain,
        },
    });
    let schema: Schema = serde_json::from_value(schema).unwrap();
    let facts = OneCluster(Arc::new(serde_json::from_value(cluster).unwrap()));
    resolve::schema(&schema, &facts).unwrap()
}

/// Looks, plans and acts as the controller does, and gives the last plan and the rounds that had steps.
pub(crate) async fn converge(
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    owned: bool,
) -> (SchemaPlan, usize) {
    visit(registry, desired, owned).await.unwrap()
}

/// As [`converge`], with a registry that may fail.
pub(crate) async fn visit(
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    owned: bool,
) -> Result<(SchemaPlan, usize), RegistryError> {
    let mut owned = owned;
    for rounds in 0..4 {
        let observed = observe(registry, desired, owned).await?;
        let plan = schema(desired, &observed);
        if plan.steps.is_empty() {
            return Ok((plan, rounds));
        }
        owned = true;
        for step in plan.steps {
            carry_out(registry, desired, &observed, step).await?;
        }
    }
    panic!("the plan does not end");
}

/// The plan's condition of this kind.
pub(crate) fn condition<'a>(plan: &'a SchemaPlan, kind: &str) -> &'a Draft {
    plan.conditions
        .iter()
        .find(|draft| draft.kind == kind)
        .unwrap()
}
