#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use expect_test::expect;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tower::service_fn;

use super::*;
use crate::cli::outcome::Found;

const MANIFESTS: &str = "
apiVersion: millrace.dev/v1alpha1
kind: Topic
metadata: { name: orders, namespace: shop }
spec: { clusterRef: { name: events }, partitions: 6 }
---
apiVersion: millrace.dev/v1alpha1
kind: ConsumerGroup
metadata: { name: billing }
spec: { clusterRef: { name: events } }
---
apiVersion: v1
kind: Service
";

fn topic(partitions: i32) -> Value {
    json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "Topic",
        "metadata": { "name": "orders", "namespace": "shop", "resourceVersion": "7" },
        "spec": { "adopt": false, "clusterRef": { "name": "events" }, "partitions": partitions },
    })
}

fn applied_by(mut resource: Value, manager: &str) -> Value {
    resource["metadata"]["managedFields"] = json!([
        { "manager": "old", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": { "f:spec": {} } },
        { "manager": manager, "operation": "Apply", "time": "2026-01-02T00:00:00Z", "fieldsV1": { "f:spec": {} } },
        { "manager": "millrace", "operation": "Apply", "subresource": "status", "time": "2026-01-03T00:00:00Z", "fieldsV1": { "f:spec": {} } },
    ]);
    resource
}

fn not_found(kind: &str) -> (u16, Vec<&'static str>, String) {
    let status = json!({ "kind": "Status", "reason": "NotFound", "message": "not found", "details": { "kind": kind } });
    (404, Vec::new(), status.to_string())
}

type Asked = Arc<Mutex<Vec<String>>>;

/// A client of an API server that answers `METHOD path` so, and what it was asked.
fn server(
    answer: impl Fn(&str, &str) -> (u16, Vec<&'static str>, String) + Clone + Send + Sync + 'static,
) -> (Client, Asked) {
    let asked = Asked::default();
    let seen = asked.clone();
    let service = service_fn(move |request: Request<Body>| {
        let line = format!("{} {}", request.method(), request.uri());
        seen.lock().unwrap().push(line);
        let (status, warnings, body) = answer(request.method().as_str(), request.uri().path());
        let mut response = Response::builder().status(status);
        for warning in warnings {
            response = response.header("warning", warning);
        }
        let response = response.body(Body::from(body.into_bytes())).unwrap();
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    (Client::new(service, "default"), asked)
}

async fn planned(client: &Client, output: Output) -> Report {
    let mut manifests = Manifests::default();
    manifests.add("shop.yaml", MANIFESTS).unwrap();
    plan(client, &manifests, Some("shop"), output)
        .await
        .unwrap()
}

#[tokio::test]
async fn changes_are_shown_field_by_field_and_step_by_step() {
    let (client, asked) = server(|method, path| match (method, path.contains("/topics/")) {
        ("GET", true) => (
            200,
            vec![],
            applied_by(topic(3), "argocd controller").to_string(),
        ),
        (_, true) => (
            200,
            vec![
                r#"299 - "plan: add 3 partitions to topic `orders`""#,
                r#"299 - "beware""#,
            ],
            topic(6).to_string(),
        ),
        ("GET", false) => not_found("consumergroups"),
        _ => (
            201,
            vec![],
            json!({ "metadata": { "name": "billing" }, "spec": { "topics": [] } }).to_string(),
        ),
    });
    let report = planned(&client, Output::Text).await;
    assert_eq!(report.found, Found::Something);
    expect![[r#"
        Topic shop/orders (shop.yaml:2): to be changed
              adopt: false
              clusterRef:
                name: events
          -   partitions: 3
          +   partitions: 6
          in Kafka:
            add 3 partitions to topic `orders`
          warning: beware

        ConsumerGroup shop/billing (shop.yaml:7): to be created
          + spec:
          +   topics: []

        1 to be created, 1 to be changed, 0 refused, 0 unchanged; 1 other document passed over
    "#]]
    .assert_eq(&report.text);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    let asked = asked.join("\n");
    expect![[r#"
        GET /apis/millrace.dev/v1alpha1/namespaces/shop/consumergroups/billing
        GET /apis/millrace.dev/v1alpha1/namespaces/shop/topics/orders
        PATCH /apis/millrace.dev/v1alpha1/namespaces/shop/consumergroups/billing?dryRun=All&fieldManager=kubectl-millrace-plan&fieldValidation=Strict&force=true
        PATCH /apis/millrace.dev/v1alpha1/namespaces/shop/topics/orders?dryRun=All&fieldManager=argocd+controller&fieldValidation=Strict&force=true"#]].assert_eq(&asked);
}

#[tokio::test]
async fn what_kubectl_applied_without_server_side_is_replaced_so_that_dropped_fields_go() {
    let (client, asked) = server(|_, path| match path.contains("/topics/") {
        true => (200, vec![], topic(6).to_string()),
        false => (200, vec![], json!({ "spec": {} }).to_string()),
    });
    let report = planned(&client, Output::Json).await;
    assert_eq!(report.found, Found::Nothing);
    let asked = asked.lock().unwrap();
    assert_eq!(
        asked.iter().filter(|line| line.starts_with("PUT ")).count(),
        2,
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .all(|line| line.starts_with("GET ") || line.contains("dryRun=All")),
        "{asked:?}"
    );
    let whole: Value = serde_json::from_str(&report.text).unwrap();
    assert_eq!(whole["format"], "millrace-plan/v1");
    assert_eq!(
        whole["summary"],
        json!({ "unchanged": 2, "create": 0, "change": 0, "refused": 0, "otherDocuments": 1 })
    );
}

#[tokio::test]
async fn a_refusal_is_an_error_and_the_others_are_shown_all_the_same() {
    let (client, _) = server(|method, path| match (method, path.contains("/topics/")) {
        ("GET", true) => not_found("topics"),
        (_, true) => (
            403,
            vec![],
            json!({ "kind": "Status", "message": "admission webhook denied: no grant" })
                .to_string(),
        ),
        ("GET", false) => not_found("consumergroups"),
        _ => (201, vec![], json!({ "spec": {} }).to_string()),
    });
    let report = planned(&client, Output::Text).await;
    assert_eq!(report.found, Found::Trouble);
    assert!(
        report.text.contains(
            "Topic shop/orders (shop.yaml:2): refused\n  admission webhook denied: no grant\n"
        ),
        "{}",
        report.text
    );
    assert!(
        report
            .text
            .contains("ConsumerGroup shop/billing (shop.yaml:7): to be created"),
        "{}",
        report.text
    );
}

#[tokio::test]
async fn what_is_missing_is_told_with_what_to_do() {
    let (client, _) = server(|method, path| match (method, path.contains("/topics/")) {
        (_, true) => (404, vec![], "404 page not found\n".to_owned()),
        ("GET", false) => not_found("consumergroups"),
        _ => not_found("namespaces"),
    });
    let report = planned(&client, Output::Text).await;
    assert_eq!(report.found, Found::Trouble);
    assert!(
        report
            .text
            .contains("does not know Topic of millrace.dev/v1alpha1: install"),
        "{}",
        report.text
    );
    assert!(
        report
            .text
            .contains("there is no namespace `shop`: create it"),
        "{}",
        report.text
    );
}

#[tokio::test]
async fn a_webhook_that_says_nothing_to_a_changed_topic_was_not_asked() {
    let (client, _) = server(|method, path| match (method, path.contains("/topics/")) {
        ("GET", true) => (200, vec![], topic(3).to_string()),
        (_, true) => (200, vec![], topic(6).to_string()),
        _ => (200, vec![], json!({ "spec": {} }).to_string()),
    });
    let report = planned(&client, Output::Text).await;
    assert!(
        report
            .text
            .contains("    not known: Millrace's webhook was not asked"),
        "{}",
        report.text
    );
    let (client, _) = server(|method, path| match (method, path.contains("/topics/")) {
        ("GET", true) => (200, vec![], topic(3).to_string()),
        (_, true) => (
            200,
            vec![r#"299 - "plan: nothing to do in Kafka""#],
            topic(6).to_string(),
        ),
        _ => (200, vec![], json!({ "spec": {} }).to_string()),
    });
    let report = planned(&client, Output::Text).await;
    assert!(!report.text.contains("in Kafka"), "{}", report.text);
}

#[tokio::test]
async fn an_api_server_that_is_away_ends_the_plan() {
    let service = service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(std::io::Error::other("connection refused"))
    });
    let mut manifests = Manifests::default();
    manifests.add("shop.yaml", MANIFESTS).unwrap();
    let problem = plan(
        &Client::new(service, "default"),
        &manifests,
        None,
        Output::Text,
    )
    .await
    .err()
    .unwrap()
    .to_string();
    assert!(
        problem.contains("does not answer") && problem.contains("--context"),
        "{problem}"
    );
}
