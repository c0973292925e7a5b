use std::collections::BTreeSet;

use jiff::Timestamp;
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, parse_x509_certificate, pem::Pem,
};

use super::LeafRequest;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// For whom and for which hosts it is.
    pub subject: LeafRequest,
    /// First moment it is valid.
    pub not_before: Timestamp,
    /// Last moment it is valid.
    pub not_after: Timestamp,
    /// Whether the authority asked about signed it.
    pub signed: bool,
}

/// Reads a certificate; None when it, or that of the authority, is not one.
pub fn inspect(certificate_pem: &str, authority_pem: &str) -> Option<Facts> {
    let (certificate_pem, authority_pem) = (block(certificate_pem)?, block(authority_pem)?);
    let (_, certificate) = parse_x509_certificate(&certificate_pem.contents).ok()?;
    let (_, authority) = parse_x509_certificate(&authority_pem.contents).ok()?;
    let validity = certificate.validity();
    Some(Facts {
        subject: LeafRequest {
            common_name: common_name(&certificate)?,
            dns_names: dns_names(&certificate),
        },
        not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
        not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
        signed: certificate
            .verify_signature(Some(authority.public_key()))
            .is_ok(),
    })
}

/// The first certificate of a PEM file; a key may stand before it.
fn block(pem: &str) -> Option<Pem> {
    Pem::iter_from_buffer(pem.as_bytes())
        .flatten()
        .find(|block| block.label == "CERTIFICATE")
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}

fn dns_names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| {
            if let GeneralName::DNSName(dns) = name {
                Some((*dns).to_owned())
            } else {
                None
            }
        })
        .collect()
}
