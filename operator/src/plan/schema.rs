use millrace_crds::{Compatibility, SubjectVersion};

use crate::{
    registry::{Against, Reference, Registered, Verdict},
    resolve::{ResolvedReference, ResolvedSchema},
    status::{Draft, State, reasons},
};

const COMPATIBLE: &str = "Compatible";
const REGISTERED: &str = "Registered";

/// What the registry says of a subject and of the schema that is desired for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectObservation {
    /// The subject's latest version; None if it does not exist.
    pub latest: Option<i32>,
    /// Whether the resource has taken the subject before.
    pub owned: bool,
    /// The level the subject is judged by now, where the registry tells.
    pub level: Option<Compatibility>,
    /// The schemas that the desired text names, as the registry has them.
    pub references: Vec<Reference>,
    /// The first one that it names and the registry does not have; it is not asked about the text then.
    pub missing: Option<ResolvedReference>,
    /// The version that has the desired text, if any.
    pub lookup: Option<Registered>,
    /// The verdict on the desired text at `level`; asked for only where no version has it.
    pub verdict: Option<Verdict>,
}

/// One thing to do in the registry. Each is idempotent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaStep {
    /// Set the subject's level.
    SetLevel(Compatibility),
    /// Register the text as the next version.
    Register,
}

/// What has to be done for one Schema before it is looked at again, and what is true of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaPlan {
    /// To be done, in this order. None: the registry is as it should be, or as near as it may come.
    pub steps: Vec<SchemaStep>,
    /// `Compatible` and `Registered`.
    pub conditions: Vec<Draft>,
    /// The version that has the desired text.
    pub registered: Option<Registered>,
}

/// What has to be done so that the subject has the desired text and level.
///
/// A plan with steps is carried out and the subject looked at again; it ends after at most two rounds (the invariant is held by
/// `a_plan_ends`). The order keeps three promises, which docs/design/0005-schemas.md derives:
/// nothing is registered that the level declared with it refuses; a level is loosened before the text that needs it is judged,
/// and tightened before the text is registered, but not for a text that even the looser level refuses;
/// a text that some version has already makes no new one.
pub fn schema(desired: &ResolvedSchema, observed: &SubjectObservation) -> SchemaPlan {
    let subject = desired.subject.as_str();
    let set_level = (observed.level != Some(desired.compatibility))
        .then_some(SchemaStep::SetLevel(desired.compatibility));
    if let Some(latest) = observed.latest
        && !observed.owned
        && !desired.adopt
    {
        let why = format!(
            "subject `{subject}` exists already, with {latest} as its latest version, and was not made by this resource: \
             write `adopt: true` to take it over, or another subject"
        );
        return settled(
            Draft::unknown(COMPATIBLE, reasons::NOT_ADOPTED, why.clone()),
            Draft::no(REGISTERED, reasons::NOT_ADOPTED, why),
        );
    }
    if let Some(missing) = &observed.missing {
        let why = awaits(missing);
        return settled(
            Draft::unknown(COMPATIBLE, reasons::REFERENCE_NOT_FOUND, why.clone()),
            Draft::unknown(REGISTERED, reasons::REFERENCE_NOT_FOUND, why),
        );
    }
    if let Some(registered) = observed.lookup {
        return SchemaPlan {
            steps: set_level.into_iter().collect(),
            conditions: vec![
                Draft::yes(
                    COMPATIBLE,
                    reasons::COMPATIBLE,
                    format!(
                        "version {} of subject `{subject}` is this schema",
                        registered.version
                    ),
                ),
                Draft::yes(REGISTERED, reasons::SYNCED, found(subject, registered)),
            ],
            registered: Some(registered),
        };
    }
    match (&observed.verdict, observed.latest) {
        (Some(Verdict::Invalid(words)), latest) => {
            let why = format!(
                "subject `{subject}`: {} is not {} schema: {words}",
                desired.source,
                a(desired)
            );
            settled(
                Draft::no(COMPATIBLE, reasons::INVALID_SCHEMA, why),
                stays(subject, latest, reasons::INVALID_SCHEMA),
            )
        }
        // Nothing to be compatible with. The level comes second, so that a text the registry refuses leaves nothing behind.
        (_, None) => underway(desired, [SchemaStep::Register].into_iter().chain(set_level)),
        (None, Some(_)) => underway(desired, []),
        (Some(Verdict::Compatible), Some(_)) => match set_level {
            None => underway(desired, [SchemaStep::Register]),
            Some(step) if allows_all_of(desired.compatibility, observed.level) => {
                underway(desired, [step, SchemaStep::Register])
            }
            Some(step) => underway(desired, [step]),
        },
        (Some(Verdict::Incompatible(words)), Some(latest)) => match set_level {
            Some(step) if desired.compatibility == Compatibility::None => {
                underway(desired, [step, SchemaStep::Register])
            }
            Some(step) if !refuses_all_of(desired.compatibility, observed.level) => {
                underway(desired, [step])
            }
            _ => settled(
                Draft::no(
                    COMPATIBLE,
                    reasons::INCOMPATIBLE,
                    breaks(desired, latest, words),
                ),
                stays(subject, Some(latest), reasons::INCOMPATIBLE),
            ),
        },
    }
}

