//! What the managed registry needs in Kafka. It makes its topics itself where they are missing; here they are made for
//! it, so that it needs no right to create any.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use millrace_crds::KafkaCluster;

use super::names::Names;
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource, NewTopic, Principal},
    resolve::ResolvedCluster,
    world::{ClusterKey, View},
};

/// Code of DESCRIBE_CONFIGS in Kafka's protocol.
const DESCRIBE_CONFIGS: i8 = 10;
/// Each start reads the journal in a new group; their names begin with this.
const GROUP_PREFIX: &str = "millrace-registry-";
/// The registry's topics, and whether their records are kept for ever: the journal and its snapshots are the registry.
const TOPICS: [(&str, bool); 3] = [
    ("millrace-registry-journal", true),
    ("millrace-registry-snapshots", true),
    ("millrace-registry-events", false),
];

/// The ACLs of a cluster's managed registry; none where Millrace does not run it.
pub fn registry_access(cluster: &KafkaCluster) -> BTreeSet<Acl> {
    let Some(_) = cluster
        .spec
        .schema_registry
        .as_ref()
        .and_then(|source| source.managed.as_ref())
    else {
        return BTreeSet::new();
    };
    let key = ClusterKey {
        namespace: cluster.namespace().unwrap_or_default(),
        name: cluster.name_any(),
    };
    let principal = Principal::service_account(&key.namespace, &Names(&key).registry());
    let acl = |resource, pattern, name: &str, operation| Acl {
        principal: principal.clone(),
        resource,
        pattern,
        name: name.to_owned(),
        operation,
    };
    let of_topic = [
        AclOperation::Read,
        AclOperation::Write,
        AclOperation::Describe,
        AclOperation::Other(DESCRIBE_CONFIGS),
    ];
    let topics = TOPICS.iter().flat_map(|(topic, _)| {
        of_topic.map(|operation| acl(AclResource::Topic, AclPattern::Literal, topic, operation))
    });
    let groups = [AclOperation::Read, AclOperation::Describe].map(|operation| {
        acl(
            AclResource::Group,
            AclPattern::Prefixed,
            GROUP_PREFIX,
            operation,
        )
    });
    topics.chain(groups).collect()
}

/// The registry's topics that are not there yet. None while fewer brokers are up than a topic has replicas.
pub fn registry_topics(cluster: &ResolvedCluster, view: &View) -> Vec<NewTopic> {
    let (brokers, replicas) = (&view.cluster.brokers, cluster.default_replicas());
    if brokers.len() < replicas {
        return Vec::new();
    }
    let partition = brokers.keys().take(replicas).copied().collect::<Vec<_>>();
    let missing = TOPICS
        .iter()
        .filter(|(topic, _)| !view.topics.contains_key(*topic));
    missing
        .map(|(topic, kept)| NewTopic {
            name: (*topic).to_owned(),
            assignment: vec![partition.clone()],
            config: topic_config(*kept),
        })
        .collect()
}

fn topic_config(kept: bool) -> BTreeMap<String, String> {
    let forever = [
        ("cleanup.policy", "delete"),
        ("retention.bytes", "-1"),
        ("retention.ms", "-1"),
    ];
    let config = forever.iter().filter(|_| kept);
    config
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Whether the registry finds everything it needs in Kafka: started earlier, it would only fail.
pub fn registry_can_start(cluster: &KafkaCluster, view: &View) -> bool {
    TOPICS
        .iter()
        .all(|(topic, _)| view.topics.contains_key(*topic))
        && registry_access(cluster).is_subset(&view.acls)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        desire::kafka_cluster::example,
        kafka::{ObservedBroker, ObservedCluster, ObservedTopic},
    };

    fn cluster(spec: Value) -> KafkaCluster {
        serde_json::from_value(json!({
            "apiVersion": "millrace.dev/v1alpha1", "kind": "KafkaCluster",
            "metadata": { "name": "main", "namespace": "kafka", "uid": "u" }, "spec": spec,
        }))
        .unwrap()
    }

    fn view(brokers: i32) -> View {
        let brokers = (0..brokers)
            .map(|id| (id, ObservedBroker::default()))
            .collect();
        View {
            cluster: ObservedCluster {
                brokers,
                ..ObservedCluster::default()
            },
            ..View::default()
        }
    }

    #[test]
    fn only_a_managed_registry_is_granted_anything_and_only_on_its_own_names() {
        assert!(registry_access(&cluster(json!({}))).is_empty());
        assert!(
            registry_access(&cluster(
                json!({ "schemaRegistry": { "url": "https://elsewhere" } })
            ))
            .is_empty()
        );
        let granted = registry_access(&cluster(json!({ "schemaRegistry": { "managed": {} } })));
        assert!(
            granted
                .iter()
                .all(|acl| acl.name.starts_with("millrace-registry-"))
        );
        assert!(
            granted
                .iter()
                .all(|acl| acl.principal.as_str()
                    == "User:system:serviceaccount:kafka:main-registry")
        );
        assert_eq!(granted.len(), 14);
    }

    #[test]
    fn its_topics_have_as_many_replicas_as_there_are_nodes_up_to_three() {
        let topics = registry_topics(&example::cluster(3), &view(3));
        assert_eq!(topics.len(), 3);
        assert!(
            topics
                .iter()
                .all(|topic| topic.assignment.len() == 1 && topic.assignment[0].len() == 3)
        );
        assert_eq!(topics[0].config["retention.ms"], "-1");
        assert!(topics[2].config.is_empty());
    }

    #[test]
    fn they_wait_for_all_brokers_and_are_made_once() {
        assert!(registry_topics(&example::cluster(3), &view(2)).is_empty());
        let mut view = view(3);
        for topic in registry_topics(&example::cluster(3), &view) {
            view.topics
                .insert(topic.name, Arc::new(ObservedTopic::default()));
        }
        assert!(registry_topics(&example::cluster(3), &view).is_empty());
    }

    #[test]
    fn the_registry_starts_when_its_topics_and_acls_are_there() {
        let managed = cluster(json!({ "schemaRegistry": { "managed": {} } }));
        let mut view = view(3);
        assert!(!registry_can_start(&managed, &view));
        for (topic, _) in TOPICS {
            view.topics
                .insert(topic.to_owned(), Arc::new(ObservedTopic::default()));
        }
        assert!(!registry_can_start(&managed, &view));
        view.acls = Arc::new(registry_access(&managed));
        assert!(registry_can_start(&managed, &view));
    }
}
