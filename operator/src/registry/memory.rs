use std::collections::{BTreeMap, BTreeSet};

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};
use millrace_crds::Compatibility;
use serde_json::Value;

use super::{Against, NewSchema, Reference, Registered};
use crate::avro::{self, Unparsed};

/// Subjects as a registry holds them. Texts are Avro; no other language is taken. A number of a version is never used again before its
/// subject is deleted for good, and the same text has the same id wherever it is registered.
#[derive(Debug)]
pub(super) struct Memory {
    subjects: BTreeMap<String, Vec<Version>>,
    levels: BTreeMap<String, Compatibility>,
    /// The contents that were ever registered; an id is a place in it, from 1.
    ids: Vec<Content>,
    /// The level of subjects that have none of their own.
    default_level: Compatibility,
    /// Whether versions that are softly deleted keep what they refer to from being deleted.
    deleted_refer: bool,
}

/// A text, whatever its white space and the order of its keys, and what it names. Avro's own canonical form would not do: it leaves
/// defaults out.
type Content = (Value, Vec<Reference>);

#[derive(Clone, Debug)]
struct Version {
    registered: Registered,
    schema: Schema,
    text: String,
    content: Content,
    deleted: bool,
}

/// Why the registry refuses, by Confluent's codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub code: u32,
    pub message: String,
}

/// How registries differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Apicurio Registry 3.3.3 with its defaults.
    Apicurio,
    /// Confluent's registry with its defaults.
    #[cfg(test)]
    Confluent,
}

impl Memory {
    pub(super) fn new(flavour: Flavour) -> Self {
        let (default_level, deleted_refer) = match flavour {
            Flavour::Apicurio => (Compatibility::None, true),
            #[cfg(test)]
            Flavour::Confluent => (Compatibility::Backward, false),
        };
        Self {
            subjects: BTreeMap::new(),
            levels: BTreeMap::new(),
            ids: Vec::new(),
            default_level,
            deleted_refer,
        }
    }

    /// The versions that are not deleted, from the oldest.
    pub(super) fn versions(&self, subject: &str) -> Vec<i32> {
        let live = self.live(subject);
        live.map(|version| version.registered.version).collect()
    }

    /// The version that has this schema.
    pub(super) fn find(
        &self,
        subject: &str,
        new: &NewSchema,
    ) -> Result<Option<Registered>, Refusal> {
        self.parse(new)?;
        let content = content(new);
        let found = self
            .live(subject)
            .find(|version| version.content == content);
        Ok(found.map(|version| version.registered))
    }

    /// The subjects that have the schema with this id, also where it is softly deleted.
    pub(super) fn subjects_of(&self, id: i64) -> BTreeSet<String> {
        let has = |versions: &[Version]| versions.iter().any(|v| v.registered.id == id);
        let subjects = self.subjects.iter().filter(|(_, versions)| has(versions));
        subjects.map(|(subject, _)| subject.clone()).collect()
    }

    /// What the schema breaks at the subject's level, nothing if it breaks nobody.
    pub(super) fn judge(
        &self,
        subject: &str,
        new: &NewSchema,
        against: Against,
    ) -> Result<Vec<String>, Refusal> {
        let schema = self.parse(new)?;
        let old: Vec<&Version> = match against {
            Against::Nothing => Vec::new(),
            Against::Latest => self.live(subject).last().into_iter().collect(),
            Against::Every => self.live(subject).collect(),
        };
        let (backward, forward, _) = guarantees(self.level(subject));
        let breaks = old.iter().flat_map(|old| {
            let back = backward.then(|| SchemaCompatibility::can_read(&old.schema, &schema));
            let forth = forward.then(|| SchemaCompatibility::can_read(&schema, &old.schema));
            [back, forth]
                .into_iter()
                .flatten()
                .filter_map(|read| read.err().map(|error| error.to_string()))
        });
        Ok(breaks.collect())
    }

    /// Registers the schema as the next version, and says whether it is a new one.
    pub(super) fn register(
        &mut self,
        subject: &str,
        new: &NewSchema,
    ) -> Result<(Registered, bool), Refusal> {
        if let Some(found) = self.find(subject, new)? {
            return Ok((found, false));
        }
        let breaks = self.judge(subject, new, self.asked(subject))?;
        if !breaks.is_empty() {
            return Err(refused(409, breaks.join(", ")));
        }
        let schema = self.parse(new)?;
        let content = content(new);
        let id = self.id(&content);
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        let before = versions.last().map_or(0, |last| last.registered.version);
        let registered = Registered {
            id,
            version: before + 1,
        };
        versions.push(Version {
            registered,
            schema,
            text: new.text.clone(),
            content,
            deleted: false,
        });
        Ok((registered, true))
    }

    /// The level of the subject's own.
    pub(super) fn own_level(&self, subject: &str) -> Option<Compatibility> {
        self.levels.get(subject).copied()
    }

    /// The level the subject is judged by.
    pub(super) fn level(&self, subject: &str) -> Compatibility {
        self.own_level(subject).unwrap_or(self.default_level)
    }

    /// Whether the subject has a version, or had one that is not deleted for good.
    pub(super) fn knows(&self, subject: &str) -> bool {
        self.subjects.contains_key(subject)
    }

