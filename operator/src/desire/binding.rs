//! The ConfigMap that tells a client how to connect (Service Binding specification). It holds no secret:
//! the client shows its own ServiceAccount token.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::Resource;
use millrace_crds::{ConsumerGroup, KafkaCluster, OffsetReset, Topic};

use crate::{
    kafka::GroupType,
    resolve::{ResolvedGroup, ResolvedTopic},
};

/// Where a client mounts its bindings, as the Service Binding specification suggests.
const ROOT: &str = "/bindings";
/// Where a client mounts its token.
const TOKEN: &str = "/var/run/secrets/millrace/token";

/// The binding of a Topic's producers, named `<Topic>-topic`.
pub fn topic(
    topic: &Topic,
    resolved: &ResolvedTopic,
    cluster: &KafkaCluster,
    ca_pem: &str,
) -> Option<ConfigMap> {
    let name = format!("{}-topic", topic.metadata.name.as_deref()?);
    let own = [("topic", resolved.name.as_str().to_owned())];
    config_map(topic, name, cluster, ca_pem, own, &[])
}

/// The binding of a group's consumers, named `<ConsumerGroup>-group`.
pub fn consumer_group(
    group: &ConsumerGroup,
    resolved: &ResolvedGroup,
    cluster: &KafkaCluster,
    ca_pem: &str,
) -> Option<ConfigMap> {
    let name = format!("{}-group", group.metadata.name.as_deref()?);
    let topics: Vec<&str> = resolved.topics.iter().map(|topic| topic.as_str()).collect();
    let id = resolved.group_id.as_str();
    let reset = match resolved.offset_reset {
        OffsetReset::Earliest => "earliest",
        OffsetReset::Latest => "latest",
    };
    let mut own = vec![("topics", topics.join("\n"))];
    own.extend(
        resolved
            .dlq
            .as_ref()
            .map(|dlq| ("dlq.topic", dlq.as_str().to_owned())),
    );
    let prefixes: Vec<&str> = resolved.prefixes.iter().map(|p| p.as_str()).collect();
    if !prefixes.is_empty() {
        own.push(("topics.prefixes", prefixes.join("\n")));
    }
    let settings = match resolved.kind {
        GroupType::Classic | GroupType::Consumer => {
            vec![("group.id", id), ("auto.offset.reset", reset)]
        }
        // A share consumer refuses the other: where a share group begins is the group's own configuration (KIP-932).
        GroupType::Share => vec![("group.id", id)],
        GroupType::Streams => vec![
            ("application.id", id),
            ("group.protocol", "streams"),
            ("auto.offset.reset", reset),
        ],
    };
    own.extend(settings.first().map(|(key, id)| (*key, (*id).to_owned())));
    let mut config_map = config_map(group, name, cluster, ca_pem, own, &settings)?;
    if resolved.kind == GroupType::Streams {
        // Kafka Streams is Java's alone.
        config_map.data.as_mut()?.remove("librdkafka.conf");
    }
    Some(config_map)
}

fn config_map<K: Resource<DynamicType = ()>>(
    owner: &K,
    name: String,
    cluster: &KafkaCluster,
    ca_pem: &str,
    own: impl IntoIterator<Item = (&'static str, String)>,
    settings: &[(&str, &str)],
) -> Option<ConfigMap> {
    let status = cluster.status.as_ref()?;
    let bootstrap = &status.listeners.first()?.bootstrap_servers;
    let directory = format!("{ROOT}/{name}");
    let mut data: BTreeMap<String, String> = own
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    data.extend([
        ("type".to_owned(), "kafka".to_owned()),
        ("provider".to_owned(), "millrace".to_owned()),
        ("bootstrap.servers".to_owned(), bootstrap.clone()),
        ("ca.crt".to_owned(), ca_pem.to_owned()),
        (
            "librdkafka.conf".to_owned(),
            librdkafka(bootstrap, &directory, settings),
        ),
        (
            "java.properties".to_owned(),
            java(bootstrap, &directory, settings),
        ),
    ]);
    data.extend(
        status
            .schema_registry_url
            .iter()
            .map(|url| ("schema.registry.url".to_owned(), url.clone())),
    );
    data.extend(
        status
            .token_audience
            .iter()
            .map(|audience| ("token.audience".to_owned(), audience.clone())),
    );
    Some(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: owner.meta().namespace.clone(),
            labels: Some(labels(&name)),
            owner_references: Some(vec![owner.controller_owner_ref(&())?]),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..ConfigMap::default()
    })
}

