//! Reading of records over the rdkafka library, as the cluster's super user. Administration goes over [`super::client`].
//!
//! Architecture invariant: rdkafka is named here and in the reader of dead letters, and nowhere else.

mod samples;
mod settings;
mod tails;

pub use samples::RdkafkaSampler;
pub use settings::{connection_settings, consumer_settings};
pub use tails::RdkafkaTailReader;
