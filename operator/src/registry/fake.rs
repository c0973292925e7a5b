//! A registry in memory for whole-reconcile tests: it answers as Apicurio Registry does, which `conformance.rs` holds it to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use millrace_crds::Compatibility;

use super::{
    Against, KnownId, NewSchema, Registered, Registries, RegistryError, SchemaRegistry, Verdict,
    memory::{Flavour, Memory, Refusal},
};
use crate::conformance::SchemaId;

/// A registry in memory.
#[derive(Debug)]
pub struct FakeRegistry(Mutex<State>);

#[derive(Debug)]
struct State {
    memory: Memory,
    writes: Vec<String>,
    asked: Vec<i32>,
    unreachable: bool,
}

impl Default for FakeRegistry {
    fn default() -> Self {
        Self(Mutex::new(State {
            memory: Memory::new(Flavour::Apicurio),
            writes: Vec::new(),
            asked: Vec::new(),
            unreachable: false,
        }))
    }
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

    /// The schema ids whose subjects were asked for since it was last asked this.
    pub fn take_asked(&self) -> Vec<i32> {
        std::mem::take(&mut self.lock().asked)
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

impl From<Refusal> for RegistryError {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, message } = refusal;
        Self::Refused { code, message }
    }
}

#[async_trait]
impl SchemaRegistry for FakeRegistry {
    async fn versions(&self, subject: &str) -> Result<Vec<i32>, RegistryError> {
        Ok(self.answer()?.memory.versions(subject))
    }

    async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Option<Registered>, RegistryError> {
        let found = self.answer()?.memory.find(subject, schema);
        Ok(found.ok().flatten())
    }

    async fn check(
        &self,
        subject: &str,
        schema: &NewSchema,
        against: Against,
    ) -> Result<Verdict, RegistryError> {
        let judged = self.answer()?.memory.judge(subject, schema, against);
        Ok(match judged {
            Ok(breaks) if breaks.is_empty() => Verdict::Compatible,
            Ok(breaks) => Verdict::Incompatible(breaks),
            Err(refusal) => Verdict::Invalid(refusal.message),
        })
    }

    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Registered, RegistryError> {
        let mut state = self.answer()?;
        let (registered, new) = state.memory.register(subject, schema)?;
        if new {
            let Registered { version, .. } = registered;
            state.writes.push(format!("register {subject} {version}"));
        }
        Ok(registered)
    }

    async fn level(&self, subject: &str) -> Result<Option<Compatibility>, RegistryError> {
        let state = self.answer()?;
        let default = state
            .memory
            .knows(subject)
            .then(|| state.memory.level(subject));
        Ok(state.memory.own_level(subject).or(default))
    }

    async fn set_level(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError> {
        let mut state = self.answer()?;
        state.memory.set_level(subject, Some(level));
        state.writes.push(format!("level {subject} {level:?}"));
        Ok(())
    }

    async fn delete(&self, subject: &str, permanent: bool) -> Result<(), RegistryError> {
        let mut state = self.answer()?;
        let mut deleted = gone(state.memory.delete_softly(subject))?;
        if permanent {
            deleted |= gone(state.memory.delete_for_good(subject))?;
        }
        if deleted {
            let how = if permanent { "hard" } else { "soft" };
            state.writes.push(format!("delete {subject} {how}"));
        }
        Ok(())
    }

    async fn subjects_of(&self, id: SchemaId) -> Result<KnownId, RegistryError> {
        let mut state = self.answer()?;
        let SchemaId::Number(number) = id else {
            return Ok(KnownId::NotTold);
        };
        state.asked.push(number);
        let subjects = state.memory.subjects_of(i64::from(number));
        Ok(if subjects.is_empty() {
            KnownId::Nowhere
        } else {
            KnownId::Under(subjects)
        })
    }
}

/// Whether something was deleted; what is deleted already is no error.
fn gone(deleted: Result<Vec<i32>, Refusal>) -> Result<bool, Refusal> {
    match deleted {
        Ok(_) => Ok(true),
        Err(Refusal {
            code: 40401 | 40404,
            ..
        }) => Ok(false),
        Err(refusal) => Err(refusal),
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
