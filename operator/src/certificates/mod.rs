//! The certificate authority of a cluster, and what it signs.
//!
//! Keys are ECDSA P-256 in PKCS#8, the one notation that Kafka's PEM key stores take. Making a certificate needs the
//! operating system's randomness and is done in `apply`; whether one has to be made is decided by [`leaf::is_current`].

mod authority;
mod inspect;
mod leaf;

pub use authority::Authority;
pub use inspect::{Facts, inspect};
pub use leaf::{LeafRequest, is_current};

/// A certificate and its private key, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// PEM of the certificate.
    pub certificate_pem: String,
    /// PEM (PKCS#8) of the private key.
    pub key_pem: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}
