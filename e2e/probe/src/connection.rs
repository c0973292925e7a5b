//! Who connects, and where: by client certificate, or by token.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use krafka::Kafka;
use krafka::admin::AdminClient;
use krafka::auth::{AuthConfig, TlsConfig};
use millrace_operator::kafka::{Credentials, KrafkaAdmin};
use millrace_operator::telemetry::Metrics;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::failure::Failure;

/// The token's broker is the judge of its age: librdkafka need not ask for another one while a command runs.
const LIFETIME_MS: i64 = 4_102_444_800_000;

#[derive(Args, Clone)]
pub struct Access {
    /// HOST:PORT, with commas between.
    #[arg(
        long,
        global = true,
        env = "BOOTSTRAP",
        default_value = "localhost:9092"
    )]
    bootstrap: String,
    /// The cluster's CA, PEM.
    #[arg(
        long,
        global = true,
        env = "CA",
        default_value = "/etc/kafka/certs/ca.crt"
    )]
    ca: PathBuf,
    /// File with an OAUTHBEARER token.
    #[arg(long, global = true, conflicts_with_all = ["cert", "key"])]
    token_file: Option<PathBuf>,
    /// Client certificate, PEM.
    #[arg(long, global = true, requires = "key")]
    cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, global = true, requires = "cert")]
    key: Option<PathBuf>,
}

impl Access {
    /// For librdkafka, with the context that goes with it.
    pub fn client_config(&self) -> Result<(ClientConfig, Identity), Failure> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("ssl.ca.location", self.ca.display().to_string());
        let mut token = None;
        match (&self.token_file, &self.cert, &self.key) {
            (Some(file), ..) => {
                config
                    .set("security.protocol", "SASL_SSL")
                    .set("sasl.mechanisms", "OAUTHBEARER");
                token = Some(read(file)?.trim().to_owned());
            }
            (None, Some(cert), Some(key)) => {
                config
                    .set("security.protocol", "SSL")
                    .set("ssl.certificate.location", cert.display().to_string())
                    .set("ssl.key.location", key.display().to_string());
            }
            _ => return Err(neither()),
        }
        let refused = Arc::default();
        Ok((config, Identity { token, refused }))
    }

    /// For what librdkafka has no call for.
    pub async fn admin(&self) -> Result<AdminClient, Failure> {
        Ok(self.kafka().await?.admin())
    }

    /// For what librdkafka cannot do.
    pub async fn kafka(&self) -> Result<Kafka, Failure> {
        let tls = TlsConfig::new().with_ca_cert_pem(read(&self.ca)?);
        let auth = match (&self.token_file, &self.cert, &self.key) {
            (Some(file), ..) => AuthConfig::sasl_oauthbearer(read(file)?.trim()).with_tls(tls),
            (None, Some(cert), Some(key)) => {
                AuthConfig::ssl(tls.with_client_cert_pem(read(cert)?, read(key)?.into_bytes()))
            }
            _ => return Err(neither()),
        };
        let kafka = Kafka::builder(self.bootstrap.as_str())
            .security(auth)
            .connect()
            .await?;
        Ok(kafka)
    }

    /// The operator's own client, as the super user.
    pub fn operator_admin(&self) -> Result<KrafkaAdmin, Failure> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else {
            return Err(Failure::local("give --cert and --key"));
        };
        let credentials = Credentials {
            bootstrap_servers: self.bootstrap.clone(),
            ca_pem: read(&self.ca)?,
            certificate_pem: read(cert)?,
            key_pem: read(key)?,
        };
        Ok(KrafkaAdmin::new(&credentials, &Metrics::default())?)
    }
}

fn neither() -> Failure {
    Failure::local("give either --token-file, or --cert and --key")
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::local(format!("cannot read {}: {error}", path.display())))
}

/// Hands the token over, and keeps the brokers' answer to it, which librdkafka tells in a callback only.
#[derive(Clone)]
pub struct Identity {
    token: Option<String>,
    refused: Arc<Mutex<Option<RDKafkaErrorCode>>>,
}

impl Identity {
    /// Whether the brokers refused to know the caller.
    pub fn check(&self) -> Result<(), Failure> {
        match *self.refused.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(code) => Err(code.into()),
            None => Ok(()),
        }
    }
}

impl ClientContext for Identity {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(
        &self,
        _config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let token = self.token.clone().ok_or("there is no token")?;
        Ok(OAuthToken {
            token,
            principal_name: String::new(),
            lifetime_ms: LIFETIME_MS,
        })
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        eprintln!("{level:?} {facility} {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("{error}: {reason}");
        if let Some(code @ (RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)) =
            error.rdkafka_error_code()
        {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
        }
    }
}

impl ConsumerContext for Identity {}
