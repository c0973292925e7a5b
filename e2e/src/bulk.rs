//! Many resources at once, by a client that does nothing else: requests are bytes, and answers are not read further than need be.

use std::{ops::Range, time::Duration};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PartialObjectMeta},
};
use millrace_crds::Topic;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Kind;

/// Requests under way at a time.
const AT_ONCE: usize = 64;
/// Objects deleted by one request.
const DELETED_AT_ONCE: u32 = 500;

/// The spec of a Topic of one partition and one replica on the shared KafkaCluster, called `<namespace>.<name>` in Kafka.
pub fn smallest(namespace: &str, name: &str) -> Value {
    json!({
        "clusterRef": { "name": crate::CLUSTER, "namespace": crate::CLUSTER_NAMESPACE },
        "topicName": format!("{namespace}.{name}"),
        "partitions": 1,
        "replicas": 1,
    })
}

/// Creates a [`smallest`] Topic of each name, 64 at a time.
///
/// # Errors
/// When the API server refuses one.
pub async fn create(client: &Client, namespace: &str, names: &[String]) -> Result<()> {
    create_each::<Topic>(client, namespace, names, |name| smallest(namespace, name)).await
}

/// Creates an object of each name, with the spec that `spec` has for it, 64 at a time.
///
/// # Errors
/// When the API server refuses one.
pub async fn create_each<K>(
    client: &Client,
    namespace: &str,
    names: &[String],
    spec: impl Fn(&str) -> Value,
) -> Result<()>
where
    K: Kind,
{
    let spec = &spec;
    each::<K, _>(names, |name| async move {
        let object = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": { "name": name, "namespace": namespace },
            "spec": spec(name),
        });
        let request = Request::post(path::<K>(namespace, ""))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&object)?)?;
        client.request_text(request).await?;
        Ok(())
    })
    .await
}

/// Writes `status`, with the topic's own name in it, to the Topic of each name by server-side apply, 64 at a time, as the operator
/// writes it.
///
/// # Errors
/// When the API server refuses one.
pub async fn write_statuses(
    client: &Client,
    namespace: &str,
    names: &[String],
    status: &Value,
) -> Result<()> {
    each::<Topic, _>(names, |name| async move {
        let mut status = status.clone();
        status["topicName"] = format!("{namespace}.{name}").into();
        let patch =
            json!({ "apiVersion": "millrace.dev/v1alpha1", "kind": "Topic", "status": status });
        let uri = format!(
            "{}?fieldManager=millrace-topic&force=true",
            path::<Topic>(namespace, &format!("/{name}/status"))
        );
        let request = Request::patch(uri)
            .header("content-type", "application/apply-patch+yaml")
            .body(serde_json::to_vec(&patch)?)?;
        client.request_text(request).await?;
        Ok(())
    })
    .await
}

/// Changes `retention.ms` of a Topic; the generation that makes.
///
/// # Errors
/// When the API server refuses, or its answer has no generation.
pub async fn set_retention(
    client: &Client,
    namespace: &str,
    name: &str,
    milliseconds: i64,
) -> Result<i64> {
    let patch = json!({ "spec": { "config": { "retention.ms": milliseconds } } });
    let request = Request::patch(path::<Topic>(namespace, &format!("/{name}")))
        .header("content-type", "application/merge-patch+json")
        .body(serde_json::to_vec(&patch)?)?;
    let answer: Value = client.request(request).await?;
    answer["metadata"]["generation"]
        .as_i64()
        .with_context(|| format!("Topic {name} has no generation"))
}

/// As [`set_retention`], of the Topic of each name, 64 at a time.
///
/// # Errors
/// When the API server refuses one.
pub async fn set_retentions(
    client: &Client,
    namespace: &str,
    names: &[String],
    milliseconds: i64,
) -> Result<()> {
    each::<Topic, _>(names, |name| async move {
        set_retention(client, namespace, name, milliseconds).await?;
        Ok(())
    })
    .await
}

/// Deletes all objects of a kind in a namespace, and returns once they are gone.
///
/// # Errors
/// When some are left after `within`, or the API server refuses.
pub async fn delete_all<K>(client: &Client, namespace: &str, within: Duration) -> Result<()>
where
    K: Kind,
{
    let objects: Api<PartialObjectMeta<K>> = Api::namespaced(client.clone(), namespace);
    let some = ListParams::default().limit(DELETED_AT_ONCE);
    let deletion = async {
        let one = ListParams::default().limit(1);
        while !objects.list_metadata(&one).await?.items.is_empty() {
            match objects
                .delete_collection(&DeleteParams::default(), &some)
                .await
            {
                // The API server closed the connection; what it deleted is gone all the same.
                Ok(_) | Err(kube::Error::Service(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::Ok(())
    };
    match timeout(within, deletion).await {
        Ok(done) => done,
        Err(_) => bail!(
            "objects of kind {} of namespace {namespace} are left after {within:?}",
            K::kind(&())
        ),
    }
}

/// `count` names that sort as they are counted: `t00000`, `t00001`, ...
pub fn names(count: usize) -> Vec<String> {
    numbered("t", 0..count)
}

/// `prefix` with a number of five digits behind it, of each of `numbers`.
pub fn numbered(prefix: &str, numbers: Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("{prefix}{n:05}")).collect()
}

async fn each<'a, K, F>(names: &'a [String], request: impl Fn(&'a str) -> F) -> Result<()>
where
    K: Kind,
    F: Future<Output = Result<()>>,
{
    stream::iter(names)
        .map(|name| {
            let request = request(name);
            async move {
                request
                    .await
                    .with_context(|| format!("{} {name}", K::kind(&())))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

fn path<K>(namespace: &str, rest: &str) -> String
where
    K: Kind,
{
    format!("{}{rest}", K::url_path(&(), Some(namespace)))
}
