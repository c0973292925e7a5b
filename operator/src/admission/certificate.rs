use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::ObjectMeta;

use crate::{
    certificates::{Authority, LeafRequest, Pair, is_current},
    error::Error,
};

/// Name of the Secret in the operator's namespace.
pub(super) const SECRET: &str = "millrace-webhook-tls";
const AUTHORITIES: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY_NAME: &str = "millrace-webhook-ca";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// What a replica serves with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    pub certificate_pem: String,
    pub key_pem: String,
}

/// What the Secret holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    /// The authorities the API server shall trust: the one that signs, and the one before it.
    authorities: Vec<String>,
    authority_key: String,
    leaf: Pair,
}

impl Material {
    /// What a Secret holds, if it is whole.
    pub(super) fn of(secret: &Secret) -> Option<Self> {
        let data = secret.data.as_ref()?;
        let text = |key: &str| String::from_utf8(data.get(key)?.0.clone()).ok();
        let authorities: Vec<String> = split(&text(AUTHORITIES)?);
        (!authorities.is_empty()).then_some(())?;
        Some(Self {
            authorities,
            authority_key: text(AUTHORITY_KEY)?,
            leaf: Pair {
                certificate_pem: text(CERTIFICATE)?,
                key_pem: text(KEY)?,
            },
        })
    }

    /// The Secret that holds it.
    pub(super) fn secret(&self, namespace: &str) -> Secret {
        let data = [
            (AUTHORITIES, self.bundle()),
            (AUTHORITY_KEY, self.authority_key.clone()),
            (CERTIFICATE, self.leaf.certificate_pem.clone()),
            (KEY, self.leaf.key_pem.clone()),
        ];
        let labels = [
            ("app.kubernetes.io/name", "millrace"),
            ("app.kubernetes.io/component", "webhook"),
            ("app.kubernetes.io/part-of", "millrace"),
            ("app.kubernetes.io/managed-by", "millrace"),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                namespace: Some(namespace.to_owned()),
                labels: Some(
                    labels
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .into(),
                ),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            data: Some(BTreeMap::from(data.map(|(key, text)| {
                (key.to_owned(), ByteString(text.into_bytes()))
            }))),
            ..Secret::default()
        }
    }

    /// What the API server shall trust, in PEM.
    pub(super) fn bundle(&self) -> String {
        self.authorities.concat()
    }

    pub(super) fn served(&self) -> Served {
        Served {
            certificate_pem: self.leaf.certificate_pem.clone(),
            key_pem: self.leaf.key_pem.clone(),
        }
    }

    /// The same, with what is due renewed: None if nothing is. An authority is renewed at two thirds of its life and the one before
    /// stays trusted; a certificate by the new one comes a pass later, when the API server has been told to trust it.
    ///
    /// # Errors
    /// When the machine yields no randomness.
    pub(super) fn renewed(
        stored: Option<&Self>,
        service: &str,
        namespace: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let request = request(service, namespace);
        let Some((stored, authority)) =
            stored.and_then(|stored| Some((stored, stored.authority()?)))
        else {
            let authority = Authority::generate(AUTHORITY_NAME, now)?;
            return Self::first(&authority, &request, now).map(Some);
        };
        let signer = &stored.authorities[0];
        if !is_current(signer, signer, &authority_request(), now) {
            let authority = Authority::generate(AUTHORITY_NAME, now)?;
            return Ok(Some(Self {
                authorities: vec![authority.pair().certificate_pem.clone(), signer.clone()],
                authority_key: authority.pair().key_pem.clone(),
                leaf: stored.leaf.clone(),
            }));
        }
        if is_current(&stored.leaf.certificate_pem, signer, &request, now) {
            return Ok(None);
        }
        Ok(Some(Self {
            leaf: authority.issue(&request, now)?,
            ..stored.clone()
        }))
    }

    fn first(authority: &Authority, request: &LeafRequest, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            authorities: vec![authority.pair().certificate_pem.clone()],
            authority_key: authority.pair().key_pem.clone(),
            leaf: authority.issue(request, now)?,
        })
    }

    fn authority(&self) -> Option<Authority> {
        let pair = Pair {
            certificate_pem: self.authorities.first()?.clone(),
            key_pem: self.authority_key.clone(),
        };
        Authority::from_pair(pair).ok()
    }
}

fn request(service: &str, namespace: &str) -> LeafRequest {
    LeafRequest {
        common_name: "millrace-webhook".to_owned(),
        dns_names: BTreeSet::from([format!("{service}.{namespace}.svc")]),
    }
}

fn authority_request() -> LeafRequest {
    LeafRequest {
        common_name: AUTHORITY_NAME.to_owned(),
        dns_names: BTreeSet::new(),
    }
}

/// The certificates of a bundle, each with a line end.
fn split(bundle: &str) -> Vec<String> {
    let whole = bundle
        .split_inclusive(PEM_END)
        .filter(|part| part.ends_with(PEM_END));
    whole
        .map(|certificate| format!("{}\n", certificate.trim_start()))
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn renewed(stored: Option<&Material>, now: Timestamp) -> Option<Material> {
        Material::renewed(stored, "millrace-webhook", "millrace", now).unwrap()
    }

    #[test]
    fn it_is_made_once_and_survives_the_secret() {
        let made = renewed(None, start()).unwrap();
        let secret = made.secret("millrace");
        assert!(Material::of(&secret).unwrap() == made);
        assert!(
            renewed(Material::of(&secret).as_ref(), start()).is_none(),
            "nothing is due"
        );
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_by_the_same_authority() {
        let made = renewed(None, start()).unwrap();
        assert!(renewed(Some(&made), start() + YEAR / 2).is_none());
        let later = renewed(Some(&made), start() + YEAR / 4 * 3).unwrap();
        assert_eq!(later.bundle(), made.bundle());
        assert_ne!(later.served(), made.served());
    }

    #[test]
    fn an_authority_is_renewed_first_and_the_one_before_stays_trusted() {
        let made = renewed(None, start()).unwrap();
        let now = start() + YEAR * 7;
        let mut trusting = renewed(Some(&made), now).unwrap();
        assert_eq!(
            trusting.served(),
            made.served(),
            "the certificate is trusted before and after"
        );
        assert!(trusting.bundle().ends_with(&made.bundle()) && trusting.authorities.len() == 2);
        trusting = renewed(Some(&trusting), now).unwrap();
        assert_ne!(trusting.served(), made.served());
        assert!(renewed(Some(&trusting), now).is_none());
        let restored = Material::of(&trusting.secret("millrace")).unwrap();
        assert_eq!(
            restored.authorities.len(),
            2,
            "the bundle is read back as two"
        );
    }

    #[test]
    fn another_service_or_a_broken_secret_calls_for_a_new_certificate() {
        let made = renewed(None, start()).unwrap();
        let moved = Material::renewed(Some(&made), "millrace-webhook", "elsewhere", start())
            .unwrap()
            .unwrap();
        assert_ne!(moved.served(), made.served());
        let mut secret = made.secret("millrace");
        secret.data.as_mut().unwrap().remove(KEY);
        assert!(Material::of(&secret).is_none());
        secret = made.secret("millrace");
        secret
            .data
            .as_mut()
            .unwrap()
            .insert(AUTHORITY_KEY.into(), ByteString(b"x".to_vec()));
        let repaired = renewed(Material::of(&secret).as_ref(), start()).unwrap();
        assert_ne!(repaired.bundle(), made.bundle());
    }
}
