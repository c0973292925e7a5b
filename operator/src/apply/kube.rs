use std::{fmt::Debug, sync::Arc};

use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{context::Context, error::Error};

/// Makes `object` so by server-side apply, under the operator's field manager. `object` names its namespace.
/// Nothing is sent when the same was applied before and nobody has [forgotten](Applied::forget) it since.
///
/// # Errors
/// When the API server refuses.
pub async fn apply<K>(context: &Context, object: &K) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let namespace = object.namespace().unwrap_or_default();
    let name = object.name_any();
    let text = serde_json::to_string(object)?;
    if context
        .applied
        .is_last(&K::kind(&()), &namespace, &name, &text)
    {
        return Ok(());
    }
    server_side(context, object).await?;
    context
        .applied
        .remember(&K::kind(&()), &namespace, &name, &text);
    Ok(())
}

/// Sends `object` by server-side apply, under the operator's field manager. Gives it as the API server has it then.
///
/// # Errors
/// When the API server refuses.
pub(super) async fn server_side<K>(context: &Context, object: &K) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let params = PatchParams::apply("millrace").force();
    let (name, patch) = (object.name_any(), Patch::Apply(object));
    let write = api.patch(&name, &params, &patch);
    Ok(context.writes.any(&K::kind(&()), write).await?)
}

/// Puts the finalizer on the object, or takes it off; nothing is sent where it is so already. Other finalizers are left alone.
/// Gives the object as it is then.
///
/// # Errors
/// When the API server refuses, and [`Error::Outdated`] where the object has changed meanwhile; one that is gone is no error.
pub async fn finalizer<K>(
    context: &Context,
    object: &Arc<K>,
    finalizer: &str,
    wanted: bool,
) -> Result<Arc<K>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    if object.finalizers().iter().any(|f| f == finalizer) == wanted {
        return Ok(object.clone());
    }
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().unwrap_or_default(),
    );
    let name = object.name_any();
    let written = match wanted {
        true => {
            let patch = json!({ "apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": { "finalizers": [finalizer], "uid": object.uid() } });
            let params = PatchParams::apply("millrace-finalizer").force();
            let patch = Patch::Apply(&patch);
            context
                .writes
                .object(api.patch(&name, &params, &patch))
                .await
        }
        // A server-side apply only takes away what nobody else has applied, as who restores a backup has.
        false => {
            let others: Vec<&String> = object
                .finalizers()
                .iter()
                .filter(|f| *f != finalizer)
                .collect();
            let patch = json!({ "metadata": { "finalizers": others, "uid": object.uid(), "resourceVersion": object.resource_version() } });
            let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
            context
                .writes
                .object(api.patch(&name, &params, &patch))
                .await
        }
    };
    match written {
        Ok(written) => Ok(Arc::new(written)),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(object.clone()),
        Err(kube::Error::Api(status)) if status.is_conflict() => Err(Error::Outdated),
        Err(error) => Err(error.into()),
    }
}

/// Deletes an object; one that is not there is no error.
///
/// # Errors
/// When the API server refuses.
pub async fn delete<K>(context: &Context, namespace: &str, name: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    context.applied.forget(&K::kind(&()), namespace, name);
    let api: Api<K> = Api::namespaced(context.client.clone(), namespace);
    let params = DeleteParams::default();
    let write = api.delete(name, &params);
    match context.writes.any(&K::kind(&()), write).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}
