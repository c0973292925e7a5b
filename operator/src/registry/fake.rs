//! A registry in memory for whole-reconcile tests. It judges Avro as a real one does and takes no other language. A subject that
//! others refer to is not deleted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};
use async_trait::async_trait;
use millrace_crds::Compatibility;

use super::{NewSchema, Reference, Registered, Registries, RegistryError, SchemaRegistry, Verdict};
use crate::avro::{self, Unparsed};

/// A registry in memory.
#[derive(Debug, Default)]
pub struct FakeRegistry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    subjects: BTreeMap<String, Vec<Version>>,
    levels: BTreeMap<String, Compatibility>,
    last_id: i64,
    writes: Vec<String>,
    unreachable: bool,
}

#[derive(Debug)]
struct Version {
    id: i64,
    schema: Schema,
    text: String,
    references: Vec<Reference>,
}

impl FakeRegistry {
    /// Whether it stops answering.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.lock().unreachable = unreachable;
    }

    /// What was written since it was last asked this, such as `register flights-value 1`.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().writes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn answer(&self) -> Result<MutexGuard<'_, State>, RegistryError> {
        let state = self.lock();
        if state.unreachable {
            Err(RegistryError::Unreachable("connection refused".into()))
        } else {
            Ok(state)
        }
    }
}

impl State {
    fn parse(&self, new: &NewSchema) -> Result<Schema, String> {
        let mut texts = Vec::new();
        self.named(&new.references, &mut texts)?;
        avro::parse(&new.text, &texts).map_err(|why| match why {
            Unparsed::Invalid(words) => words,
            Unparsed::Unjudged(why) => why.to_owned(),
        })
    }

    /// The texts of `references` and of all that these name.
    fn named(&self, references: &[Reference], texts: &mut Vec<String>) -> Result<(), String> {
        for reference in references {
            let Reference {
                subject, version, ..
            } = reference;
            let index = usize::try_from(*version).unwrap_or_default();
            let found = self.subjects.get(subject).and_then(|versions| {
                let index = index.checked_sub(1)?;
                versions.get(index)
            });
            let found = found
                .ok_or_else(|| format!("version {version} of subject {subject} is not there"))?;
            if !texts.contains(&found.text) {
                self.named(&found.references, texts)?;
                texts.push(found.text.clone());
            }
        }
        Ok(())
    }

    fn is_referred_to(&self, subject: &str) -> bool {
        let versions = self.subjects.values().flatten();
        let mut references = versions.flat_map(|version| &version.references);
        references.any(|reference| reference.subject == subject)
    }

    fn find(&self, subject: &str, new: &NewSchema, schema: &Schema) -> Option<Registered> {
        let versions = self.subjects.get(subject)?;
        let canonical = schema.canonical_form();
        let at = versions.iter().position(|version| {
            version.references == new.references && version.schema.canonical_form() == canonical
        })?;
        Some(Registered {
            id: versions[at].id,
            version: i32::try_from(at).ok()? + 1,
        })
    }

    fn judge(&self, subject: &str, schema: &Schema) -> Verdict {
        let versions = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        let level = self
            .levels
            .get(subject)
            .copied()
            .unwrap_or(Compatibility::None);
        let (backward, forward, transitive) = guarantees(level);
        let from = if transitive {
            0
        } else {
            versions.len().saturating_sub(1)
        };
        let breaks = versions[from..].iter().flat_map(|old| {
            let back = backward.then(|| SchemaCompatibility::can_read(&old.schema, schema));
            let forth = forward.then(|| SchemaCompatibility::can_read(schema, &old.schema));
            [back, forth]
                .into_iter()
                .flatten()
                .filter_map(|read| read.err().map(|error| error.to_string()))
        });
        let breaks: Vec<String> = breaks.collect();
        if breaks.is_empty() {
            Verdict::Compatible
        } else {
            Verdict::Incompatible(breaks)
        }
    }
}

fn guarantees(level: Compatibility) -> (bool, bool, bool) {
    match level {
        Compatibility::None => (false, false, false),
        Compatibility::Backward => (true, false, false),
        Compatibility::BackwardTransitive => (true, false, true),
        Compatibility::Forward => (false, true, false),
        Compatibility::ForwardTransitive => (false, true, true),
        Compatibility::Full => (true, true, false),
        Compatibility::FullTransitive => (true, true, true),
    }
}

fn refused(code: u32, message: impl Into<String>) -> RegistryError {
    RegistryError::Refused {
        code,
        message: message.into(),
    }
}

#[async_trait]
impl SchemaRegistry for FakeRegistry {
    async fn versions(&self, subject: &str) -> Result<Vec<i32>, RegistryError> {
        let state = self.answer()?;
        let versions = state.subjects.get(subject).map_or(0, Vec::len);
        Ok((1..=i32::try_from(versions).unwrap_or(i32::MAX)).collect())
    }

    async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Option<Registered>, RegistryError> {
        let state = self.answer()?;
        let parsed = state.parse(schema).ok();
        Ok(parsed.and_then(|parsed| state.find(subject, schema, &parsed)))
    }

    async fn check(&self, subject: &str, schema: &NewSchema) -> Result<Verdict, RegistryError> {
        let state = self.answer()?;
        Ok(match state.parse(schema) {
            Ok(parsed) => state.judge(subject, &parsed),
            Err(words) => Verdict::Invalid(words),
        })
    }

    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Registered, RegistryError> {
        let mut state = self.answer()?;
        let parsed = state.parse(schema).map_err(|words| refused(42201, words))?;
        if let Some(found) = state.find(subject, schema, &parsed) {
            return Ok(found);
        }
        if let Verdict::Incompatible(words) = state.judge(subject, &parsed) {
            return Err(refused(409, words.join(", ")));
        }
        state.last_id += 1;
        let id = state.last_id;
        let versions = state.subjects.entry(subject.to_owned()).or_default();
        versions.push(Version {
            id,
            schema: parsed,
            text: schema.text.clone(),
            references: schema.references.clone(),
        });
        let version = i32::try_from(versions.len()).unwrap_or(i32::MAX);
        state.writes.push(format!("register {subject} {version}"));
        Ok(Registered { id, version })
    }

    async fn level(&self, subject: &str) -> Result<Option<Compatibility>, RegistryError> {
        Ok(self.answer()?.levels.get(subject).copied())
    }

    async fn set_level(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError> {
        let mut state = self.answer()?;
        state.levels.insert(subject.to_owned(), level);
        state.writes.push(format!("level {subject} {level:?}"));
        Ok(())
    }

    async fn delete(&self, subject: &str, permanent: bool) -> Result<(), RegistryError> {
        let mut state = self.answer()?;
        if state.is_referred_to(subject) {
            return Err(refused(
                42206,
                format!("There are subjects referencing {subject}"),
            ));
        }
        if state.subjects.remove(subject).is_some() {
            state.writes.push(format!(
                "delete {subject} {}",
                if permanent { "hard" } else { "soft" }
            ));
        }
        Ok(())
    }
}

/// Registries in memory by URL; each begins empty.
#[derive(Debug, Default)]
pub struct FakeRegistries(Mutex<BTreeMap<String, Arc<FakeRegistry>>>);

impl FakeRegistries {
    /// The registry at `url`, to look into.
    pub fn fake(&self, url: &str) -> Arc<FakeRegistry> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .entry(url.to_owned())
            .or_default()
            .clone()
    }
}

impl Registries for FakeRegistries {
    fn at(&self, url: &str) -> Arc<dyn SchemaRegistry> {
        self.fake(url)
    }
}
