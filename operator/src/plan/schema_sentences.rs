use super::{SchemaPlan, SchemaStep, SubjectObservation};
use crate::resolve::ResolvedSchema;

/// A sentence for each step in the registry.
pub fn schema_sentences(
    desired: &ResolvedSchema,
    observed: &SubjectObservation,
    plan: &SchemaPlan,
) -> Vec<String> {
    let subject = desired.subject.as_str();
    let sentence = |step: &SchemaStep| match step {
        SchemaStep::SetLevel(level) => {
            format!("set the level of subject `{subject}` to {level:?}")
        }
        SchemaStep::Register => {
            let version = observed.latest.map_or(1, |latest| latest.saturating_add(1));
            format!("register the schema as version {version} of subject `{subject}`")
        }
    };
    plan.steps.iter().map(sentence).collect()
}
