//! Confluent's registry as its API documents it, over HTTP on the loopback: bodies, statuses and error codes are its own. It judges Avro.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{Method, Response},
};
use millrace_crds::SchemaType;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Against, Confluent, NewSchema, Reference, Registered, level,
    memory::{Flavour, Memory, Refusal},
};

/// A registry, and what it was asked.
#[derive(Clone)]
pub(crate) struct Stub {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    memory: Memory,
    /// What is answered instead, by method and beginning of the path, each once.
    instead: Vec<Instead>,
    heard: Vec<Heard>,
    /// Fields that every answer has beside Confluent's.
    more: Value,
}

struct Instead {
    method: Method,
    begins: String,
    status: u16,
    body: String,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub method: Method,
    /// With the query.
    pub path: String,
    pub body: Value,
}

impl Heard {
    /// Whether it would write.
    fn writes(&self) -> bool {
        let registers = self.path.starts_with("/subjects") && self.path.contains("/versions");
        match self.method {
            Method::POST => registers,
            Method::GET => false,
            _ => true,
        }
    }
}

impl Stub {
    /// An empty one.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            inner: Arc::new(Mutex::new(Inner {
                memory: Memory::new(Flavour::Confluent),
                instead: Vec::new(),
                heard: Vec::new(),
                more: json!({}),
            })),
        };
        let app = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        stub
    }

    /// The client of it that the operator has.
    pub(crate) fn client(&self) -> Confluent {
        Confluent::new(Client::new(), &self.url)
    }

    /// Answers the next request of `method` whose path begins so with this.
    pub(crate) fn answer_once(&self, method: Method, begins: &str, status: u16, body: &Value) {
        self.lock().instead.push(Instead {
            method,
            begins: begins.to_owned(),
            status,
            body: body.to_string(),
        });
    }

    /// Adds these fields to every answer that is an object.
    pub(crate) fn add_to_answers(&self, more: Value) {
        self.lock().more = more;
    }

    /// What it holds, to do by hand what others do, or what a fault of the registry does.
    pub(crate) fn memory<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(&mut self.lock().memory)
    }

    /// What it was asked, from the first.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.lock().heard.clone()
    }

    /// What was to be written since it was last asked this, as `METHOD path` without the query.
    pub(crate) fn take_writes(&self) -> Vec<String> {
        let heard = std::mem::take(&mut self.lock().heard);
        let writes = heard.iter().filter(|heard| heard.writes());
        writes
            .map(|heard| {
                let path = heard.path.split('?').next().unwrap_or_default();
                match heard.body["compatibility"].as_str() {
                    Some(level) => format!("{} {path} {level}", heard.method),
                    None => format!("{} {path}", heard.method),
                }
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

async fn answer(State(stub): State<Stub>, request: Request) -> Response<String> {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().unwrap().to_string();
    let query: HashMap<String, String> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut inner = stub.lock();
    inner.heard.push(Heard {
        method: head.method.clone(),
        path: path.clone(),
        body: body.clone(),
    });
    let instead = inner
        .instead
        .iter()
        .position(|i| i.method == head.method && path.starts_with(&i.begins));
    if let Some(at) = instead {
        let Instead { status, body, .. } = inner.instead.remove(at);
        return respond(status, body);
    }
    let segments: Vec<String> = head.uri.path().split('/').skip(1).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (status, mut body) = match inner.answer(&head.method, &segments, &query, &body) {
        Ok(body) => (200, body),
        Err(Refusal { code, message }) => (
            status_of(code),
            json!({ "error_code": code, "message": message }),
        ),
    };
    if let (Some(body), Some(more)) = (body.as_object_mut(), inner.more.as_object()) {
        more.iter().for_each(|(field, value)| {
            body.entry(field.clone()).or_insert_with(|| value.clone());
        });
    }
    respond(status, body.to_string())
}

impl Inner {
    fn answer(
        &mut self,
        method: &Method,
        path: &[&str],
        query: &HashMap<String, String>,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let memory = &mut self.memory;
        match (method.as_str(), path) {
            ("GET", ["subjects", subject, "versions"]) => match memory.versions(subject) {
                none if none.is_empty() => Err(not_found(subject)),
                versions => Ok(json!(versions)),
            },
            ("POST", ["subjects", subject]) => {
                let new = sent(body);
                if memory.versions(subject).is_empty() {
                    return Err(not_found(subject));
                }
                let Registered { id, version } = memory
                    .find(subject, &new)?
                    .ok_or_else(|| refused(40403, "Schema not found"))?;
                Ok(json!({ "subject": subject, "id": id, "version": version, "schema": new.text }))
            }
            ("POST", ["subjects", subject, "versions"]) => {
                let (Registered { id, .. }, _) = memory.register(subject, &sent(body))?;
                Ok(json!({ "id": id }))
            }
            ("DELETE", ["subjects", subject]) => match query.get("permanent") {
                Some(permanent) if permanent == "true" => memory.delete_for_good(subject),
                _ => memory.delete_softly(subject),
            }
            .map(|versions| json!(versions)),
            ("POST", ["compatibility", "subjects", subject, "versions", which @ ..]) => {
                let against = match which {
                    [] => memory.asked(subject),
                    _ => Against::Latest,
                };
                let messages = memory.judge(subject, &sent(body), against)?;
                Ok(json!({ "is_compatible": messages.is_empty(), "messages": messages }))
            }
            ("GET", ["config", subject]) => {
                let level = match query.get("defaultToGlobal") {
                    Some(default) if default == "true" => Some(memory.level(subject)),
                    _ => memory.own_level(subject),
                };
                let words = format!(
                    "Subject '{subject}' does not have subject-level compatibility configured"
                );
                let level = level.ok_or_else(|| refused(40408, &words))?;
                Ok(json!({ "compatibilityLevel": level::word(level) }))
            }
            ("PUT", ["config", subject]) => {
                let word = body["compatibility"].as_str().unwrap_or_default();
                let level = level::parse(word)
                    .ok_or_else(|| refused(42203, "Invalid compatibility level"))?;
                memory.set_level(subject, Some(level));
                Ok(json!({ "compatibility": word }))
            }
            _ => Err(refused(404, "HTTP 404 Not Found")),
        }
    }
}

/// A schema as clients send it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    schema: String,
    #[serde(default)]
    references: Vec<SentReference>,
}

#[derive(Deserialize)]
struct SentReference {
    name: String,
    subject: String,
    version: i32,
}

fn sent(body: &Value) -> NewSchema {
    let sent: Sent = serde_json::from_value(body.clone()).expect("a body of Confluent's API");
    let references = sent.references.into_iter().map(|reference| Reference {
        name: reference.name,
        subject: reference.subject,
        version: reference.version,
    });
    NewSchema {
        schema_type: SchemaType::Avro,
        text: sent.schema,
        references: references.collect(),
    }
}

fn decoded(segment: &str) -> String {
    let pair = format!("s={}", segment.replace('+', "%2B"));
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs.next().unwrap().1.into_owned()
}

/// Confluent's codes begin with the status that they come with.
fn status_of(code: u32) -> u16 {
    let status = if code > 999 { code / 100 } else { code };
    u16::try_from(status).unwrap()
}

fn not_found(subject: &str) -> Refusal {
    refused(40401, &format!("Subject '{subject}' not found."))
}

fn refused(code: u32, message: &str) -> Refusal {
    Refusal {
        code,
        message: message.to_owned(),
    }
}

fn respond(status: u16, body: String) -> Response<String> {
    Response::builder().status(status).body(body).unwrap()
}
