use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
    core::GroupVersionKind,
    discovery::{Scope, pinned_kind},
    error::DiscoveryError,
};
use millrace_crds::ScaleTargetRef;
use serde_json::json;

use crate::{context::Context, error::Error, resolve::Rejection, status::reasons};

/// Under this name the autoscaler owns `spec.replicas` of the workloads.
const FIELD_MANAGER: &str = "millrace-autoscaler";

/// What a workload asks for, and the version of it that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// `spec.replicas` of the `scale` subresource, at least 0.
    pub wanted: i32,
    version: Option<String>,
}

/// Workloads of any allowed kind, through their `scale` subresource. Remembers which kinds exist.
#[derive(Debug, Default)]
pub struct Workloads(Mutex<HashMap<GroupVersionKind, ApiResource>>);

impl Workloads {
    /// What a workload asks for, or why it cannot be scaled.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn read(
        &self,
        context: &Context,
        namespace: &str,
        target: &ScaleTargetRef,
    ) -> Result<Result<Replicas, Rejection>, Error> {
        let api = match self.api(context, namespace, target).await? {
            Ok(api) => api,
            Err(rejection) => return Ok(Err(rejection)),
        };
        match api.get_scale(&target.name).await {
            Ok(scale) => Ok(Ok(Replicas {
                wanted: scale.spec.and_then(|spec| spec.replicas).unwrap_or(0),
                version: scale.metadata.resource_version,
            })),
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                Ok(Err(missing(namespace, target)))
            }
            Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(Err(Rejection::no(
                reasons::KIND_NOT_SCALABLE,
                format!(
                    "the operator may not scale {} {namespace}/{}: give its role `get` and `patch` on the scale subresource",
                    target.kind, target.name
                ),
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for `replicas`, unless the workload has changed since it was `seen`: then nothing is done and the answer is false.
    ///
    /// # Errors
    /// When the API server refuses or does not answer.
    pub async fn set(
        &self,
        context: &Context,
        namespace: &str,
        target: &ScaleTargetRef,
        seen: &Replicas,
        replicas: i32,
    ) -> Result<bool, Error> {
        let Ok(api) = self.api(context, namespace, target).await? else {
            return Ok(false);
        };
        let patch = json!({ "metadata": { "resourceVersion": seen.version }, "spec": { "replicas": replicas } });
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(&patch);
        let write = api.patch_scale(&target.name, &params, &patch);
        match context.writes.any(&target.kind, write).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn api(
        &self,
        context: &Context,
        namespace: &str,
        target: &ScaleTargetRef,
    ) -> Result<Result<Api<DynamicObject>, Rejection>, Error> {
        let wanted = format!("{}/{}", target.api_version, target.kind);
        if !context.config.scalable_kinds.contains(&wanted) {
            let allowed = context.config.scalable_kinds.join(", ");
            return Ok(Err(Rejection::no(
                reasons::KIND_NOT_SCALABLE,
                format!(
                    "scaleTargetRef: {wanted} may not be scaled in this installation; allowed are {allowed}"
                ),
            )));
        }
        let (group, version) = target
            .api_version
            .split_once('/')
            .unwrap_or(("", &target.api_version));
        let kind = GroupVersionKind::gvk(group, version, &target.kind);
        let known = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&kind)
            .cloned();
        let resource = match known {
            Some(resource) => resource,
            None => match discover(context, &kind).await? {
                Ok(resource) => resource,
                Err(rejection) => return Ok(Err(rejection)),
            },
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(kind, resource.clone());
        Ok(Ok(Api::namespaced_with(
            context.client.clone(),
            namespace,
            &resource,
        )))
    }
}

async fn discover(
    context: &Context,
    kind: &GroupVersionKind,
) -> Result<Result<ApiResource, Rejection>, Error> {
    let no = |why: &str| {
        let name = format!("{}/{}", kind.api_version(), kind.kind);
        Ok(Err(Rejection::no(
            reasons::KIND_NOT_SCALABLE,
            format!("scaleTargetRef: {name} {why}"),
        )))
    };
    match pinned_kind(&context.client, kind).await {
        Ok((resource, capabilities)) => {
            let scalable = capabilities
                .subresources
                .iter()
                .any(|(subresource, _)| subresource.plural == "scale");
            match scalable && capabilities.scope == Scope::Namespaced {
                true => Ok(Ok(resource)),
                false => no("has no scale subresource"),
            }
        }
        Err(kube::Error::Discovery(DiscoveryError::MissingKind(_))) => {
            no("is not a kind of this cluster")
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            no("is not a kind of this cluster")
        }
        Err(error) => Err(error.into()),
    }
}

fn missing(namespace: &str, target: &ScaleTargetRef) -> Rejection {
    Rejection::no(
        reasons::TARGET_NOT_FOUND,
        format!(
            "there is no {} {namespace}/{}: create it, or correct scaleTargetRef",
            target.kind, target.name
        ),
    )
}

/// The HorizontalPodAutoscaler that scales the same workload, if there is one (KEDA makes one, too).
///
/// # Errors
/// When the API server refuses or does not answer.
pub async fn other_autoscaler(
    context: &Context,
    namespace: &str,
    target: &ScaleTargetRef,
) -> Result<Option<String>, Error> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(context.client.clone(), namespace);
    let all = api.list(&ListParams::default()).await?;
    let same = |autoscaler: &&HorizontalPodAutoscaler| {
        autoscaler.spec.as_ref().is_some_and(|spec| {
            let theirs = &spec.scale_target_ref;
            let group = |version: &str| {
                version
                    .split_once('/')
                    .map_or(String::new(), |(group, _)| group.to_owned())
            };
            theirs.kind == target.kind
                && theirs.name == target.name
                && group(theirs.api_version.as_deref().unwrap_or_default())
                    == group(&target.api_version)
        })
    };
    Ok(all.iter().find(same).map(ResourceExt::name_any))
}
