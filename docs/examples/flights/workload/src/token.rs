//! Authentication with a token that something else keeps fresh in a file, as the kubelet does.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use serde::Deserialize;

/// Answers librdkafka's question for an OAUTHBEARER token with the file's content of that moment.
pub struct TokenFile {
    path: PathBuf,
}

/// The claims that librdkafka wants to know; the broker checks all of them.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds since 1970.
    exp: i64,
}

impl TokenFile {
    /// A token in JWT's compact form in the file `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn read(&self) -> Result<OAuthToken> {
        let token = fs::read_to_string(&self.path)
            .with_context(|| format!("cannot read the token {}", self.path.display()))?
            .trim()
            .to_owned();
        let claims =
            claims(&token).with_context(|| format!("{} holds no JWT", self.path.display()))?;
        Ok(OAuthToken {
            token,
            principal_name: claims.sub,
            lifetime_ms: claims.exp * 1000,
        })
    }
}

fn claims(token: &str) -> Result<Claims> {
    let payload = token.split('.').nth(1).context("there is no second part")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

impl ClientContext for TokenFile {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        Ok(self.read()?)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        eprintln!("{level:?} {facility} {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("{error}: {reason}");
    }
}

/// For a transactional producer: whether a record arrived is the transaction's answer.
impl ProducerContext for TokenFile {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, (): ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_are_read_from_the_second_part() {
        let payload = URL_SAFE_NO_PAD
            .encode(r#"{"sub":"system:serviceaccount:flights:producer","exp":1385000000}"#);
        let claims = claims(&format!("header.{payload}.signature")).unwrap();
        assert_eq!(claims.sub, "system:serviceaccount:flights:producer");
        assert_eq!(claims.exp, 1_385_000_000);
    }

    #[test]
    fn something_else_is_refused() {
        assert!(claims("not a token").is_err());
        assert!(claims("a.!.c").is_err());
    }
}
