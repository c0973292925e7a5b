use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::kafka::{Credentials, KafkaError};

/// Mutual TLS as the cluster's super user.
pub(super) fn connector(credentials: &Credentials) -> Result<TlsConnector, KafkaError> {
    let config = config(credentials).map_err(|error| {
        KafkaError::Unreachable(format!("the operator's certificate is of no use: {error}"))
    })?;
    Ok(TlsConnector::from(Arc::new(config)))
}

fn config(
    credentials: &Credentials,
) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(credentials.ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    let chain = CertificateDer::pem_slice_iter(credentials.certificate_pem.as_bytes())
        .collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(credentials.key_pem.as_bytes())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    Ok(config)
}