    /// Gives the subject a level of its own, or takes it away.
    pub(super) fn set_level(&mut self, subject: &str, level: Option<Compatibility>) {
        match level {
            Some(level) => self.levels.insert(subject.to_owned(), level),
            None => self.levels.remove(subject),
        };
    }

    /// Deletes all versions softly, and says which.
    pub(super) fn delete_softly(&mut self, subject: &str) -> Result<Vec<i32>, Refusal> {
        self.not_referred_to(subject)?;
        let known = self.subjects.get_mut(subject);
        let versions = known.ok_or_else(|| not_found(subject))?;
        if versions.iter().all(|version| version.deleted) {
            return Err(refused(
                40404,
                format!("Subject '{subject}' was soft deleted."),
            ));
        }
        let live = versions.iter_mut().filter(|version| !version.deleted);
        Ok(live
            .map(|version| {
                version.deleted = true;
                version.registered.version
            })
            .collect())
    }

    /// Forgets a subject that is softly deleted, with its level, and says which versions it had.
    pub(super) fn delete_for_good(&mut self, subject: &str) -> Result<Vec<i32>, Refusal> {
        self.not_referred_to(subject)?;
        let versions = self.subjects.get(subject);
        let versions = versions.ok_or_else(|| not_found(subject))?;
        if versions.iter().any(|version| !version.deleted) {
            return Err(refused(
                40405,
                format!(
                    "Subject '{subject}' was not deleted first before being permanently deleted"
                ),
            ));
        }
        let numbers = versions.iter().map(|version| version.registered.version);
        let numbers = numbers.collect();
        self.subjects.remove(subject);
        self.levels.remove(subject);
        Ok(numbers)
    }

    /// Deletes one version softly.
    #[cfg(test)]
    pub(super) fn delete_version(&mut self, subject: &str, number: i32) {
        let versions = self.subjects.get_mut(subject).into_iter().flatten();
        let named = versions.filter(|version| version.registered.version == number);
        named.for_each(|version| version.deleted = true);
    }

    /// Holds another text as this version, as a registry does that writes down texts otherwise than before.
    #[cfg(test)]
    pub(super) fn rewrite(&mut self, subject: &str, number: i32, new: &NewSchema) {
        let schema = self.parse(new).expect("a schema");
        let versions = self.subjects.get_mut(subject).into_iter().flatten();
        for version in versions.filter(|version| version.registered.version == number) {
            version.schema = schema.clone();
            version.content = content(new);
        }
    }

    fn live(&self, subject: &str) -> impl DoubleEndedIterator<Item = &Version> {
        let versions = self.subjects.get(subject).into_iter().flatten();
        versions.filter(|version| !version.deleted)
    }

    /// What the subject's level asks a new version to be compared with.
    pub(super) fn asked(&self, subject: &str) -> Against {
        match guarantees(self.level(subject)) {
            (_, _, true) => Against::Every,
            (_, _, false) => Against::Latest,
        }
    }

    fn id(&mut self, content: &Content) -> i64 {
        let known = self.ids.iter().position(|known| known == content);
        let at = known.unwrap_or_else(|| {
            self.ids.push(content.clone());
            self.ids.len() - 1
        });
        i64::try_from(at).unwrap_or(i64::MAX) + 1
    }

    fn parse(&self, new: &NewSchema) -> Result<Schema, Refusal> {
        let mut texts = Vec::new();
        self.named(&new.references, &mut texts)?;
        avro::parse(&new.text, &texts).map_err(|why| match why {
            Unparsed::Invalid(words) => refused(42201, words),
            Unparsed::Unjudged(why) => refused(42201, why),
        })
    }

    /// The texts of `references` and of all that these name.
    fn named(&self, references: &[Reference], texts: &mut Vec<String>) -> Result<(), Refusal> {
        for reference in references {
            let Reference {
                subject, version, ..
            } = reference;
            let mut live = self.live(subject);
            let found = live
                .find(|known| known.registered.version == *version)
                .ok_or_else(|| {
                    let words = format!("version {version} of subject {subject} is not there");
                    refused(42201, words)
                })?;
            if !texts.contains(&found.text) {
                self.named(&found.content.1, texts)?;
                texts.push(found.text.clone());
            }
        }
        Ok(())
    }

    fn not_referred_to(&self, subject: &str) -> Result<(), Refusal> {
        let versions = self.subjects.values().flatten();
        let refer = versions.filter(|version| self.deleted_refer || !version.deleted);
        let mut references = refer.flat_map(|version| &version.content.1);
        match references.any(|reference| reference.subject == subject) {
            true => Err(refused(
                42206,
                format!("There are subjects referencing {subject}"),
            )),
            false => Ok(()),
        }
    }
}

fn content(new: &NewSchema) -> Content {
    let text = serde_json::from_str(&new.text).unwrap_or(Value::Null);
    (text, new.references.clone())
}

fn not_found(subject: &str) -> Refusal {
    refused(40401, format!("Subject '{subject}' not found."))
}

fn refused(code: u32, message: impl Into<String>) -> Refusal {
    Refusal {
        code,
        message: message.into(),
    }
}

/// What a level guarantees: that new readers read old records, that old readers read new ones, and that of every version.
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
