//! What Millrace asks of a schema registry: one trait over Confluent's API.
//!
//! Architecture invariant: HTTP and the wire's error codes stop here.

mod answer;
mod apicurio;
mod clients;
mod confluent;
pub mod conformance;
mod fake;
mod invalid;
mod level;
mod memory;
mod wire;

pub use clients::HttpRegistries;
pub use confluent::Confluent;
pub use fake::{FakeRegistries, FakeRegistry};

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use millrace_crds::{Compatibility, SchemaType};

use crate::conformance::SchemaId;

/// A schema to check or register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchema {
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// The schemas that the text names.
    pub references: Vec<Reference>,
}

/// A schema that another one names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What the text calls it.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Version of the subject, from 1. Never `latest`: Apicurio answers 500 to what is no number (Apicurio/apicurio-registry#7694).
    pub version: i32,
}

/// A version of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The registry's id of the schema.
    pub id: i64,
    /// Version of the subject, from 1.
    pub version: i32,
}

/// What a schema is compared with before it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Nothing: the subject has no version.
    Nothing,
    /// The latest version alone, which is what a level asks for that is not transitive.
    Latest,
    /// Every version.
    Every,
}

/// What the registry says of a schema for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It breaks nobody.
    Compatible,
    /// It breaks readers or writers; the registry's own words, none where it gives none.
    Incompatible(Vec<String>),
    /// It is not a schema; the registry's own words.
    Invalid(String),
}

/// What the registry tells of a schema id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownId {
    /// The schema is registered under these subjects, at least one. Softly deleted versions count: their ids are still resolved.
    Under(BTreeSet<String>),
    /// No subject has such a schema.
    Nowhere,
    /// The registry cannot be asked, as for a GUID where its API has none.
    NotTold,
}

/// A refusal or failure of the registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The registry answered with an error that asking again does not mend.
    #[error("{message} (code {code})")]
    Refused {
        /// Confluent's `error_code`, such as 42201, or the HTTP status.
        code: u32,
        /// The registry's own words.
        message: String,
    },
    /// No answer, or one that says that the registry is in trouble itself (HTTP 429 and 5xx).
    #[error("no answer from the registry: {0}")]
    Unreachable(String),
}

impl RegistryError {
    /// Whether a subject was not deleted because other subjects refer to it (Confluent's 42206).
    pub fn is_referred_to(&self) -> bool {
        matches!(self, Self::Refused { code: 42206, .. })
    }
}

/// A schema registry.
#[async_trait]
pub trait SchemaRegistry: Send + Sync + 'static {
    /// The versions of the subject, from the oldest; none if the subject does not exist or is deleted.
    async fn versions(&self, subject: &str) -> Result<Vec<i32>, RegistryError>;
    /// The latest version of the subject; None if the subject does not exist or is deleted.
    async fn latest(&self, subject: &str) -> Result<Option<i32>, RegistryError> {
        Ok(self.versions(subject).await?.last().copied())
    }
    /// The version of the subject that has this schema, if any, whatever the text's white space and order of keys.
    async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Option<Registered>, RegistryError>;
    /// Whether the schema may become the next version, at the subject's stored level and compared with what that level asks for: it is
    /// the caller who says so, since Apicurio takes every version at each level where it is not told. Nothing is written.
    async fn check(
        &self,
        subject: &str,
        schema: &NewSchema,
        against: Against,
    ) -> Result<Verdict, RegistryError>;
    /// Registers the schema as the next version; one that the subject has already is no new version.
    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Registered, RegistryError>;
    /// The level the subject is judged by, as far as the registry tells: its own, or the registry's default.
    async fn level(&self, subject: &str) -> Result<Option<Compatibility>, RegistryError>;
    /// Sets the subject's level. The subject need not exist.
    async fn set_level(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError>;
    /// Deletes the subject, softly or for good; one that is gone is no error.
    async fn delete(&self, subject: &str, permanent: bool) -> Result<(), RegistryError>;
    /// The subjects under which the schema with this id is registered.
    async fn subjects_of(&self, id: SchemaId) -> Result<KnownId, RegistryError>;
}

/// Clients of registries by URL.
pub trait Registries: Send + Sync + 'static {
    /// The client of the registry at `url`.
    fn at(&self, url: &str) -> Arc<dyn SchemaRegistry>;
}

#[cfg(test)]
mod known_trouble;
#[cfg(test)]
mod stub;
