use millrace_crds::SubjectVersion;

use crate::{
    plan::{self, SchemaStep, SubjectObservation},
    registry::{NewSchema, Reference, RegistryError, SchemaRegistry},
    resolve::{ResolvedReference, ResolvedSchema},
};

/// Looks at the subject of a schema. The verdict is asked for only where no version has the text: such a text breaks nobody.
/// Where a schema that the text names is not there, nothing is asked about the text: registries answer that in many ways.
/// Nothing is written. `owned` says that the resource has taken the subject before.
///
/// # Errors
/// When the registry refuses or does not answer.
pub async fn observe(
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    owned: bool,
) -> Result<SubjectObservation, RegistryError> {
    let subject = desired.subject.as_str();
    let mut observed = SubjectObservation {
        latest: registry.latest(subject).await?,
        owned,
        level: registry.level(subject).await?,
        references: Vec::new(),
        missing: None,
        lookup: None,
        verdict: None,
    };
    for reference in &desired.references {
        match find(registry, reference).await? {
            Some(found) => observed.references.push(found),
            None => {
                observed.missing = Some(reference.clone());
                return Ok(observed);
            }
        }
    }
    let schema = new_schema(desired, &observed);
    if observed.latest.is_some() {
        observed.lookup = registry.lookup(subject, &schema).await?;
    }
    if observed.lookup.is_none() {
        let against = plan::against(observed.latest, observed.level);
        observed.verdict = Some(registry.check(subject, &schema, against).await?);
    }
    Ok(observed)
}

/// The version that a reference means now; None if there is no such version.
async fn find(
    registry: &dyn SchemaRegistry,
    reference: &ResolvedReference,
) -> Result<Option<Reference>, RegistryError> {
    let versions = registry.versions(&reference.subject).await?;
    let version = match reference.version {
        SubjectVersion::Number(number) => versions.into_iter().find(|version| *version == number),
        SubjectVersion::Latest(_) => versions.last().copied(),
    };
    Ok(version.map(|version| Reference {
        name: reference.name.clone(),
        subject: reference.subject.clone(),
        version,
    }))
}

/// Carries one step out, with the references that were `observed`.
///
/// # Errors
/// When the registry refuses or does not answer.
pub async fn carry_out(
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    observed: &SubjectObservation,
    step: SchemaStep,
) -> Result<(), RegistryError> {
    let subject = desired.subject.as_str();
    match step {
        SchemaStep::SetLevel(level) => registry.set_level(subject, level).await,
        SchemaStep::Register => registry
            .register(subject, &new_schema(desired, observed))
            .await
            .map(drop),
    }
}

fn new_schema(desired: &ResolvedSchema, observed: &SubjectObservation) -> NewSchema {
    NewSchema {
        schema_type: desired.schema_type,
        text: desired.text.clone(),
        references: observed.references.clone(),
    }
}
