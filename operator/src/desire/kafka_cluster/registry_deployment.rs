use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Container, ContainerPort, HTTPGetAction, PodSpec, PodTemplateSpec, Probe,
            ProjectedVolumeSource, ServiceAccountTokenProjection, Volume, VolumeProjection,
        },
    },
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};
use millrace_crds::Resources;

use super::{
    Given,
    labels::{Component, child, labels, selector},
    names::{Names, REGISTRY_HEALTH_PORT, REGISTRY_PORT},
    pods::{
        config_map_volume, container_security, digest, env, pod_security, read_only, requirements,
        tmp_volume, writable,
    },
    registry_restart::{RESTART_ANNOTATION, TOKEN_SECONDS},
};
use crate::resolve::{ResolvedCluster, ResolvedRegistry};

/// Deployment `<name>-registry`: one pod that keeps all it knows in Kafka, replaced before its token ends by one that is ready before it
/// goes: two read the same journal without harm. None where the registry is not Millrace's.
pub fn registry_deployment(cluster: &ResolvedCluster, given: &Given) -> Option<Deployment> {
    let Some(ResolvedRegistry::Managed {
        image,
        resources,
        heap,
    }) = &cluster.registry
    else {
        return None;
    };
    Some(Deployment {
        metadata: child(cluster, Names(&cluster.key).registry(), Component::Registry),
        spec: Some(DeploymentSpec {
            replicas: Some(1),
            selector: selector(&cluster.key, Component::Registry),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels(&cluster.key, Component::Registry)),
                    annotations: Some(annotations(given)),
                    ..ObjectMeta::default()
                }),
                spec: Some(PodSpec {
                    service_account_name: Some(Names(&cluster.key).registry()),
                    automount_service_account_token: Some(false),
                    enable_service_links: Some(false),
                    security_context: Some(pod_security()),
                    containers: vec![container(cluster, image, resources, *heap)],
                    volumes: Some(volumes(cluster)),
                    ..PodSpec::default()
                }),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    })
}

fn annotations(given: &Given) -> BTreeMap<String, String> {
    let restart = given
        .registry_restart
        .map(|started| (RESTART_ANNOTATION.to_owned(), started.to_string()));
    let ca = ("millrace.dev/ca".to_owned(), digest(&given.authority_pem));
    restart.into_iter().chain([ca]).collect()
}

fn container(
    cluster: &ResolvedCluster,
    image: &str,
    resources: &Resources,
    heap: u64,
) -> Container {
    let listener = cluster
        .listeners
        .first()
        .map_or(0, |listener| listener.port);
    let bootstrap = format!("{}:{listener}", Names(&cluster.key).bootstrap_host());
    let port = |name: &str, port: i32| ContainerPort {
        name: Some(name.into()),
        container_port: port,
        protocol: Some("TCP".into()),
        ..ContainerPort::default()
    };
    Container {
        name: "registry".into(),
        image: Some(image.into()),
        image_pull_policy: Some(cluster.pull_policy.clone()),
        env: Some(vec![
            env("KAFKA_BOOTSTRAP_SERVERS", bootstrap),
            env("REGISTRY_HEAP_OPTS", format!("-Xmx{heap}m")),
        ]),
        ports: Some(vec![
            port("http", REGISTRY_PORT),
            port("health", REGISTRY_HEALTH_PORT),
        ]),
        resources: requirements(resources),
        security_context: Some(container_security()),
        startup_probe: Some(probe("/health/ready", 2, 150)),
        readiness_probe: Some(probe("/health/ready", 5, 3)),
        liveness_probe: Some(probe("/health/live", 10, 6)),
        volume_mounts: Some(vec![
            read_only("ca", "/etc/kafka/certs"),
            read_only("token", "/var/run/secrets/tokens"),
            writable("tmp", "/tmp"),
        ]),
        ..Container::default()
    }
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.into()),
            port: IntOrString::Int(REGISTRY_HEALTH_PORT),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}

fn volumes(cluster: &ResolvedCluster) -> Vec<Volume> {
    let token = ServiceAccountTokenProjection {
        audience: Some(cluster.token_audience()),
        expiration_seconds: Some(TOKEN_SECONDS),
        path: "kafka".into(),
    };
    let projected = ProjectedVolumeSource {
        sources: Some(vec![VolumeProjection {
            service_account_token: Some(token),
            ..VolumeProjection::default()
        }]),
        ..ProjectedVolumeSource::default()
    };
    vec![
        config_map_volume("ca", Names(&cluster.key).authority()),
        Volume {
            name: "token".into(),
            projected: Some(projected),
            ..Volume::default()
        },
        tmp_volume(),
    ]
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;
    use crate::desire::kafka_cluster::example::{cluster, given, yaml};

    #[test]
    fn one_pod_with_a_token_of_its_own() {
        expect_file!["expected/registry_deployment.yaml"]
            .assert_eq(&yaml(&registry_deployment(&cluster(3), &given(3)).unwrap()));
    }

    #[test]
    fn a_restart_makes_the_template_another_one() {
        let template = |restart: Option<&str>| {
            let given = Given {
                registry_restart: restart.map(|started| started.parse().unwrap()),
                ..given(3)
            };
            registry_deployment(&cluster(3), &given)
                .unwrap()
                .spec
                .unwrap()
                .template
        };
        let restarted = template(Some("2026-01-01T00:00:00Z"));
        let annotations = restarted.metadata.as_ref().unwrap().annotations.as_ref();
        let told = annotations.unwrap()[RESTART_ANNOTATION].as_str();
        assert_eq!(told, "2026-01-01T00:00:00Z");
        assert_ne!(restarted, template(None));
    }

    #[test]
    fn none_where_the_registry_is_elsewhere() {
        let mut cluster = cluster(3);
        cluster.registry = Some(ResolvedRegistry::Url("https://registry.example.com".into()));
        assert_eq!(registry_deployment(&cluster, &given(3)), None);
    }
}
