use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};

use super::{
    labels::{Component, child, kept},
    names::Names,
    server_properties::{NODE, OPERATOR},
};
use crate::{
    certificates::{LeafRequest, Pair},
    resolve::ResolvedCluster,
    world::ClusterKey,
};

/// The nodes' certificate: they are each other's servers and clients, and every client's server.
pub fn node_request(key: &ClusterKey) -> LeafRequest {
    let (namespace, names) = (&key.namespace, Names(key));
    let mut hosts = BTreeSet::from(["localhost".to_owned()]);
    for suffix in ["", ".cluster.local"] {
        hosts.insert(format!("*.{}.{namespace}.svc{suffix}", names.nodes()));
        hosts.insert(format!("{}{suffix}", names.bootstrap_host()));
    }
    LeafRequest {
        common_name: NODE.into(),
        dns_names: hosts,
    }
}

/// The operator's certificate: a client and nothing else.
pub fn operator_request() -> LeafRequest {
    LeafRequest {
        common_name: OPERATOR.into(),
        dns_names: BTreeSet::new(),
    }
}

/// Secret `<name>-ca`: the authority with its key. It stays with the volumes.
pub fn authority_secret(cluster: &ResolvedCluster, pair: &Pair) -> Secret {
    let names = Names(&cluster.key);
    Secret {
        metadata: kept(&cluster.key, names.authority(), Component::Nodes),
        ..secret([
            ("tls.crt", &pair.certificate_pem),
            ("tls.key", &pair.key_pem),
        ])
    }
}

/// ConfigMap `<name>-ca`: what clients trust. It stays with the volumes.
pub fn authority_config_map(cluster: &ResolvedCluster, authority_pem: &str) -> ConfigMap {
    ConfigMap {
        metadata: kept(
            &cluster.key,
            Names(&cluster.key).authority(),
            Component::Nodes,
        ),
        data: Some(BTreeMap::from([("ca.crt".into(), authority_pem.into())])),
        ..ConfigMap::default()
    }
}

/// Secret `<name>-nodes-tls`: `node.pem` is the key followed by the certificate, as Kafka's PEM key store takes it.
pub fn node_secret(cluster: &ResolvedCluster, pair: &Pair, authority_pem: &str) -> Secret {
    let node_pem = format!("{}{}", pair.key_pem, pair.certificate_pem);
    Secret {
        metadata: child(
            cluster,
            Names(&cluster.key).node_certificate(),
            Component::Nodes,
        ),
        ..secret([("node.pem", &node_pem), ("ca.crt", authority_pem)])
    }
}

/// Secret `<name>-operator-tls`: what the operator shows to the nodes.
pub fn operator_secret(cluster: &ResolvedCluster, pair: &Pair) -> Secret {
    Secret {
        metadata: child(
            cluster,
            Names(&cluster.key).operator_certificate(),
            Component::Nodes,
        ),
        ..secret([
            ("tls.crt", &pair.certificate_pem),
            ("tls.key", &pair.key_pem),
        ])
    }
}

fn secret<const N: usize>(data: [(&str, &str); N]) -> Secret {
    let data = data.map(|(key, value)| (key.to_owned(), ByteString(value.as_bytes().to_vec())));
    Secret {
        data: Some(data.into()),
        type_: Some("Opaque".into()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        certificates::{Authority, is_current},
        desire::kafka_cluster::example::cluster,
    };

    #[test]
    fn what_is_written_for_the_nodes_is_found_to_serve_when_it_is_read_again() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let authority = Authority::generate("ca", now).unwrap();
        let request = node_request(&cluster(3).key);
        let pair = authority.issue(&request, now).unwrap();
        let authority_pem = &authority.pair().certificate_pem;
        let data = node_secret(&cluster(3), &pair, authority_pem).data.unwrap();
        let node_pem = String::from_utf8(data["node.pem"].0.clone()).unwrap();
        assert!(node_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(is_current(&node_pem, authority_pem, &request, now));
    }

    #[test]
    fn the_nodes_stand_for_their_own_names_and_the_bootstrap_service() {
        let hosts: Vec<String> = node_request(&cluster(3).key)
            .dns_names
            .into_iter()
            .collect();
        assert_eq!(
            hosts,
            [
                "*.main-nodes.kafka.svc",
                "*.main-nodes.kafka.svc.cluster.local",
                "localhost",
                "main-kafka.kafka.svc",
                "main-kafka.kafka.svc.cluster.local",
            ]
        );
    }
}
