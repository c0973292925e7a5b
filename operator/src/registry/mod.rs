//! What Millrace asks of a schema registry: one trait over Confluent's API.
//!
//! Architecture invariant: HTTP and the wire's error codes stop here.

use std::sync::Arc;

use async_trait::async_trait;
use millrace_crds::{Compatibility, SchemaType};

/// A schema to check or register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchema {
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
}

/// A version of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The registry's id of the schema.
    pub id: i64,
    /// Version of the subject, from 1.
    pub version: i32,
}

/// What the registry says of a schema for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It breaks nobody.
    Compatible,
    /// It breaks readers or writers; the registry's own words.
    Incompatible(Vec<String>),
    /// It is not a schema; the registry's own words.
    Invalid(String),
}

/// A refusal or failure of the registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The registry answered with an error.
    #[error("{message} (code {code})")]
    Refused {
        /// Confluent's `error_code`, such as 42201, or the HTTP status.
        code: u32,
        /// The registry's own words.
        message: String,
    },
    /// No answer.
    #[error("no answer from the registry: {0}")]
    Unreachable(String),
}

/// A schema registry.
#[async_trait]
pub trait SchemaRegistry: Send + Sync + 'static {
    /// Whether the subject exists.
    async fn exists(&self, subject: &str) -> Result<bool, RegistryError>;
    /// The version of the subject that has this schema, if any.
    async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Option<Registered>, RegistryError>;
    /// Whether the schema may become the next version, at the subject's level.
    async fn check(&self, subject: &str, schema: &NewSchema) -> Result<Verdict, RegistryError>;
    /// Registers the schema as the next version.
    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Registered, RegistryError>;
    /// The subject's own level, if it has one.
    async fn level(&self, subject: &str) -> Result<Option<Compatibility>, RegistryError>;
    /// Sets the subject's level.
    async fn set_level(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError>;
    /// Deletes the subject, softly or for good; one that is gone is no error.
    async fn delete(&self, subject: &str, permanent: bool) -> Result<(), RegistryError>;
}

/// Clients of registries by URL.
pub trait Registries: Send + Sync + 'static {
    /// The client of the registry at `url`.
    fn at(&self, url: &str) -> Arc<dyn SchemaRegistry>;
}
