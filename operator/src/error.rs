//! What can go wrong while a resource is made true.

use crate::{kafka::KafkaError, registry::RegistryError};

/// A failure of a reconcile. All of them are tried again with growing pauses; what a user can mend
/// is not an error but a condition.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or did not answer.
    #[error("the API server: {0}")]
    Kubernetes(Box<kube::Error>),
    /// The resource has changed since it was looked at, so nothing was written: what was decided may be outdated.
    #[error("the resource has changed meanwhile")]
    Outdated,
    /// Kafka refused or did not answer.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// The schema registry refused or did not answer.
    #[error("the schema registry: {0}")]
    Registry(#[from] RegistryError),
    /// A certificate could not be made or read.
    #[error("certificates: {0}")]
    Certificate(String),
    /// Something that was serialised before could not be serialised again.
    #[error("serialisation: {0}")]
    Serialisation(#[from] serde_json::Error),
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Kubernetes(Box::new(error))
    }
}

impl Error {
    /// The error's class, a label of the metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Kubernetes(_) => "kubernetes",
            Self::Outdated => "outdated",
            Self::Kafka(_) => "kafka",
            Self::Registry(_) => "registry",
            Self::Certificate(_) => "certificate",
            Self::Serialisation(_) => "serialisation",
        }
    }
}
