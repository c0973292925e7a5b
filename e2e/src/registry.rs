//! The schema registry of a KafkaCluster, asked through the API server's proxy.

use anyhow::Result;
use kube::Client;
use serde_json::Value;

/// `GET path` of the registry's Confluent API, such as `subjects/orders-value/versions`. Errors of the registry come as JSON too.
///
/// # Errors
/// When the registry does not answer with JSON.
pub async fn get(client: &Client, namespace: &str, cluster: &str, path: &str) -> Result<Value> {
    let service = format!(
        "/api/v1/namespaces/{namespace}/services/{cluster}-registry:8080/proxy/apis/ccompat/v7/{path}"
    );
    let request = http::Request::get(service).body(Vec::new())?;
    match client.request_text(request).await {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(kube::Error::Api(status)) => {
            Ok(serde_json::json!({ "error_code": status.code, "message": status.message }))
        }
        Err(error) => Err(error.into()),
    }
}
