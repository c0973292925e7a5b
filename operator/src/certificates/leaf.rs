use std::collections::BTreeSet;

use jiff::Timestamp;

use super::inspect::inspect;

/// For whom a certificate shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafRequest {
    /// The subject's only name: Kafka's principal is `User:CN=<common name>`.
    pub common_name: String,
    /// The hosts it may stand for; none for a mere client.
    pub dns_names: BTreeSet<String>,
}

/// Whether a certificate still serves: signed by this authority, for just this request, and less than two thirds of its life old.
pub fn is_current(
    certificate_pem: &str,
    authority_pem: &str,
    request: &LeafRequest,
    now: Timestamp,
) -> bool {
    inspect(certificate_pem, authority_pem).is_some_and(|facts| {
        facts.signed
            && facts.subject == *request
            && now < renewal_time(facts.not_before, facts.not_after)
    })
}

/// Two thirds of the way from the first to the last moment of a certificate.
fn renewal_time(not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = not_after.duration_since(not_before);
    not_before + life / 3 * 2
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{super::Authority, *};

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn request(names: &[&str]) -> LeafRequest {
        LeafRequest {
            common_name: "millrace-node".into(),
            dns_names: names.iter().map(|n| (*n).to_owned()).collect(),
        }
    }

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_certificate_serves_for_two_thirds_of_its_year() {
        let authority = Authority::generate("ca", start()).unwrap();
        let leaf = authority
            .issue(&request(&["*.main-nodes.kafka.svc"]), start())
            .unwrap();
        let current = |now| {
            is_current(
                &leaf.certificate_pem,
                &authority.pair().certificate_pem,
                &request(&["*.main-nodes.kafka.svc"]),
                now,
            )
        };
        assert!(current(start()));
        assert!(current(start() + DAY * 243));
        assert!(!current(start() + DAY * 244));
        assert!(!current(start() + DAY * 400), "nor does one that has ended");
    }

    #[test]
    fn other_hosts_another_name_or_another_authority_call_for_a_new_certificate() {
        let authority = Authority::generate("ca", start()).unwrap();
        let leaf = authority.issue(&request(&["a.example"]), start()).unwrap();
        let ca = &authority.pair().certificate_pem;
        assert!(!is_current(
            &leaf.certificate_pem,
            ca,
            &request(&["a.example", "b.example"]),
            start()
        ));
        let renamed = LeafRequest {
            common_name: "somebody".into(),
            ..request(&["a.example"])
        };
        assert!(!is_current(&leaf.certificate_pem, ca, &renamed, start()));
        let stranger = Authority::generate("ca", start()).unwrap();
        assert!(!is_current(
            &leaf.certificate_pem,
            &stranger.pair().certificate_pem,
            &request(&["a.example"]),
            start()
        ));
        assert!(!is_current(
            "not a certificate",
            ca,
            &request(&["a.example"]),
            start()
        ));
    }

    #[test]
    fn an_authority_survives_being_written_down() {
        let authority = Authority::generate("ca", start()).unwrap();
        let restored = Authority::from_pair(authority.pair().clone()).unwrap();
        let leaf = restored.issue(&request(&["a.example"]), start()).unwrap();
        assert!(is_current(
            &leaf.certificate_pem,
            &authority.pair().certificate_pem,
            &request(&["a.example"]),
            start()
        ));
        assert!(
            leaf.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"),
            "Kafka takes PKCS#8 only"
        );
    }

    #[test]
    fn what_is_not_an_authority_is_refused() {
        let broken = super::super::Pair {
            certificate_pem: "x".into(),
            key_pem: "y".into(),
        };
        assert!(Authority::from_pair(broken).is_err());
    }
}
