use http::{Method, Request, StatusCode};
use kube::{Client, client::Body};
use millrace_crds::{GROUP, VERSION};
use serde_json::Value;

use super::{manifests::Document, outcome::Problem, warnings::warnings};

/// Who asks, where nobody has applied the resource yet.
const MANAGER: &str = "kubectl-millrace-plan";

/// What the API server says to one document.
#[derive(Debug)]
pub(super) enum Said {
    /// It would be as `wanted`.
    Accepted {
        /// None where there is no such resource yet.
        live: Option<Value>,
        wanted: Value,
        warnings: Vec<String>,
    },
    /// It would be refused, in these words.
    Refused(String),
}

struct Answer {
    status: StatusCode,
    warnings: Vec<String>,
    /// Null where the body is not JSON.
    body: Value,
}

/// Asks what would become of a document in `namespace`, by a dry run: nothing is stored.
///
/// # Errors
/// When the API server does not answer.
pub(super) async fn ask(
    client: &Client,
    document: &Document,
    namespace: &str,
) -> Result<Said, Problem> {
    let Some(plural) = document.plural() else {
        return Ok(Said::Refused(format!(
            "there is no kind `{}`",
            document.kind()
        )));
    };
    let (name, kind) = (document.name(), document.kind());
    if !is_segment(name) || !is_segment(namespace) {
        return Ok(Said::Refused(
            "metadata.name: write a name of lower case letters, digits, '-' and '.'".to_owned(),
        ));
    }
    let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}/{name}");
    let found = send(client, Method::GET, &path, "application/json", None).await?;
    let live = match found.status {
        StatusCode::OK => Some(found.body),
        StatusCode::NOT_FOUND if found.body.is_object() => None,
        _ => return Ok(Said::Refused(refusal(&found, kind, namespace))),
    };
    let (method, query, content, body) = request(document, namespace, live.as_ref());
    let url = format!("{path}?{query}");
    let answer = send(client, method, &url, content, Some(&body)).await?;
    Ok(match answer.status.is_success() {
        true => Said::Accepted {
            live,
            wanted: answer.body,
            warnings: answer.warnings,
        },
        false => Said::Refused(refusal(&answer, kind, namespace)),
    })
}

/// The request that would be made by whoever applied the resource last: a field that was taken out of the manifest goes only
/// then. Server-side apply speaks in that manager's name; `kubectl apply` without it leaves none, and the spec is replaced.
fn request(
    document: &Document,
    namespace: &str,
    live: Option<&Value>,
) -> (Method, String, &'static str, Value) {
    let query = |manager: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("dryRun", "All")
            .append_pair("fieldManager", manager);
        query.append_pair("fieldValidation", "Strict");
        query
    };
    let mut wanted = document.value.clone();
    wanted["metadata"]["namespace"] = namespace.into();
    if let Some(fields) = wanted.as_object_mut() {
        fields.remove("status");
    }
    match live.map(|live| (live, applier(live))) {
        Some((live, None)) => {
            let mut replaced = live.clone();
            replaced["spec"] = wanted["spec"].take();
            for key in ["labels", "annotations"] {
                for (name, value) in wanted["metadata"][key].as_object().into_iter().flatten() {
                    replaced["metadata"][key][name] = value.clone();
                }
            }
            (
                Method::PUT,
                query(MANAGER).finish(),
                "application/json",
                replaced,
            )
        }
        applied => {
            let manager = applied.and_then(|(_, manager)| manager).unwrap_or(MANAGER);
            let query = query(manager).append_pair("force", "true").finish();
            (Method::PATCH, query, "application/apply-patch+yaml", wanted)
        }
    }
}

/// Who applied the spec last by server-side apply.
fn applier(live: &Value) -> Option<&str> {
    let managers = live["metadata"]["managedFields"].as_array()?;
    let applied = managers.iter().filter(|entry| {
        entry["operation"] == "Apply"
            && entry["fieldsV1"].get("f:spec").is_some()
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    });
    // RFC 3339 in UTC, as the API server writes it, sorts as it reads.
    let latest = applied.max_by_key(|entry| entry["time"].as_str().unwrap_or_default())?;
    latest["manager"].as_str()
}

async fn send(
    client: &Client,
    method: Method,
    url: &str,
    content: &str,
    body: Option<&Value>,
) -> Result<Answer, Problem> {
    let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::CONTENT_TYPE, content)
        .body(Body::from(body))
        .map_err(|error| Problem::new(format!("{url}: {error}")))?;
    let response = client.send(request).await.map_err(|error| away(&error))?;
    let (head, body) = response.into_parts();
    let bytes = body.collect_bytes().await.map_err(|error| away(&error))?;
    Ok(Answer {
        status: head.status,
        warnings: warnings(&head.headers),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    })
}

fn away(error: &kube::Error) -> Problem {
    Problem::new(format!(
        "the API server does not answer ({error}): look at `kubectl cluster-info`, or name another with --context or --kubeconfig"
    ))
}

/// Why the API server refused, and where it only says what is missing, what to do.
fn refusal(answer: &Answer, kind: &str, namespace: &str) -> String {
    if answer.status == StatusCode::NOT_FOUND && !answer.body.is_object() {
        return format!(
            "the cluster does not know {kind} of {GROUP}/{VERSION}: install Millrace's definitions, which come with its chart"
        );
    }
    if answer.status == StatusCode::NOT_FOUND && answer.body["details"]["kind"] == "namespaces" {
        return format!(
            "there is no namespace `{namespace}`: create it before the plan, or write another with --namespace"
        );
    }
    match answer.body["message"].as_str() {
        Some(words) => words.to_owned(),
        None => format!("the API server answers {}", answer.status),
    }
}

/// Whether a name can stand in a URL as it is.
fn is_segment(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.chars().all(allowed)
}
