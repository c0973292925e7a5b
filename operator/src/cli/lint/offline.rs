use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ObjectMeta;
use millrace_crds::{
    ConsumerGroup, Dlq, KafkaCluster, KafkaClusterSpec, NamespaceGrant, Schema, Topic,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    resolve::{self, Amount, Claimant, Facts, Images, Limits, Name, Rejection, Share},
    status::{State, reasons},
    world::ClusterKey,
};

/// Refusals that a resource earns by itself, whatever else there is.
const OWN_FAULTS: [&str; 3] = [
    reasons::NAME_RESERVED,
    reasons::INVALID_SPEC,
    reasons::INVALID_SCHEMA,
];

/// What the operator would refuse in a resource by itself, in its own words. Grants, consent and what others hold are not known here.
pub(super) fn refusal(kind: &str, resource: &Value) -> Option<String> {
    let facts = Anything;
    let rejection = match kind {
        "Topic" => judge(resource, |topic: &Topic| {
            resolve::topic(topic, &facts).err()
        }),
        "DLQ" => judge(resource, |dlq: &Dlq| resolve::dlq(dlq, &facts).err()),
        "ConsumerGroup" => judge(resource, |group: &ConsumerGroup| {
            resolve::consumer_group(group, &facts).err()
        }),
        "Schema" => judge(resource, |schema: &Schema| {
            resolve::schema(schema, &facts).err()
        }),
        "KafkaCluster" => judge(resource, |cluster: &KafkaCluster| {
            resolve::kafka_cluster(cluster, &images()).err()
        }),
        _ => Ok(None),
    };
    match rejection {
        Err(unread) => Some(unread),
        Ok(rejection) => rejection
            .filter(|rejection| rejection.state == State::False)
            .filter(|rejection| OWN_FAULTS.contains(&rejection.reason))
            .map(|rejection| rejection.message),
    }
}

fn judge<K: DeserializeOwned>(
    resource: &Value,
    reject: impl Fn(&K) -> Option<Rejection>,
) -> Result<Option<Rejection>, String> {
    serde_json::from_value(resource.clone())
        .map(|resource| reject(&resource))
        .map_err(|error| error.to_string())
}

/// Images decide nothing of what is refused.
fn images() -> Images {
    Images {
        broker: String::new(),
        registry: String::new(),
        pull_policy: String::new(),
    }
}

/// A world in which every cluster exists and grants every name to every namespace, and nothing is held by anybody.
struct Anything;

impl Facts for Anything {
    fn cluster(&self, key: &ClusterKey) -> Option<Arc<KafkaCluster>> {
        let every: NamespaceGrant =
            serde_json::from_value(json!({ "selector": {}, "prefixes": [""] })).ok()?;
        let spec: KafkaClusterSpec = serde_json::from_value(json!({})).ok()?;
        Some(Arc::new(KafkaCluster {
            metadata: ObjectMeta {
                name: Some(key.name.clone()),
                namespace: Some(key.namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: KafkaClusterSpec {
                namespaces: vec![every],
                ..spec
            },
            status: None,
        }))
    }

    fn namespace_labels(&self, _: &str) -> Option<BTreeMap<String, String>> {
        Some(BTreeMap::new())
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
