use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{
            StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
            StatefulSetUpdateStrategy,
        },
        core::v1::{
            Affinity, Container, ContainerPort, EnvVar, EnvVarSource, NodeAffinity, NodeSelector,
            NodeSelectorRequirement, NodeSelectorTerm, ObjectFieldSelector, PersistentVolumeClaim,
            PersistentVolumeClaimSpec, PodAffinityTerm, PodAntiAffinity, PodSpec, PodTemplateSpec,
            Probe, SecretVolumeSource, TCPSocketAction, TopologySpreadConstraint, Volume,
            VolumeMount, VolumeResourceRequirements, WeightedPodAffinityTerm,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity, apis::meta::v1::ObjectMeta, util::intstr::IntOrString,
    },
};

use super::{
    Given, config_maps,
    labels::{Component, child, labels, pod_labels, selector},
    names::{CONTROLLER_PORT, Names, REPLICATION_PORT},
    pods::{
        config_map_volume, container_security, digest, env, pod_security, read_only, requirements,
        tmp_volume, writable,
    },
};
use crate::{resolve::ResolvedCluster, world::TEMPLATE_ANNOTATION};

/// Annotation of a node's pod: a digest of its `server.properties`, so that a change of them changes the template.
const CONFIG: &str = "millrace.dev/config";
/// Annotation of a node's pod: a digest of its certificate.
const CERTIFICATE: &str = "millrace.dev/certificate";

/// Name of the volume claims: `data-<pod>`.
const DATA: &str = "data";
/// Seconds in which a node moves its leaders away and stops by itself (controlled shutdown).
const GRACE_SECONDS: i64 = 120;
/// Seconds between two probes of a node that starts.
const STARTUP_PERIOD: i32 = 2;
/// Probes that may fail until a starting node is killed: half an hour, since a node that was killed reads its logs again.
const STARTUP_FAILURES: i32 = 900;

/// StatefulSet `<name>-nodes`. `OnDelete`: pods are replaced by [`crate::plan::roll`], which knows the in-sync replicas.
pub fn stateful_set(cluster: &ResolvedCluster, given: &Given) -> StatefulSet {
    let names = Names(&cluster.key);
    StatefulSet {
        metadata: child(cluster, names.nodes(), Component::Nodes),
        spec: Some(StatefulSetSpec {
            replicas: i32::try_from(cluster.nodes).ok(),
            service_name: Some(names.nodes()),
            selector: selector(&cluster.key, Component::Nodes),
            pod_management_policy: Some("Parallel".into()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".into()),
                rolling_update: None,
            }),
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    when_deleted: Some("Retain".into()),
                    when_scaled: Some("Retain".into()),
                },
            ),
            template: template(cluster, given),
            volume_claim_templates: Some(vec![volume_claim(cluster)]),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

/// The digest that pods made from this StatefulSet carry.
pub fn template_digest(stateful_set: &StatefulSet) -> Option<&str> {
    let annotations = stateful_set
        .spec
        .as_ref()?
        .template
        .metadata
        .as_ref()?
        .annotations
        .as_ref()?;
    annotations.get(TEMPLATE_ANNOTATION).map(String::as_str)
}

fn template(cluster: &ResolvedCluster, given: &Given) -> PodTemplateSpec {
    let config = config_maps::config(cluster, given).data.unwrap_or_default();
    let mut annotations = BTreeMap::from([
        (CONFIG.to_owned(), digest(&format!("{config:?}"))),
        (CERTIFICATE.to_owned(), given.node_pem_digest.clone()),
    ]);
    let spec = pod(cluster, given);
    let whole = serde_json::to_string(&(&annotations, &spec)).unwrap_or_default();
    annotations.insert(TEMPLATE_ANNOTATION.to_owned(), digest(&whole));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels(&cluster.key, Component::Nodes)),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(spec),
    }
}

fn pod(cluster: &ResolvedCluster, given: &Given) -> PodSpec {
    PodSpec {
        service_account_name: Some(Names(&cluster.key).nodes()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(pod_security()),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        affinity: Some(affinity(cluster, given)),
        topology_spread_constraints: given.rack_aware().then(|| vec![over_racks(cluster)]),
        containers: vec![container(cluster, given)],
        volumes: Some(volumes(cluster, given)),
        ..PodSpec::default()
    }
}

fn container(cluster: &ResolvedCluster, given: &Given) -> Container {
    Container {
        name: "kafka".into(),
        image: Some(cluster.image.clone()),
        image_pull_policy: Some(cluster.pull_policy.clone()),
        env: Some(environment(cluster, given)),
        ports: Some(ports(cluster)),
        resources: requirements(&cluster.resources),
        security_context: Some(container_security()),
        startup_probe: Some(probe(STARTUP_PERIOD, STARTUP_FAILURES)),
        readiness_probe: Some(probe(5, 3)),
        volume_mounts: Some(mounts(given)),
        ..Container::default()
    }
}

fn environment(cluster: &ResolvedCluster, given: &Given) -> Vec<EnvVar> {
    vec![
        field("POD_NAME", "metadata.name"),
        field("NODE_NAME", "spec.nodeName"),
        env("CLUSTER_ID", &given.identity.cluster_id),
        env(
            "INITIAL_CONTROLLERS",
            given.identity.initial_controllers(&cluster.key),
        ),
        env("RACK_AWARE", given.rack_aware().to_string()),
        env(
            "KAFKA_HEAP_OPTS",
            format!("-Xms{0}m -Xmx{0}m", cluster.heap),
        ),
    ]
}

fn field(name: &str, path: &str) -> EnvVar {
    let field_ref = ObjectFieldSelector {
        api_version: Some("v1".into()),
        field_path: path.into(),
    };
    EnvVar {
        name: name.into(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(field_ref),
            ..EnvVarSource::default()
        }),
    }
}

