use millrace_crds::{Compatibility, Schema, SchemaType, SubjectDeletionPolicy};

use super::{Facts, Rejection, Subject};
use crate::world::ClusterKey;

/// A schema whose subject its resource may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedSchema {
    /// The cluster whose registry takes it.
    pub cluster: ClusterKey,
    /// Its subject.
    pub subject: Subject,
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// The level the subject shall have.
    pub compatibility: Compatibility,
    /// Whether a subject that exists already may be taken over.
    pub adopt: bool,
    /// What happens to the subject when the resource goes.
    pub deletion_policy: SubjectDeletionPolicy,
}

/// What a Schema asks for, if it may.
pub fn schema(_schema: &Schema, _facts: &dyn Facts) -> Result<ResolvedSchema, Rejection> {
    todo!()
}
