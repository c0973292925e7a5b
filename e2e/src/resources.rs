//! Applying and deleting resources, as `kubectl apply --server-side` and `kubectl delete` do.

use std::{fmt::Debug, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
    discovery::{Scope, pinned_kind},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Who applies, in `metadata.managedFields`.
const MANAGER: &str = "millrace-e2e";

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

/// The documents of a YAML file of the repository.
///
/// # Errors
/// When the file cannot be read or is not YAML.
pub fn documents(path: &str) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(repository(path)).with_context(|| path.to_owned())?;
    parse(&text).with_context(|| path.to_owned())
}

/// The documents of a YAML text.
///
/// # Errors
/// When it is not YAML.
pub fn parse(text: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| anyhow!("{error}"))?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect())
}

/// Applies one object of any kind.
///
/// # Errors
/// When the API server refuses it, with its words.
pub async fn apply(client: &Client, document: &Value) -> Result<DynamicObject> {
    let (api, name) = api_of(client, document).await?;
    Ok(api
        .patch(
            &name,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(document),
        )
        .await?)
}

/// Asks whether one object of any kind would be applied. Nothing is stored.
///
/// # Errors
/// When it would be refused, with the API server's words.
pub async fn dry_run(client: &Client, document: &Value) -> Result<()> {
    let (api, name) = api_of(client, document).await?;
    let params = PatchParams::apply(MANAGER).force().dry_run();
    api.patch(&name, &params, &Patch::Apply(document)).await?;
    Ok(())
}

/// Applies all objects of a YAML file of the repository, in its order.
///
/// # Errors
/// When the API server refuses one, with its words.
pub async fn apply_file(client: &Client, path: &str) -> Result<()> {
    for document in documents(path)? {
        apply(client, &prefixed_images(document))
            .await
            .with_context(|| path.to_owned())?;
    }
    Ok(())
}

/// Applies a typed object.
///
/// # Errors
/// When the API server refuses it, with its words.
pub async fn apply_typed<K>(api: &Api<K>, object: &K) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    Ok(api
        .patch(
            &object.name_any(),
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(object),
        )
        .await?)
}

/// Deletes an object; one that is not there is no error.
///
/// # Errors
/// When the API server refuses.
pub async fn delete<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Clone + Debug + DeserializeOwned,
{
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The words with which the API server or the webhook refused a request; none where it was not refused so.
pub fn refusal(error: &anyhow::Error) -> Option<&str> {
    error
        .chain()
        .find_map(|cause| match cause.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => Some(status.message.as_str()),
            _ => None,
        })
}

/// `image` as the cluster knows it: behind `MILLRACE_IMAGES`, where that is set.
pub fn image(image: &str) -> String {
    format!(
        "{}{image}",
        std::env::var("MILLRACE_IMAGES").unwrap_or_default()
    )
}

async fn api_of(client: &Client, document: &Value) -> Result<(Api<DynamicObject>, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, version) = match text(&document["apiVersion"]).split_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), text(&document["apiVersion"])),
    };
    let gvk = GroupVersionKind::gvk(&group, &version, &text(&document["kind"]));
    let (resource, capabilities): (ApiResource, _) = pinned_kind(client, &gvk).await?;
    let name = text(&document["metadata"]["name"]);
    let api = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = document["metadata"]["namespace"]
                .as_str()
                .context("no namespace in the document")?;
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    Ok((api, name))
}

fn prefixed_images(mut document: Value) -> Value {
    if let Some(containers) = document
        .pointer_mut("/spec/template/spec/containers")
        .and_then(Value::as_array_mut)
    {
        for container in containers {
            if let Some(name) = container["image"].as_str().map(image) {
                container["image"] = name.into();
            }
        }
    }
    document
}
