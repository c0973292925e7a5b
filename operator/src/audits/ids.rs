use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    conformance::{Registration, SchemaId},
    registry::{KnownId, RegistryError, SchemaRegistry},
};

/// Ids that are asked for in one sample. Records without a schema may look as if each had an id of its own.
const MOST_ASKED: usize = 32;
/// Ids of the subject that are remembered: what is registered stays. All others are asked for whenever they are met.
const MOST_KNOWN: usize = 1_000;

/// What a registry says of schema ids, as seen from one subject.
pub(super) struct Ids {
    registry: Arc<dyn SchemaRegistry>,
    subject: String,
    known: BTreeSet<SchemaId>,
}

impl Ids {
    pub(super) fn new(registry: Arc<dyn SchemaRegistry>, subject: String) -> Self {
        Self {
            registry,
            subject,
            known: BTreeSet::new(),
        }
    }

    /// Where these ids are registered. Those that were too many to ask for are absent.
    ///
    /// # Errors
    /// When the registry refuses, or does not answer.
    pub(super) async fn find(
        &mut self,
        ids: BTreeSet<SchemaId>,
    ) -> Result<BTreeMap<SchemaId, Registration>, RegistryError> {
        let (known, unknown): (BTreeSet<_>, BTreeSet<_>) =
            ids.into_iter().partition(|id| self.known.contains(id));
        let mut found: BTreeMap<_, _> = known
            .into_iter()
            .map(|id| (id, Registration::Here))
            .collect();
        for id in unknown.into_iter().take(MOST_ASKED) {
            let registration = match self.registry.subjects_of(id).await? {
                KnownId::Under(subjects) if subjects.contains(&self.subject) => Registration::Here,
                KnownId::Under(_) => Registration::Elsewhere,
                KnownId::Nowhere => Registration::Nowhere,
                KnownId::NotTold => Registration::NotTold,
            };
            if registration == Registration::Here && self.known.len() < MOST_KNOWN {
                self.known.insert(id);
            }
            found.insert(id, registration);
        }
        Ok(found)
    }
}
