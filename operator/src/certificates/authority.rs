use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::{LeafRequest, Pair};
use crate::error::Error;

const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// Certificates begin a little in the past: the clocks of the machines that check them may be behind.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A certificate authority: it lives 10 years and signs certificates that live 1 year.
#[derive(Clone, Debug)]
pub struct Authority {
    pair: Pair,
}

impl Authority {
    /// Makes a new one. `common_name` is what a person sees who looks at the certificate.
    ///
    /// # Errors
    /// [`Error::Certificate`] when the machine yields no randomness.
    pub fn generate(common_name: &str, now: Timestamp) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_life(&mut params, now, AUTHORITY_LIFE);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self {
            pair: Pair {
                certificate_pem: certificate.pem(),
                key_pem: key.serialize_pem(),
            },
        })
    }

    /// Takes up one that was made before.
    ///
    /// # Errors
    /// [`Error::Certificate`] when `pair` is not a certificate and a key in PEM.
    pub fn from_pair(pair: Pair) -> Result<Self, Error> {
        let authority = Self { pair };
        authority.issuer()?;
        Ok(authority)
    }

    /// The authority's own certificate and key.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Signs a new certificate for a new key.
    ///
    /// # Errors
    /// [`Error::Certificate`] when a DNS name is none, or the machine yields no randomness.
    pub fn issue(&self, request: &LeafRequest, now: Timestamp) -> Result<Pair, Error> {
        let mut params =
            CertificateParams::new(request.dns_names.iter().cloned().collect::<Vec<_>>())
                .map_err(failed)?;
        params.distinguished_name = named(&request.common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        set_life(&mut params, now, LEAF_LIFE);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer()?).map_err(failed)?;
        Ok(Pair {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, Error> {
        let key = KeyPair::from_pem(&self.pair.key_pem).map_err(failed)?;
        Issuer::from_ca_cert_pem(&self.pair.certificate_pem, key).map_err(failed)
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn set_life(params: &mut CertificateParams, now: Timestamp, life: SignedDuration) {
    params.not_before = SystemTime::from(now - CLOCK_SKEW).into();
    params.not_after = SystemTime::from(now + life).into();
}

fn failed(error: rcgen::Error) -> Error {
    Error::Certificate(error.to_string())
}
