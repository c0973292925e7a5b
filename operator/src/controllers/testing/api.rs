use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use futures::stream;
use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::kafka::Fuse;

/// Namespace and name of an object; the namespace is empty for a Namespace.
type Key = (String, String, String);
/// Told each write, such as `topics/status`; gives the code to fail it with, 0 for a connection that breaks.
type Trouble = Arc<dyn Fn(&str) -> Option<u16> + Send + Sync>;

/// An API server in memory: lists and watches by label, gets, and server-side applies of objects, their status and finalizers. Of the rules of
/// server-side apply it has what the operator relies on: a resource version or uid that does not match is a conflict, an apply that
/// changes nothing makes no new version, and an object that is being deleted goes with its last finalizer.
#[derive(Clone)]
pub struct FakeApi {
    inner: Arc<Mutex<Inner>>,
    latest: watch::Sender<u64>,
    fuse: Fuse,
}

#[derive(Default)]
struct Inner {
    version: u64,
    created: i64,
    objects: BTreeMap<Key, Value>,
    history: Vec<(u64, String, Value)>,
    events: Vec<Value>,
    writes: BTreeMap<String, usize>,
    trouble: Option<Trouble>,
}

impl FakeApi {
    /// An empty one, whose client dies at `fuse`.
    pub fn new(fuse: Fuse) -> Self {
        Self {
            inner: Arc::default(),
            latest: watch::channel(0).0,
            fuse,
        }
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { api.answer(request).await }
        });
        Client::new(service, "default")
    }

    /// Creates an object, or edits the spec, data, labels and annotations of the one that is there.
    pub fn put(&self, plural: &str, mut object: Value) {
        let mut inner = self.lock();
        let text = |field: &str| {
            object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let key = (plural.to_owned(), text("namespace"), text("name"));
        match inner.objects.get(&key) {
            Some(known) => {
                let mut edited = known.clone();
                if edited["spec"] != object["spec"] {
                    let generation = edited["metadata"]["generation"].as_i64().unwrap_or(0);
                    edited["metadata"]["generation"] = json!(generation + 1);
                }
                for field in ["spec", "data"] {
                    if object.get(field).is_some() {
                        edited[field] = object[field].take();
                    }
                }
                for field in ["annotations", "labels"] {
                    edited["metadata"][field] = object["metadata"][field].take();
                }
                inner.store(&key, edited);
            }
            None => {
                inner.created += 1;
                let created = Timestamp::from_second(1_700_000_000 + inner.created).unwrap();
                let metadata = &mut object["metadata"];
                metadata["uid"] = json!(format!("uid-{}", inner.created));
                metadata["generation"] = json!(1);
                metadata["creationTimestamp"] = json!(created.to_string());
                inner.store(&key, object);
            }
        }
        self.tell(&inner);
    }

    /// Puts a finalizer of somebody else on an object.
    pub fn hold(&self, plural: &str, namespace: &str, name: &str) {
        let mut inner = self.lock();
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        if let Some(mut object) = inner.objects.get(&key).cloned() {
            object["metadata"]["finalizers"] = json!(["example.org/held"]);
            inner.store(&key, object);
        }
        self.tell(&inner);
    }

    /// Asks for an object to be deleted: it goes at once, or with its last finalizer.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let mut inner = self.lock();
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        let Some(mut object) = inner.objects.get(&key).cloned() else {
            return;
        };
        object["metadata"]["deletionTimestamp"] = json!("2024-01-01T00:00:00Z");
        inner.store(&key, object);
        self.tell(&inner);
    }

    /// An object as it is stored.
    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        self.lock().objects.get(&key).cloned()
    }

    /// The notes of the events that were published, from the first.
    pub fn events(&self) -> Vec<String> {
        let inner = self.lock();
        let notes = inner.events.iter();
        notes
            .filter_map(|event| event["note"].as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// Fails writes from now on, as `trouble` says: told each, such as `topics/status`, it gives the code to fail it with, 0 for a
    /// connection that breaks.
    pub fn fail(&self, trouble: impl Fn(&str) -> Option<u16> + Send + Sync + 'static) {
        self.lock().trouble = Some(Arc::new(trouble));
    }

    /// Fails writes no longer.
    pub fn mend(&self) {
        self.lock().trouble = None;
    }

    /// Writes that were not failed, by kind, since this was last asked.
    pub fn take_writes(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.lock().writes)
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    async fn answer(&self, request: Request<kube::client::Body>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let path = Path::parse(head.uri.path());
        let query = head.uri.query().unwrap_or_default();
        let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let labels = Labels::parse(query.get("labelSelector"));
        if head.method == Method::GET {
            return Ok(match (&path.name, query.get("watch").map(String::as_str)) {
                (Some(_), _) => self.found(&path),
                (None, Some("true")) => self.watch(&path, labels, &query),
                (None, _) => self.list(&path, &labels),
            });
        }
        let write = path.write();
        let trouble = self.lock().trouble.clone();
        match trouble.and_then(|trouble| trouble(&write)) {
            Some(0) => return Err(io::Error::other("connection reset")),
            Some(code) => {
                return Ok(failure(StatusCode::from_u16(code).unwrap(), "Trouble"));
            }
            None => *self.lock().writes.entry(write).or_default() += 1,
        }
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        let sent: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if path.plural == "events" {
            self.lock().events.push(sent.clone());
            return Ok(answer(StatusCode::CREATED, &sent));
        }
        self.fuse.pass().await;
        let answer = match head.method {
            Method::PATCH => self.apply(&path, sent),
            _ => failure(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        };
        self.fuse.pass().await;
        Ok(answer)
    }

    fn found(&self, path: &Path) -> Response<Body> {
        match self.lock().objects.get(&path.key()) {
            Some(object) => answer(StatusCode::OK, object),
            None => failure(StatusCode::NOT_FOUND, "NotFound"),
        }
    }

    fn list(&self, path: &Path, labels: &Labels) -> Response<Body> {
        let inner = self.lock();
        let of_kind = inner.objects.iter().filter(|(key, _)| key.0 == path.plural);
        let items: Vec<&Value> = of_kind
            .map(|(_, object)| object)
            .filter(|object| labels.select(object))
            .collect();
        let list = json!({
            "apiVersion": path.api_version, "kind": "List",
            "metadata": { "resourceVersion": inner.version.to_string() }, "items": items,
        });
        answer(StatusCode::OK, &list)
    }

    fn watch(
        &self,
        path: &Path,
        labels: Labels,
        query: &HashMap<String, String>,
    ) -> Response<Body> {
        let since = query.get("resourceVersion").and_then(|v| v.parse().ok());
        let state = (self.clone(), self.latest.subscribe(), since.unwrap_or(0));
        let plural = path.plural.clone();
        let lines = stream::unfold(state, move |(api, mut latest, since)| {
            let (plural, labels) = (plural.clone(), labels.clone());
            async move {
                loop {
                    latest.borrow_and_update();
                    let (lines, seen) = api.lock().since(&plural, &labels, since);
                    if !lines.is_empty() {
                        return Some((
                            Ok::<_, Infallible>(Bytes::from(lines)),
                            (api, latest, seen),
                        ));
                    }
                    latest.changed().await.ok()?;
                }
            }
        });
        Response::new(Body::from_stream(lines))
    }

    fn apply(&self, path: &Path, sent: Value) -> Response<Body> {
        let mut inner = self.lock();
        let key = path.key();
        let known = inner.objects.get(&key).cloned();
        let Some(known) = known.or_else(|| (path.plural == "configmaps").then(|| sent.clone()))
        else {
            return failure(StatusCode::NOT_FOUND, "NotFound");
        };
        for field in ["resourceVersion", "uid"] {
            let (is, named) = (&known["metadata"][field], &sent["metadata"][field]);
            if named.is_string() && is != named {
                return failure(StatusCode::CONFLICT, "Conflict");
            }
        }
        let mut object = known.clone();
        match path.subresource.as_deref() {
            Some("status") => object["status"] = sent["status"].clone(),
            _ if path.plural == "configmaps" => {
                object["data"] = sent["data"].clone();
                object["metadata"]["uid"] = json!("config-map");
            }
            _ => object["metadata"]["finalizers"] = sent["metadata"]["finalizers"].clone(),
        }
        if inner.store(&key, object.clone()) {
            self.tell(&inner);
        }
        answer(StatusCode::OK, inner.objects.get(&key).unwrap_or(&object))
    }

    fn tell(&self, inner: &Inner) {
        self.latest.send_replace(inner.version);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Stores an object, or lets it go; says whether that changed anything.
    fn store(&mut self, key: &Key, mut object: Value) -> bool {
        if self.objects.get(key) == Some(&object) {
            return false;
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let metadata = &object["metadata"];
        let held = metadata["finalizers"]
            .as_array()
            .is_some_and(|f| !f.is_empty());
        let kind = match metadata["deletionTimestamp"].is_string() && !held {
            true => {
                self.objects.remove(key);
                "DELETED"
            }
            false => match self.objects.insert(key.clone(), object.clone()) {
                Some(_) => "MODIFIED",
                None => "ADDED",
            },
        };
        let event = json!({ "type": kind, "object": object });
        self.history.push((self.version, key.0.clone(), event));
        true
    }

    fn since(&self, plural: &str, labels: &Labels, version: u64) -> (String, u64) {
        let from = self.history.partition_point(|(at, _, _)| *at <= version);
        let later = self.history[from..]
            .iter()
            .filter(|(_, of, _)| of == plural)
            .filter(|(_, _, event)| labels.select(&event["object"]));
        let lines = later.map(|(_, _, event)| format!("{event}\n")).collect();
        (lines, self.version)
    }
}

/// Labels that an object must have.
#[derive(Clone)]
struct Labels(Vec<(String, String)>);

impl Labels {
    fn parse(selector: Option<&String>) -> Self {
        let pairs = selector.map_or("", String::as_str).split(',');
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(label, value)| (label.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    fn select(&self, object: &Value) -> bool {
        let has = &object["metadata"]["labels"];
        self.0.iter().all(|(label, value)| has[label] == **value)
    }
}

struct Path {
    api_version: String,
    plural: String,
    namespace: String,
    name: Option<String>,
    subresource: Option<String>,
}

impl Path {
    fn parse(path: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (api_version, rest) = match parts[0] {
            "api" => (parts[1].to_owned(), &parts[2..]),
            _ => (format!("{}/{}", parts[1], parts[2]), &parts[3..]),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        Self {
            api_version,
            plural: rest[0].to_owned(),
            namespace: namespace.to_owned(),
            name: rest.get(1).map(|part| (*part).to_owned()),
            subresource: rest.get(2).map(|part| (*part).to_owned()),
        }
    }

    /// What a write is, such as `topics/status`.
    fn write(&self) -> String {
        match &self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.plural),
            None => self.plural.clone(),
        }
    }

    fn key(&self) -> Key {
        let name = self.name.clone().unwrap_or_default();
        (self.plural.clone(), self.namespace.clone(), name)
    }
}

fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
}

fn failure(status: StatusCode, reason: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": status.as_u16(),
        "details": { "retryAfterSeconds": u8::from(status == StatusCode::TOO_MANY_REQUESTS) },
    });
    answer(status, &body)
}
