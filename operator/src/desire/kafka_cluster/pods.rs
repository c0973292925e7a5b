use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapVolumeSource, EmptyDirVolumeSource, EnvVar, PodSecurityContext,
        ResourceRequirements, SeccompProfile, SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use millrace_crds::{ResourceAmounts, Resources};
use sha2::{Digest, Sha256};

/// User and group of all images.
const USER: i64 = 1001;

/// What a pod may be: no root, and volumes that its user may write.
pub fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        fs_group_change_policy: Some("OnRootMismatch".into()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".into(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

/// What a container may do: nothing beyond its own process, on a file system it cannot change.
pub fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".into()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

/// CPU and memory as the API server wants them; None where nothing is asked for.
pub fn requirements(resources: &Resources) -> Option<ResourceRequirements> {
    let (requests, limits) = (amounts(&resources.requests), amounts(&resources.limits));
    (requests.is_some() || limits.is_some()).then(|| ResourceRequirements {
        requests,
        limits,
        ..Default::default()
    })
}

fn amounts(amounts: &ResourceAmounts) -> Option<BTreeMap<String, Quantity>> {
    let named = [("cpu", &amounts.cpu), ("memory", &amounts.memory)];
    let asked: BTreeMap<String, Quantity> = named
        .into_iter()
        .filter_map(|(name, amount)| Some((name.to_owned(), amount.clone()?)))
        .collect();
    (!asked.is_empty()).then_some(asked)
}

/// An environment variable.
pub fn env(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar {
        name: name.into(),
        value: Some(value.into()),
        value_from: None,
    }
}

/// A mounted volume that cannot be written to.
pub fn read_only(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.into(),
        mount_path: path.into(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}

/// A mounted volume.
pub fn writable(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.into(),
        mount_path: path.into(),
        ..VolumeMount::default()
    }
}

/// A volume of a ConfigMap.
pub fn config_map_volume(volume: &str, config_map: String) -> Volume {
    Volume {
        name: volume.into(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map,
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// The volume `tmp`, as old as its pod.
pub fn tmp_volume() -> Volume {
    Volume {
        name: "tmp".into(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

/// The first 16 hexadecimal digits of a text's SHA-256.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