fn labels(name: &str) -> BTreeMap<String, String> {
    let label = |key: &str, value: &str| (format!("app.kubernetes.io/{key}"), value.to_owned());
    [
        label("name", "binding"),
        label("instance", name),
        label("component", "binding"),
        label("part-of", "millrace"),
        label("managed-by", "millrace"),
    ]
    .into()
}

fn librdkafka(bootstrap: &str, directory: &str, settings: &[(&str, &str)]) -> String {
    let ca = format!("{directory}/ca.crt");
    let common = [
        ("bootstrap.servers", bootstrap),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanisms", "OAUTHBEARER"),
        ("ssl.ca.location", &ca),
    ];
    lines(common.iter().chain(settings))
}

fn java(bootstrap: &str, directory: &str, settings: &[(&str, &str)]) -> String {
    let ca = format!("{directory}/ca.crt");
    let token = format!("file://{TOKEN}");
    let common = [
        ("bootstrap.servers", bootstrap),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "OAUTHBEARER"),
        (
            "sasl.jaas.config",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
        ),
        (
            "sasl.login.callback.handler.class",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
        ),
        ("sasl.oauthbearer.token.endpoint.url", &token),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &ca),
    ];
    lines(common.iter().chain(settings))
}

fn lines<'a>(settings: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    settings
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{resolve::GroupId, world::ClusterKey};

    /// What the binding of a group of this type holds.
    fn of(kind: GroupType) -> BTreeMap<String, String> {
        let cluster = json!({
            "metadata": { "namespace": "kafka", "name": "events" },
            "spec": {},
            "status": { "listeners": [{ "name": "internal", "bootstrapServers": "events:9092" }] },
        });
        let group = json!({
            "metadata": { "namespace": "shop", "name": "billing", "uid": "1" },
            "spec": { "clusterRef": { "name": "events" }, "topics": [], "serviceAccountName": "reader" },
        });
        let resolved = ResolvedGroup {
            cluster: ClusterKey {
                namespace: "kafka".to_owned(),
                name: "events".to_owned(),
            },
            group_id: GroupId::for_test("shop.billing"),
            kind,
            topics: Vec::new(),
            prefixes: Vec::new(),
            internal: None,
            dlq: None,
            offset_reset: OffsetReset::Earliest,
            grants: Default::default(),
        };
        let cluster = serde_json::from_value(cluster).unwrap();
        let group = serde_json::from_value(group).unwrap();
        let config_map = consumer_group(&group, &resolved, &cluster, "CA").unwrap();
        config_map.data.unwrap()
    }

    #[test]
    fn each_type_of_group_gets_the_settings_its_client_takes() {
        for kind in [GroupType::Classic, GroupType::Consumer] {
            let data = of(kind);
            assert_eq!(data["group.id"], "shop.billing");
            for file in ["java.properties", "librdkafka.conf"] {
                assert!(
                    data[file].ends_with("group.id=shop.billing\nauto.offset.reset=earliest\n"),
                    "{kind:?} {file}: {}",
                    data[file]
                );
            }
        }
        let share = of(GroupType::Share);
        assert!(share["java.properties"].ends_with("group.id=shop.billing\n"));
        let streams = of(GroupType::Streams);
        assert_eq!(streams["application.id"], "shop.billing");
        assert_eq!(streams.get("group.id"), None);
        assert_eq!(streams.get("librdkafka.conf"), None);
        let settings =
            "application.id=shop.billing\ngroup.protocol=streams\nauto.offset.reset=earliest\n";
        assert!(streams["java.properties"].ends_with(settings));
    }
}
