use std::fmt::Debug;

use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{context::Context, error::Error};

/// Makes `object` so by server-side apply, under the operator's field manager. `object` names its namespace.
///
/// # Errors
/// When the API server refuses.
pub async fn apply<K>(context: &Context, object: &K) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    let applied = api.patch(&object.name_any(), &PatchParams::apply("millrace").force(), &Patch::Apply(object)).await?;
    context.metrics.kubernetes_writes.get_or_create(&crate::telemetry::Kind { kind: K::kind(&()).into_owned() }).inc();
    Ok(applied)
}

/// Deletes an object; one that is not there is no error.
///
/// # Errors
/// When the API server refuses.
pub async fn delete<K>(context: &Context, namespace: &str, name: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(context.client.clone(), namespace);
    match api.delete(name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}
