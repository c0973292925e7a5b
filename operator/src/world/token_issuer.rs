use std::time::{Duration, Instant};

use axum::http::Request;
use kube::Client;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::Error;

/// How old an answer may be. New keys are published before they sign, and the nodes' ConfigMap takes a minute more to reach them.
const FRESH: Duration = Duration::from_secs(55);

/// Who signs ServiceAccount tokens, and with which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
    /// The tokens' `iss`.
    pub issuer: String,
    /// The keys, a JSON Web Key Set (RFC 7517).
    pub jwks: String,
}

/// What the API server says of its tokens (OpenID Connect Discovery 1.0). One answer serves all clusters.
#[derive(Debug, Default)]
pub struct TokenIssuers(Mutex<Option<(Instant, TokenIssuer)>>);

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl TokenIssuers {
    /// The issuer and its keys, asked for again when the last answer is a minute old.
    ///
    /// # Errors
    /// When the API server does not answer, or does not let the operator read these two documents.
    pub async fn get(&self, client: &Client) -> Result<TokenIssuer, Error> {
        let mut known = self.0.lock().await;
        if let Some((asked, issuer)) = known.as_ref()
            && asked.elapsed() < FRESH
        {
            return Ok(issuer.clone());
        }
        let discovery: Discovery =
            serde_json::from_str(&document(client, "/.well-known/openid-configuration").await?)?;
        let issuer = TokenIssuer {
            issuer: discovery.issuer,
            jwks: document(client, "/openid/v1/jwks").await?,
        };
        *known = Some((Instant::now(), issuer.clone()));
        Ok(issuer)
    }
}

async fn document(client: &Client, path: &str) -> Result<String, Error> {
    let mut request = Request::new(Vec::new());
    *request.uri_mut() = path
        .parse()
        .map_err(|error| kube::Error::HttpError(axum::http::Error::from(error)))?;
    Ok(client.request_text(request).await?)
}
