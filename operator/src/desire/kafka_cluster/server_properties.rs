use std::collections::BTreeMap;

use crate::{
    desire::kafka_cluster::names::{CONTROLLER_PORT, Names, REPLICATION_PORT},
    resolve::ResolvedCluster,
};

/// Common name of the nodes' certificate.
pub const NODE: &str = "millrace-node";
/// Common name of the operator's certificate.
pub const OPERATOR: &str = "millrace-operator";

/// Longest a connection may live on one token, in ms: the life of the tokens.
const REAUTHENTICATION_MS: i64 = 3_600_000;

/// `server.properties` of every node; the image fills in `${NODE_ID}`, `${POD_NAME}` and `${RACK}`.
/// `issuer` is who signs the ServiceAccounts' tokens. The resource's own `config` has the last word.
pub fn server_properties(cluster: &ResolvedCluster, issuer: &str, rack_aware: bool) -> String {
    let mut properties = BTreeMap::new();
    properties.extend(roles(cluster));
    properties.extend(listeners(cluster));
    properties.extend(node_tls());
    properties.extend(client_authentication(cluster, issuer));
    properties.extend(replication(cluster));
    properties.extend(fixed());
    if rack_aware {
        properties.insert("broker.rack".into(), "${RACK}".into());
    }
    properties.extend(cluster.config.clone());
    properties
        .iter()
        .map(|(key, value)| format!("{key}={}\n", escaped(value)))
        .collect()
}

type Properties = Vec<(String, String)>;