fn ports(cluster: &ResolvedCluster) -> Vec<ContainerPort> {
    let port = |name: &str, port: i32| ContainerPort {
        name: Some(name.into()),
        container_port: port,
        protocol: Some("TCP".into()),
        ..ContainerPort::default()
    };
    let own = [
        port("controller", CONTROLLER_PORT),
        port("replication", REPLICATION_PORT),
    ];
    own.into_iter()
        .chain(
            cluster
                .listeners
                .iter()
                .map(|listener| port(&listener.name, listener.port)),
        )
        .collect()
}

/// The port the other nodes connect to is open. That says nothing of the node's place in the in-sync replicas.
fn probe(period: i32, failures: i32) -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction {
            host: None,
            port: IntOrString::Int(REPLICATION_PORT),
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

fn mounts(given: &Given) -> Vec<VolumeMount> {
    let properties = VolumeMount {
        sub_path: Some("server.properties".into()),
        ..read_only("config", "/etc/kafka/server.properties")
    };
    let mut mounts = vec![
        properties,
        read_only("certificates", "/etc/kafka/certs"),
        read_only("jwks", "/etc/kafka/jwks"),
        writable(DATA, "/var/lib/kafka"),
        writable("tmp", "/tmp"),
    ];
    if given.rack_aware() {
        mounts.push(read_only("racks", "/etc/kafka/racks"));
    }
    mounts
}

fn volumes(cluster: &ResolvedCluster, given: &Given) -> Vec<Volume> {
    let names = Names(&cluster.key);
    let certificates = SecretVolumeSource {
        secret_name: Some(names.node_certificate()),
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    let mut volumes = vec![
        config_map_volume("config", names.config()),
        Volume {
            name: "certificates".into(),
            secret: Some(certificates),
            ..Volume::default()
        },
        config_map_volume("jwks", names.jwks()),
        tmp_volume(),
    ];
    if given.rack_aware() {
        volumes.push(config_map_volume("racks", names.racks()));
    }
    volumes
}

/// Different machines where that can be; with racks, only machines that have one.
fn affinity(cluster: &ResolvedCluster, given: &Given) -> Affinity {
    let apart = WeightedPodAffinityTerm {
        weight: 100,
        pod_affinity_term: PodAffinityTerm {
            label_selector: Some(selector(&cluster.key, Component::Nodes)),
            topology_key: "kubernetes.io/hostname".into(),
            ..PodAffinityTerm::default()
        },
    };
    let in_a_rack = NodeSelectorTerm {
        match_expressions: Some(vec![NodeSelectorRequirement {
            key: cluster.rack_topology_key.clone(),
            operator: "Exists".into(),
            values: None,
        }]),
        ..NodeSelectorTerm::default()
    };
    let node_affinity = given.rack_aware().then(|| NodeAffinity {
        required_during_scheduling_ignored_during_execution: Some(NodeSelector {
            node_selector_terms: vec![in_a_rack],
        }),
        ..NodeAffinity::default()
    });
    Affinity {
        node_affinity,
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![apart]),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}

/// No rack holds two nodes more than another: losing one must leave the others in the majority.
fn over_racks(cluster: &ResolvedCluster) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: cluster.rack_topology_key.clone(),
        when_unsatisfiable: "DoNotSchedule".into(),
        label_selector: Some(selector(&cluster.key, Component::Nodes)),
        ..TopologySpreadConstraint::default()
    }
}

fn volume_claim(cluster: &ResolvedCluster) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(DATA.into()),
            labels: Some(pod_labels(&cluster.key, Component::Nodes)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: cluster.storage.class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([(
                    "storage".into(),
                    Quantity(cluster.storage.size.clone()),
                )])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;
    use crate::desire::kafka_cluster::example::{cluster, given, yaml};

    #[test]
    fn three_nodes_over_racks() {
        expect_file!["expected/stateful_set_3.yaml"]
            .assert_eq(&yaml(&stateful_set(&cluster(3), &given(3))));
    }

    #[test]
    fn one_node_without_racks() {
        let given = Given {
            racks: BTreeMap::new(),
            ..given(1)
        };
        expect_file!["expected/stateful_set_1.yaml"]
            .assert_eq(&yaml(&stateful_set(&cluster(1), &given)));
    }

    #[test]
    fn what_a_node_reads_at_start_changes_the_template_and_what_it_reads_again_does_not() {
        let digest = |cluster: &ResolvedCluster, given: &Given| {
            template_digest(&stateful_set(cluster, given))
                .map(str::to_owned)
                .unwrap()
        };
        let before = digest(&cluster(3), &given(3));
        assert_eq!(before, digest(&cluster(3), &given(3)));
        let mut configured = cluster(3);
        configured
            .config
            .insert("log.retention.hours".into(), "48".into());
        assert_ne!(before, digest(&configured, &given(3)));
        let renewed = Given {
            node_pem_digest: "another".into(),
            ..given(3)
        };
        assert_ne!(before, digest(&cluster(3), &renewed));
        let mut rotated = given(3);
        rotated.tokens.jwks = "{}".into();
        rotated.racks.insert("node9".into(), "zone-z".into());
        assert_eq!(before, digest(&cluster(3), &rotated));
    }
}
