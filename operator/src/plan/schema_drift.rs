use millrace_crds::Compatibility;

use super::{SchemaPlan, SchemaStep, SubjectObservation};
use crate::{
    resolve::ResolvedSchema,
    status::{Draft, reasons},
};

const LATEST: &str = "Latest";
/// Whether nobody else has changed the level of the subject.
pub const LEVEL_KEPT: &str = "LevelKept";

/// What others have changed in the registry beside the resource, as conditions that `Ready` does not count.
///
/// `Latest`: no other version is newer than the one that has the text; a newer one is left alone, since a registry gives an older
/// text no new version. `LevelKept`: the subject has the level that it was left with; where it has not, `plan` puts it back.
/// `level_before` is the level that the subject had after the last visit.
pub fn schema_drift(
    desired: &ResolvedSchema,
    observed: &SubjectObservation,
    plan: &SchemaPlan,
    level_before: Option<Compatibility>,
) -> Vec<Draft> {
    let latest = latest(desired, observed);
    let level = observed
        .owned
        .then(|| level(desired, observed, plan, level_before));
    latest.into_iter().chain(level.flatten()).collect()
}

fn latest(desired: &ResolvedSchema, observed: &SubjectObservation) -> Option<Draft> {
    let (subject, version) = (desired.subject.as_str(), observed.lookup?.version);
    let latest = observed.latest?;
    Some(if latest > version {
        Draft::no(
            LATEST,
            reasons::DRIFTED,
            format!(
                "version {latest} of subject `{subject}` is newer than version {version}, which has the text of this resource: who asks for the latest schema gets another one; write that text here, or delete the newer versions from the registry"
            ),
        )
    } else {
        Draft::yes(
            LATEST,
            reasons::SYNCED,
            format!("version {version} is the latest of subject `{subject}`"),
        )
    })
}

fn level(
    desired: &ResolvedSchema,
    observed: &SubjectObservation,
    plan: &SchemaPlan,
    before: Option<Compatibility>,
) -> Option<Draft> {
    let (subject, wanted) = (desired.subject.as_str(), desired.compatibility);
    if observed.level == Some(wanted) {
        return Some(Draft::yes(
            LEVEL_KEPT,
            reasons::SYNCED,
            format!("subject `{subject}` has the level {wanted:?}"),
        ));
    }
    let found = observed
        .level
        .map_or("none".to_owned(), |level| format!("{level:?}"));
    let when = match plan.steps.contains(&SchemaStep::SetLevel(wanted)) {
        true => "it is put back",
        false => "it is put back with the next text that the registry takes",
    };
    (before == Some(wanted)).then(|| {
        Draft::no(
            LEVEL_KEPT,
            reasons::DRIFTED,
            format!(
                "somebody has changed the level of subject `{subject}` from {wanted:?} to {found}: {when}; to change it, write `compatibility` in this resource"
            ),
        )
    })
}