fn of<const N: usize>(properties: [(&str, String); N]) -> Properties {
    properties
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn roles(cluster: &ResolvedCluster) -> Properties {
    let names = Names(&cluster.key);
    let quorum: Vec<String> = (0..cluster.nodes)
        .map(|id| format!("{}:{CONTROLLER_PORT}", names.host(&names.node(id))))
        .collect();
    of([
        ("process.roles", "broker,controller".into()),
        ("node.id", "${NODE_ID}".into()),
        ("controller.quorum.bootstrap.servers", quorum.join(",")),
    ])
}

fn listeners(cluster: &ResolvedCluster) -> Properties {
    let own = [
        ("CONTROLLER".to_owned(), CONTROLLER_PORT, "SSL"),
        ("REPLICATION".to_owned(), REPLICATION_PORT, "SSL"),
    ];
    let clients = cluster
        .listeners
        .iter()
        .map(|listener| (listener.name.to_uppercase(), listener.port, "SASL_SSL"));
    let all: Vec<(String, i32, &str)> = own.into_iter().chain(clients).collect();
    let host = Names(&cluster.key).host("${POD_NAME}");
    let join = |one: &dyn Fn(&(String, i32, &str)) -> String| {
        all.iter().map(one).collect::<Vec<_>>().join(",")
    };
    of([
        (
            "listeners",
            join(&|(name, port, _)| format!("{name}://:{port}")),
        ),
        (
            "advertised.listeners",
            join(&|(name, port, _)| format!("{name}://{host}:{port}")),
        ),
        (
            "listener.security.protocol.map",
            join(&|(name, _, protocol)| format!("{name}:{protocol}")),
        ),
        ("controller.listener.names", "CONTROLLER".into()),
        ("inter.broker.listener.name", "REPLICATION".into()),
    ])
}

fn node_tls() -> Properties {
    of([
        ("ssl.keystore.type", "PEM".into()),
        ("ssl.keystore.location", "/etc/kafka/certs/node.pem".into()),
        ("ssl.truststore.type", "PEM".into()),
        ("ssl.truststore.location", "/etc/kafka/certs/ca.crt".into()),
        (
            "listener.name.controller.ssl.client.auth",
            "required".into(),
        ),
        (
            "listener.name.replication.ssl.client.auth",
            "required".into(),
        ),
    ])
}

fn client_authentication(cluster: &ResolvedCluster, issuer: &str) -> Properties {
    const OAUTHBEARER: &str = "org.apache.kafka.common.security.oauthbearer";
    let mut properties = of([
        ("sasl.enabled.mechanisms", "OAUTHBEARER".into()),
        (
            "sasl.oauthbearer.jwks.endpoint.url",
            "file:///etc/kafka/jwks/jwks.json".into(),
        ),
        ("sasl.oauthbearer.expected.issuer", issuer.into()),
        (
            "sasl.oauthbearer.expected.audience",
            cluster.token_audience(),
        ),
        ("sasl.oauthbearer.sub.claim.name", "sub".into()),
    ]);
    for listener in &cluster.listeners {
        let prefix = format!("listener.name.{}", listener.name);
        properties.extend([
            (format!("{prefix}.ssl.client.auth"), "none".into()),
            (
                format!("{prefix}.oauthbearer.sasl.jaas.config"),
                format!("{OAUTHBEARER}.OAuthBearerLoginModule required;"),
            ),
            (
                format!("{prefix}.oauthbearer.sasl.server.callback.handler.class"),
                format!("{OAUTHBEARER}.OAuthBearerValidatorCallbackHandler"),
            ),
            (
                format!("{prefix}.oauthbearer.connections.max.reauth.ms"),
                REAUTHENTICATION_MS.to_string(),
            ),
        ]);
    }
    properties
}

fn replication(cluster: &ResolvedCluster) -> Properties {
    let replicas = cluster.default_replicas().to_string();
    let min_isr = if cluster.nodes == 1 { "1" } else { "2" };
    of([
        ("default.replication.factor", replicas.clone()),
        ("min.insync.replicas", min_isr.into()),
        ("offsets.topic.replication.factor", replicas.clone()),
        ("transaction.state.log.replication.factor", replicas.clone()),
        ("transaction.state.log.min.isr", min_isr.into()),
        ("share.coordinator.state.topic.replication.factor", replicas),
        ("share.coordinator.state.topic.min.isr", min_isr.into()),
    ])
}

fn fixed() -> Properties {
    of([
        ("log.dirs", "/var/lib/kafka/data".into()),
        (
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer".into(),
        ),
        ("allow.everyone.if.no.acl.found", "false".into()),
        ("super.users", format!("User:CN={NODE};User:CN={OPERATOR}")),
        ("auto.create.topics.enable", "false".into()),
        ("group.initial.rebalance.delay.ms", "1000".into()),
        ("controlled.shutdown.enable", "true".into()),
    ])
}

/// A value as `java.util.Properties` reads it back: a line break in it can never begin another property.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
    if text.starts_with(' ') {
        format!("\\{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::desire::kafka_cluster::example::cluster;

    #[test]
    fn three_nodes() {
        expect![[r#"
            advertised.listeners=CONTROLLER://${POD_NAME}.main-nodes.kafka.svc:9090,REPLICATION://${POD_NAME}.main-nodes.kafka.svc:9091,INTERNAL://${POD_NAME}.main-nodes.kafka.svc:9092
            allow.everyone.if.no.acl.found=false
            authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
            auto.create.topics.enable=false
            broker.rack=${RACK}
            controlled.shutdown.enable=true
            controller.listener.names=CONTROLLER
            controller.quorum.bootstrap.servers=main-nodes-0.main-nodes.kafka.svc:9090,main-nodes-1.main-nodes.kafka.svc:9090,main-nodes-2.main-nodes.kafka.svc:9090
            default.replication.factor=3
            group.initial.rebalance.delay.ms=1000
            inter.broker.listener.name=REPLICATION
            listener.name.controller.ssl.client.auth=required
            listener.name.internal.oauthbearer.connections.max.reauth.ms=3600000
            listener.name.internal.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
            listener.name.internal.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
            listener.name.internal.ssl.client.auth=none
            listener.name.replication.ssl.client.auth=required
            listener.security.protocol.map=CONTROLLER:SSL,REPLICATION:SSL,INTERNAL:SASL_SSL
            listeners=CONTROLLER://:9090,REPLICATION://:9091,INTERNAL://:9092
            log.dirs=/var/lib/kafka/data
            min.insync.replicas=2
            node.id=${NODE_ID}
            offsets.topic.replication.factor=3
            process.roles=broker,controller
            sasl.enabled.mechanisms=OAUTHBEARER
            sasl.oauthbearer.expected.audience=main.kafka.millrace.dev
            sasl.oauthbearer.expected.issuer=https://issuer
            sasl.oauthbearer.jwks.endpoint.url=file:///etc/kafka/jwks/jwks.json
            sasl.oauthbearer.sub.claim.name=sub
            share.coordinator.state.topic.min.isr=2
            share.coordinator.state.topic.replication.factor=3
            ssl.keystore.location=/etc/kafka/certs/node.pem
            ssl.keystore.type=PEM
            ssl.truststore.location=/etc/kafka/certs/ca.crt
            ssl.truststore.type=PEM
            super.users=User:CN=millrace-node;User:CN=millrace-operator
            transaction.state.log.min.isr=2
            transaction.state.log.replication.factor=3
        "#]].assert_eq(&server_properties(&cluster(3), "https://issuer", true));
    }

    #[test]
    fn one_node_keeps_one_replica_and_needs_no_rack() {
        let text = server_properties(&cluster(1), "https://issuer", false);
        for line in [
            "default.replication.factor=1",
            "min.insync.replicas=1",
            "transaction.state.log.min.isr=1",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "{line} is missing in\n{text}"
            );
        }
        assert!(!text.contains("broker.rack"));
    }

    #[test]
    fn the_resources_own_configuration_has_the_last_word_and_cannot_smuggle_a_line() {
        let mut cluster = cluster(3);
        cluster
            .config
            .insert("min.insync.replicas".into(), "3".into());
        cluster.config.insert(
            "log.cleaner.threads".into(),
            "1\nsuper.users=User:mallory".into(),
        );
        let text = server_properties(&cluster, "https://issuer", false);
        assert!(text.contains("\nmin.insync.replicas=3\n"));
        assert!(text.contains("\nlog.cleaner.threads=1\\nsuper.users=User:mallory\n"));
        assert_eq!(text.matches("\nsuper.users=").count(), 1);
    }
}
