use std::{fmt, sync::Arc, time::Duration};

use krafka::{
    Kafka,
    admin::AdminClient,
    auth::{AuthConfig, TlsConfig},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{sync::Mutex, time::timeout};

use super::failure;
use crate::kafka::{Credentials, KafkaError};

/// What a broker's audit and quotas know the operator by.
pub(super) const CLIENT_ID: &str = "millrace-operator";

/// Bound of every call, its retries included.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection to a cluster: made when first needed, shared by all calls, made anew after [`Connection::forget`].
pub(super) struct Connection {
    credentials: Credentials,
    client: Mutex<Option<Arc<AdminClient>>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credentials.fmt(f)
    }
}

impl Connection {
    pub(super) fn new(credentials: &Credentials) -> Result<Self, KafkaError> {
        check(credentials)?;
        Ok(Self {
            credentials: credentials.clone(),
            client: Mutex::default(),
        })
    }

    pub(super) async fn client(&self) -> Result<Arc<AdminClient>, KafkaError> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let client = Arc::new(connect(&self.credentials).await?);
        *slot = Some(client.clone());
        Ok(client)
    }

    /// The next call resolves the bootstrap servers again: the nodes may have other addresses by then.
    pub(super) async fn forget(&self) {
        self.client.lock().await.take();
    }
}

async fn connect(credentials: &Credentials) -> Result<AdminClient, KafkaError> {
    let tls = TlsConfig::new()
        .with_ca_cert_pem(credentials.ca_pem.as_str())
        .with_client_cert_pem(
            credentials.certificate_pem.as_str(),
            credentials.key_pem.clone().into_bytes(),
        );
    let connecting = Kafka::builder(credentials.bootstrap_servers.as_str())
        .client_id(CLIENT_ID)
        .security(AuthConfig::ssl(tls))
        .request_timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .connect();
    let kafka = timeout(CALL_TIMEOUT, connecting)
        .await
        .map_err(|_| {
            KafkaError::Unreachable(format!(
                "{} did not answer within {} s",
                credentials.bootstrap_servers,
                CALL_TIMEOUT.as_secs()
            ))
        })?
        .map_err(failure::of)?;
    Ok(kafka.admin().default_api_timeout(CALL_TIMEOUT))
}

fn check(credentials: &Credentials) -> Result<(), KafkaError> {
    let wrong = |what: &str| Err(KafkaError::Unreachable(what.to_owned()));
    if credentials.bootstrap_servers.trim().is_empty() {
        return wrong("no bootstrap servers are given");
    }
    if !is_certificates(&credentials.ca_pem) {
        return wrong("the cluster's authority is not a PEM certificate");
    }
    if !is_certificates(&credentials.certificate_pem) {
        return wrong("the operator's certificate is not a PEM certificate");
    }
    if PrivateKeyDer::from_pem_slice(credentials.key_pem.as_bytes()).is_err() {
        return wrong("the operator's key is not a PEM private key");
    }
    Ok(())
}

fn is_certificates(pem: &str) -> bool {
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).peekable();
    certificates.peek().is_some() && certificates.all(|certificate| certificate.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        Credentials {
            bootstrap_servers: "localhost:1".to_owned(),
            ca_pem: certificate.pem(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    #[test]
    fn says_which_part_of_the_credentials_is_wrong() {
        type Breaks = fn(&mut Credentials);
        assert!(Connection::new(&credentials()).is_ok());
        let broken: [(Breaks, &str); 4] = [
            (|c| c.bootstrap_servers.clear(), "no bootstrap servers"),
            (|c| c.ca_pem.clear(), "authority"),
            (
                |c| c.certificate_pem = "nonsense".to_owned(),
                "operator's certificate",
            ),
            (
                |c| c.key_pem = c.certificate_pem.clone(),
                "not a PEM private key",
            ),
        ];
        for (breaks, words) in broken {
            let mut credentials = credentials();
            breaks(&mut credentials);
            let error = Connection::new(&credentials).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn never_shows_the_key() {
        let shown = format!("{:?}", Connection::new(&credentials()).unwrap());
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }

    #[tokio::test]
    async fn a_cluster_that_is_not_there_is_unreachable() {
        let connection = Connection::new(&credentials()).unwrap();
        let error = connection.client().await.err().unwrap();
        assert!(matches!(error, KafkaError::Unreachable(_)), "{error}");
    }
}
