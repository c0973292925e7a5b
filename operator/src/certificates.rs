//! The certificate authority of a cluster.
