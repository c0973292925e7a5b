use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::ObjectMeta;

use crate::{
    certificates::{Authority, LeafRequest, Pair, inspect, is_current},
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
/// Most authorities of before that stay trusted where the Secret that told the last one is lost.
const MAX_BEFORE: usize = 3;
/// From the beginning of an authority's life, which is five minutes before it was made, until it signs: an API server that is told to trust it
/// has heard of that by then. Until then the replicas serve with what an earlier one signed.
const SETTLED: SignedDuration = SignedDuration::from_secs(5 * 60 + 30);

/// What a replica serves with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    pub certificate_pem: String,
    pub key_pem: String,
}

/// What the Secret holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    /// The authorities the API server shall trust: the one that signs, and those before it.
    authorities: Vec<String>,
    authority_key: String,
    /// None while a new authority is not trusted everywhere and what an earlier one signed is lost.
    leaf: Option<Pair>,
}

impl Material {
    /// What a Secret holds, if it is whole.
    pub(super) fn of(secret: &Secret) -> Option<Self> {
        let data = secret.data.as_ref()?;
        let text = |key: &str| String::from_utf8(data.get(key)?.0.clone()).ok();
        let authorities: Vec<String> = split(&text(AUTHORITIES)?);
        (!authorities.is_empty()).then_some(())?;
        let leaf = Pair {
            certificate_pem: text(CERTIFICATE)?,
            key_pem: text(KEY)?,
        };
        Some(Self {
            authorities,
            authority_key: text(AUTHORITY_KEY)?,
            leaf: (!leaf.certificate_pem.is_empty()).then_some(leaf),
        })
    }

    /// The Secret that holds it.
    pub(super) fn secret(&self, namespace: &str) -> Secret {
        let leaf = self.leaf.as_ref();
        let of_leaf = |text: fn(&Pair) -> &String| leaf.map(text).cloned().unwrap_or_default();
        let data = [
            (AUTHORITIES, self.bundle()),
            (AUTHORITY_KEY, self.authority_key.clone()),
            (CERTIFICATE, of_leaf(|leaf| &leaf.certificate_pem)),
            (KEY, of_leaf(|leaf| &leaf.key_pem)),
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

    /// What replicas serve with; None where they keep what they have.
    pub(super) fn served(&self) -> Option<Served> {
        let leaf = self.leaf.as_ref()?;
        Some(Served {
            certificate_pem: leaf.certificate_pem.clone(),
            key_pem: leaf.key_pem.clone(),
        })
    }

    /// The same, with what is due renewed: None if nothing is. An authority is renewed at two thirds of its life and those before stay
    /// trusted; a certificate by the new one comes when it has been trusted for some seconds. `trusted` is the bundle the API server trusts: by
    /// what it has replicas may be serving whose Secret is lost.
    ///
    /// # Errors
    /// When the machine yields no randomness.
    pub(super) fn renewed(
        stored: Option<&Self>,
        trusted: &str,
        service: &str,
        namespace: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let request = request(service, namespace);
        let Some((stored, authority)) =
            stored.and_then(|stored| Some((stored, stored.authority()?)))
        else {
            return Self::first(trusted, &request, now).map(Some);
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
        let current = stored
            .leaf
            .as_ref()
            .is_some_and(|leaf| is_current(&leaf.certificate_pem, signer, &request, now));
        if current || stored.waits(now) {
            return Ok(None);
        }
        Ok(Some(Self {
            leaf: Some(authority.issue(&request, now)?),
            ..stored.clone()
        }))
    }

    /// Whether the authority that signs is too new to: replicas serve with what one of those before it signed.
    pub(super) fn waits(&self, now: Timestamp) -> bool {
        let (signer, before) = (&self.authorities[0], &self.authorities[1..]);
        let by_earlier = |leaf: &Pair| {
            let mut facts = before
                .iter()
                .filter_map(|authority| inspect(&leaf.certificate_pem, authority));
            facts.any(|facts| facts.signed && now < facts.not_after)
        };
        let serves = self.leaf.as_ref().is_none_or(by_earlier);
        let made = inspect(signer, signer);
        !before.is_empty() && serves && made.is_some_and(|facts| now < facts.not_before + SETTLED)
    }

    fn first(trusted: &str, request: &LeafRequest, now: Timestamp) -> Result<Self, Error> {
        let authority = Authority::generate(AUTHORITY_NAME, now)?;
        let before = split(trusted).into_iter().take(MAX_BEFORE);
        let own = authority.pair().certificate_pem.clone();
        let mut made = Self {
            authorities: [own].into_iter().chain(before).collect(),
            authority_key: authority.pair().key_pem.clone(),
            leaf: None,
        };
        if !made.waits(now) {
            made.leaf = Some(authority.issue(request, now)?);
        }
        Ok(made)
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
        Material::renewed(stored, "", "millrace-webhook", "millrace", now).unwrap()
    }

    /// What was made at the start, with a certificate that is half a year old.
    fn alive(now: Timestamp) -> Material {
        let made = renewed(None, start()).unwrap();
        let authority = made.authority().unwrap();
        let request = request("millrace-webhook", "millrace");
        let leaf = authority.issue(&request, now - YEAR / 2).unwrap();
        Material {
            leaf: Some(leaf),
            ..made
        }
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
        let now = start() + YEAR * 7;
        let made = alive(now);
        let mut trusting = renewed(Some(&made), now).unwrap();
        assert_eq!(
            trusting.served(),
            made.served(),
            "the certificate is trusted before and after"
        );
        assert!(trusting.bundle().ends_with(&made.bundle()) && trusting.authorities.len() == 2);
        assert!(
            renewed(Some(&trusting), now).is_none(),
            "the API server may not have heard of it yet"
        );
        let now = now + SETTLED;
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
        let moved = Material::renewed(Some(&made), "", "millrace-webhook", "elsewhere", start())
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

    #[test]
    fn a_lost_secret_leaves_what_is_served_trusted_and_served_until_the_next_authority_is() {
        let lost = renewed(None, start()).unwrap();
        let again = |stored: Option<&Material>, now| {
            Material::renewed(stored, &lost.bundle(), "millrace-webhook", "millrace", now).unwrap()
        };
        let made = again(None, start()).unwrap();
        assert_eq!(made.served(), None, "replicas keep what they have");
        assert!(made.bundle().ends_with(&lost.bundle()) && made.authorities.len() == 2);
        let read = Material::of(&made.secret("millrace")).unwrap();
        assert!(read == made && read.waits(start()));
        assert!(again(Some(&read), start()).is_none());
        let later = again(Some(&read), start() + SETTLED).unwrap();
        assert!(later.served().is_some() && !later.waits(start() + SETTLED));
        assert_eq!(later.bundle(), made.bundle());
    }

    #[test]
    fn an_authority_waits_for_nobody_where_the_certificate_before_it_has_ended() {
        let made = renewed(None, start()).unwrap();
        let now = start() + YEAR * 7;
        let trusting = renewed(Some(&made), now).unwrap();
        assert!(!trusting.waits(now), "that of the first year has ended");
        assert!(renewed(Some(&trusting), now).unwrap().served() != made.served());
    }
}
