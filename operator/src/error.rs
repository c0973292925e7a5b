//! What can go wrong while a resource is made true.

use std::time::Duration;

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
    /// It could not be written down, or read, which topics are being made.
    #[error("the API server: the list of topics being made: {0}")]
    Journal(String),
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
    /// Whether the other side did not answer, failed, or asked for patience: the same will do, later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Kubernetes(error) => match error.as_ref() {
                kube::Error::Api(status) => status.code == 429 || status.code >= 500,
                _ => true,
            },
            Self::Journal(_) | Self::Kafka(KafkaError::Unreachable(_)) => true,
            Self::Outdated
            | Self::Kafka(KafkaError::Refused { .. })
            | Self::Registry(_)
            | Self::Certificate(_)
            | Self::Serialisation(_) => false,
        }
    }

    /// How long the API server asks to wait (`Retry-After`); zero where it does not say.
    pub fn retry_after(&self) -> Duration {
        let seconds = match self {
            Self::Kubernetes(error) => match error.as_ref() {
                kube::Error::Api(status) => status.details.as_ref().map(|d| d.retry_after_seconds),
                _ => None,
            },
            _ => None,
        };
        Duration::from_secs(seconds.unwrap_or_default().into())
    }

    /// The error's class, a label of the metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Kubernetes(_) | Self::Journal(_) => "kubernetes",
            Self::Outdated => "outdated",
            Self::Kafka(_) => "kafka",
            Self::Registry(_) => "registry",
            Self::Certificate(_) => "certificate",
            Self::Serialisation(_) => "serialisation",
        }
    }
}
