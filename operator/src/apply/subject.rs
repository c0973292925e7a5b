use crate::{
    plan::{SchemaStep, SubjectObservation},
    registry::{NewSchema, RegistryError, SchemaRegistry},
    resolve::ResolvedSchema,
};

/// Looks at the subject of a schema. The verdict is asked for only where no version has the text: such a text breaks nobody.
/// Nothing is written. `owned` says that the resource has taken the subject before.
///
/// # Errors
/// When the registry refuses or does not answer.
pub async fn observe(
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    owned: bool,
) -> Result<SubjectObservation, RegistryError> {
    let (subject, schema) = (desired.subject.as_str(), new_schema(desired));
    let latest = registry.latest(subject).await?;
    let lookup = match latest {
        Some(_) => registry.lookup(subject, &schema).await?,
        None => None,
    };
    let verdict = match lookup {
        Some(_) => None,
        None => Some(registry.check(subject, &schema).await?),
    };
    Ok(SubjectObservation {
        latest,
        owned,
        level: registry.level(subject).await?,
        lookup,
        verdict,
    })
}

/// Carries one step out.
///
/// # Errors
/// When the registry refuses or does not answer.
pub async fn carry_out(
    registry: &dyn SchemaRegistry,
    desired: &ResolvedSchema,
    step: SchemaStep,
) -> Result<(), RegistryError> {
    let subject = desired.subject.as_str();
    match step {
        SchemaStep::SetLevel(level) => registry.set_level(subject, level).await,
        SchemaStep::Register => registry
            .register(subject, &new_schema(desired))
            .await
            .map(drop),
    }
}

fn new_schema(desired: &ResolvedSchema) -> NewSchema {
    NewSchema {
        schema_type: desired.schema_type,
        text: desired.text.clone(),
    }
}
