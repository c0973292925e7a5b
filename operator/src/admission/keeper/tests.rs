//! The certificate over many years, with an API server in memory: at each write, what the replicas serve with is trusted.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Parser;
use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::{certificates::inspect, telemetry::Metrics};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What the API server has, and what replicas serve with.
#[derive(Default)]
struct Stored {
    secret: Option<Value>,
    bundle: String,
    serves: Option<String>,
    /// How many certificates were served in turn.
    served: usize,
    refuses_the_next_secret: bool,
}

#[derive(Clone, Default)]
struct ApiServer(Arc<Mutex<Stored>>);

impl ApiServer {
    fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(service, "default")
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }

    async fn answer(&self, request: Request<kube::client::Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut stored = self.stored();
        let secrets = head.uri.path().contains("/secrets/");
        match (head.method == Method::PATCH, secrets) {
            (true, true) if std::mem::take(&mut stored.refuses_the_next_secret) => {
                return respond(500, &json!({ "code": 500, "message": "etcd is away" }));
            }
            (true, true) => stored.secret = Some(sent),
            (true, false) => {
                let bundle = sent[1]["value"].as_str().unwrap();
                stored.bundle = String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap();
            }
            _ => {}
        }
        stored.check();
        match (secrets, &stored.secret) {
            (true, Some(secret)) => respond(200, secret),
            (true, None) => respond(404, &json!({ "code": 404, "reason": "NotFound" })),
            (false, _) => respond(200, &stored.configuration()),
        }
    }
}

impl Stored {
    /// Lets the replicas take up what the Secret has, as they do at once, and sees that it is trusted.
    fn check(&mut self) {
        let secret = self.secret.clone().map(serde_json::from_value::<Secret>);
        let material = secret.and_then(|secret| Material::of(&secret.unwrap()));
        if let Some(served) = material.and_then(|material| material.served())
            && self.serves.as_ref() != Some(&served.certificate_pem)
        {
            self.serves = Some(served.certificate_pem);
            self.served += 1;
        }
        let Some(serves) = &self.serves else {
            return;
        };
        let mut trusted = self.bundle.split_inclusive("-----END CERTIFICATE-----\n");
        let signed = |authority| inspect(serves, authority).is_some_and(|facts| facts.signed);
        assert!(trusted.any(signed), "what is served is not trusted");
    }

    fn configuration(&self) -> Value {
        let mut client =
            json!({ "service": { "name": "millrace-webhook", "namespace": "millrace" } });
        if !self.bundle.is_empty() {
            client["caBundle"] = json!(STANDARD.encode(&self.bundle));
        }
        json!({
            "metadata": { "name": "millrace" },
            "webhooks": [{
                "name": "validate.millrace.dev", "clientConfig": client,
                "admissionReviewVersions": ["v1"], "sideEffects": "None",
            }],
        })
    }
}

fn respond(status: u16, body: &Value) -> Response<Body> {
    let response = Response::builder().status(status);
    response.body(Body::from(body.to_string())).unwrap()
}

fn config() -> Config {
    Config::parse_from([
        "millrace-operator",
        "--broker-image=broker",
        "--registry-image=registry",
        "--namespace=millrace",
        "--pod-name=millrace-0",
    ])
}

/// Keeps the certificate of `api` from `now` until no pass is due soon; says when that is.
async fn kept(api: &ApiServer, mut now: Timestamp) -> Timestamp {
    let (client, config, writes) = (api.client(), config(), Writes::new(Metrics::default()));
    let keeper = Keeper {
        client: &client,
        config: &config,
        writes: &writes,
    };
    for _ in 0..100 {
        let next = keeper.keep(now).await;
        match next {
            Ok(PERIOD) => return now,
            _ => now += SignedDuration::from_secs(5),
        }
    }
    panic!("it is never settled");
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn what_is_served_is_trusted_and_valid_for_fifteen_years() {
    let api = ApiServer::default();
    for week in 0..15 * 52 {
        let now = kept(&api, start() + DAY * 7 * week).await;
        let stored = api.stored();
        let authority = stored.bundle.split_inclusive("-----END CERTIFICATE-----\n");
        let serves = stored.serves.as_ref().unwrap();
        let mut facts = authority.filter_map(|authority| inspect(serves, authority));
        assert!(
            facts.any(|facts| facts.signed && now < facts.not_after),
            "week {week}"
        );
        assert!(stored.bundle.matches("BEGIN").count() <= 2, "week {week}");
    }
    assert!(api.stored().served > 20);
}

#[tokio::test]
async fn a_secret_that_is_deleted_is_made_again_while_what_is_served_stays_trusted() {
    let api = ApiServer::default();
    let mut now = kept(&api, start()).await;
    for deletions in 1..=3 {
        let served = api.stored().serves.clone();
        api.stored().secret = None;
        let later = kept(&api, now + DAY).await;
        assert!(
            later > now + DAY + SignedDuration::from_secs(20),
            "the new authority waits"
        );
        assert_ne!(api.stored().serves, served);
        assert_eq!(api.stored().served, deletions + 1);
        now = later;
    }
}

#[tokio::test]
async fn a_keeper_that_dies_between_its_writes_leaves_what_is_served_trusted() {
    let api = ApiServer::default();
    let now = kept(&api, start()).await;
    api.stored().secret = None;
    api.stored().refuses_the_next_secret = true;
    let now = kept(&api, now + DAY).await;
    assert_eq!(api.stored().served, 2);
    api.stored().refuses_the_next_secret = true;
    kept(&api, now + DAY * 365 * 8).await;
    assert_eq!(api.stored().served, 3);
}