/// What the sentence begins with that says that a text breaks somebody.
pub const BREAKS: &str = "the schema is incompatible with version";

/// Why a text cannot be the next version after `latest`, with the registry's words.
pub fn breaks(desired: &ResolvedSchema, latest: i32, words: &[String]) -> String {
    let words = if words.is_empty() {
        "the registry gives no reason".to_owned()
    } else {
        words.join("; ")
    };
    format!(
        "{BREAKS} {latest} of subject `{}` at the level {:?}: {words}",
        desired.subject.as_str(),
        desired.compatibility
    )
}

fn awaits(missing: &ResolvedReference) -> String {
    let ResolvedReference { name, subject, .. } = missing;
    let what = match missing.version {
        SubjectVersion::Number(version) => format!("version {version} of subject `{subject}`"),
        SubjectVersion::Latest(_) => format!("subject `{subject}`"),
    };
    format!(
        "{what}, which the schema names as `{name}`, is not in the registry: register it, or correct spec.references"
    )
}

fn a(desired: &ResolvedSchema) -> &'static str {
    match desired.schema_type {
        millrace_crds::SchemaType::Avro => "an Avro",
        millrace_crds::SchemaType::Json => "a JSON",
        millrace_crds::SchemaType::Protobuf => "a Protobuf",
    }
}

fn found(subject: &str, registered: Registered) -> String {
    let Registered { id, version } = registered;
    format!("subject `{subject}` has the schema as version {version} with id {id}")
}

fn stays(subject: &str, latest: Option<i32>, reason: &'static str) -> Draft {
    let message = match latest {
        Some(latest) => {
            format!("nothing was registered; version {latest} of subject `{subject}` stays")
        }
        None => format!("nothing was registered; subject `{subject}` does not exist"),
    };
    Draft::no(REGISTERED, reason, message)
}

fn settled(compatible: Draft, registered: Draft) -> SchemaPlan {
    SchemaPlan {
        steps: Vec::new(),
        conditions: vec![compatible, registered],
        registered: None,
    }
}

fn underway(desired: &ResolvedSchema, steps: impl IntoIterator<Item = SchemaStep>) -> SchemaPlan {
    let message = format!(
        "subject `{}` is being brought up to date",
        desired.subject.as_str()
    );
    let draft = |kind| Draft {
        kind,
        state: State::Unknown,
        reason: reasons::PROGRESSING,
        message: message.clone(),
    };
    SchemaPlan {
        steps: steps.into_iter().collect(),
        conditions: vec![draft(COMPATIBLE), draft(REGISTERED)],
        registered: None,
    }
}

/// What a level asks of a new version: to read old records, to be read by old readers, and that of every version.
pub fn asks(level: Compatibility) -> [bool; 3] {
    match level {
        Compatibility::None => [false, false, false],
        Compatibility::Backward => [true, false, false],
        Compatibility::BackwardTransitive => [true, false, true],
        Compatibility::Forward => [false, true, false],
        Compatibility::ForwardTransitive => [false, true, true],
        Compatibility::Full => [true, true, false],
        Compatibility::FullTransitive => [true, true, true],
    }
}

/// What a new version is compared with where the subject's latest version is `latest` and its level is `stored`. Of a level that is
/// not told the most is asked.
pub fn against(latest: Option<i32>, stored: Option<Compatibility>) -> Against {
    match (latest, stored.map(asks)) {
        (None, _) => Against::Nothing,
        (Some(_), Some([_, _, false])) => Against::Latest,
        (Some(_), _) => Against::Every,
    }
}

/// Whether what passes at `stored` passes at `level` as well: `level` asks for nothing more.
pub fn allows_all_of(level: Compatibility, stored: Option<Compatibility>) -> bool {
    stored.is_some_and(|stored| {
        asks(level)
            .into_iter()
            .zip(asks(stored))
            .all(|(asked, before)| before || !asked)
    })
}

/// Whether what fails at `stored` fails at `level` as well: `level` asks for nothing less.
pub fn refuses_all_of(level: Compatibility, stored: Option<Compatibility>) -> bool {
    stored.is_some_and(|stored| allows_all_of(stored, Some(level)))
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use testing::{SUBJECT, condition, converge, desired, visit};
