use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{
    labels::{Component, child, pod_labels},
    names::{CONTROLLER_PORT, Names, REGISTRY_PORT, REPLICATION_PORT},
};
use crate::resolve::ResolvedCluster;

/// Headless Service `<name>-nodes`: a host name for each node, ready or not, since the quorum must form before any is.
pub fn nodes(cluster: &ResolvedCluster) -> Service {
    let own = [
        port("controller", CONTROLLER_PORT),
        port("replication", REPLICATION_PORT),
    ];
    service(
        cluster,
        Names(&cluster.key).nodes(),
        Component::Nodes,
        ServiceSpec {
            cluster_ip: Some("None".into()),
            publish_not_ready_addresses: Some(true),
            ports: Some(own.into_iter().chain(client_ports(cluster)).collect()),
            ..ServiceSpec::default()
        },
    )
}

/// Service `<name>-kafka`: where clients begin.
pub fn bootstrap(cluster: &ResolvedCluster) -> Service {
    let spec = ServiceSpec {
        ports: Some(client_ports(cluster).collect()),
        ..ServiceSpec::default()
    };
    service(
        cluster,
        Names(&cluster.key).bootstrap(),
        Component::Nodes,
        spec,
    )
}

/// Service `<name>-registry`.
pub fn registry(cluster: &ResolvedCluster) -> Service {
    let spec = ServiceSpec {
        ports: Some(vec![port("http", REGISTRY_PORT)]),
        ..ServiceSpec::default()
    };
    service(
        cluster,
        Names(&cluster.key).registry(),
        Component::Registry,
        spec,
    )
}

fn service(
    cluster: &ResolvedCluster,
    name: String,
    component: Component,
    spec: ServiceSpec,
) -> Service {
    Service {
        metadata: child(cluster, name, component),
        spec: Some(ServiceSpec {
            selector: Some(pod_labels(&cluster.key, component)),
            ..spec
        }),
        ..Service::default()
    }
}

fn client_ports(cluster: &ResolvedCluster) -> impl Iterator<Item = ServicePort> {
    cluster
        .listeners
        .iter()
        .map(|listener| port(&listener.name, listener.port))
}

fn port(name: &str, port: i32) -> ServicePort {
    ServicePort {
        name: Some(name.into()),
        port,
        target_port: Some(IntOrString::Int(port)),
        protocol: Some("TCP".into()),
        ..ServicePort::default()
    }
}
