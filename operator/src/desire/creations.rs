//! The ConfigMap `<KafkaCluster>-creating`: the topics that are being made, so that an operator that dies knows its own
//! work again. One line for each: the uid of the resource, and the name of its topic.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Resource, ResourceExt};
use millrace_crds::KafkaCluster;

use super::kafka_cluster::Names;
use crate::world::ClusterKey;

/// Names of topics being made, by the uid of the resource each is made for.
pub type Entries = BTreeMap<String, String>;

const KEY: &str = "topics";

/// The ConfigMap that holds `entries`. `version` is the resource version that is replaced; None: whichever there is.
/// It goes with the KafkaCluster.
pub fn config_map(cluster: &KafkaCluster, entries: &Entries, version: Option<&str>) -> ConfigMap {
    let key = ClusterKey {
        namespace: cluster.namespace().unwrap_or_default(),
        name: cluster.name_any(),
    };
    let lines = entries
        .iter()
        .map(|(uid, topic)| format!("{uid} {topic}\n"))
        .collect();
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(Names(&key).creating()),
            namespace: Some(key.namespace.clone()),
            resource_version: version.map(str::to_owned),
            owner_references: cluster.controller_owner_ref(&()).map(|owner| vec![owner]),
            labels: Some(BTreeMap::from([(
                "app.kubernetes.io/managed-by".to_owned(),
                "millrace".to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(KEY.to_owned(), lines)])),
        ..ConfigMap::default()
    }
}

/// What the ConfigMap holds. Lines that are no entry, which only a person can have written, are left out.
pub fn entries(config_map: &ConfigMap) -> Entries {
    let lines = config_map.data.iter().filter_map(|data| data.get(KEY));
    lines
        .flat_map(|text| text.lines())
        .filter_map(|line| line.split_once(' '))
        .map(|(uid, topic)| (uid.to_owned(), topic.to_owned()))
        .collect()
}

/// Bytes that an entry takes.
pub fn size(uid: &str, topic: &str) -> usize {
    uid.len() + topic.len() + 2
}

#[cfg(test)]
mod tests {
    use millrace_crds::KafkaClusterSpec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in prop::collection::btree_map("[0-9a-f-]{36}", "[a-zA-Z0-9._-]{1,249}", 0..20)) {
            let spec: KafkaClusterSpec = serde_json::from_str("{}").unwrap();
            let cluster = KafkaCluster::new("main", spec);
            let written = config_map(&cluster, &entries, None);
            prop_assert_eq!(super::entries(&written), entries.clone());
            let bytes: usize = written.data.unwrap().values().map(String::len).sum();
            prop_assert_eq!(bytes, entries.iter().map(|(uid, topic)| size(uid, topic)).sum::<usize>());
        }
    }
}
