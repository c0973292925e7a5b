use millrace_crds::{Schema, SchemaRef, SubjectVersion};

use super::{
    Claimant, Facts, Rejection, allows,
    consumer_group::{missing, not_allowed},
    grant::{granted, may_claim},
    schema::{lives_with_its_topic, names},
    schema_circle::circle,
};
use crate::{status::reasons, world::ClusterKey};

/// A schema that another one names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedReference {
    /// What the text calls it.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Which version of the subject.
    pub version: SubjectVersion,
}

/// The schemas that `schema`, of this subject, names, in the order in which they are written.
///
/// # Errors
/// A [`Rejection`] where they lead back to `schema`, one is not registered yet, or the namespace may not refer to it.
pub(super) fn references(
    schema: &Schema,
    subject: &str,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<Vec<ResolvedReference>, Rejection> {
    if let Some(circle) = circle(schema, subject, facts) {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "spec.references lead in a circle: {}: a registry takes one schema after the other, take a reference out, name a version by its number, or write the schemas as one",
                circle.join(" → ")
            ),
        ));
    }
    let resolve = |written: &millrace_crds::SchemaReference| {
        let (subject, version) = match (&written.schema_ref, &written.subject, written.version) {
            (Some(reference), _, _) => registered(reference, schema, me, cluster, facts)?,
            (None, Some(subject), Some(version)) => {
                may_refer(subject, me, cluster, facts)?;
                (subject.clone(), version)
            }
            _ => {
                return Err(Rejection::no(
                    reasons::INVALID_SPEC,
                    "references: write either `schemaRef`, or `subject` with `version`",
                ));
            }
        };
        Ok(ResolvedReference {
            name: written.name.clone(),
            subject,
            version,
        })
    };
    schema.spec.references.iter().map(resolve).collect()
}

/// The version that another Schema of the namespace has in the registry, once its status has settled for the spec it has now: what
/// is applied with it may need its new text. Where that text was refused, the version that stays is meant.
fn registered(
    reference: &SchemaRef,
    schema: &Schema,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<(String, SubjectVersion), Rejection> {
    let path = format!("Schema {}/{}", me.namespace, reference.name);
    let found = facts
        .schema(&me.namespace, &reference.name)
        .ok_or_else(|| missing(&path))?;
    let theirs = ClusterKey::of(&found.spec.cluster_ref, &me.namespace);
    if theirs != *cluster {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "{path} is on KafkaCluster {theirs}, this one on {cluster}: write the same clusterRef"
            ),
        ));
    }
    if found.spec.schema_type != schema.spec.schema_type {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "{path} is of type {:?}, this one of type {:?}: a schema names schemas of its own type",
                found.spec.schema_type, schema.spec.schema_type
            ),
        ));
    }
    let status = found.status.clone().unwrap_or_default();
    let settled = status.observed_generation == found.metadata.generation
        && status
            .conditions
            .iter()
            .any(|condition| condition.type_ == "Registered" && condition.status != "Unknown");
    match (status.subject, status.version) {
        (Some(subject), Some(version)) if settled => Ok((subject, SubjectVersion::Number(version))),
        _ => Err(Rejection::unknown(
            reasons::REFERENCE_NOT_READY,
            format!("waiting for {path} to be registered: see its condition Registered"),
        )),
    }
}

/// Whether `me` may name a subject. The registry does not delete what is named, so naming takes the consent of whoever holds
/// the subject; one that nobody holds must be called as `me` may call its own.
fn may_refer(
    subject: &str,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<(), Rejection> {
    let Some(holder) = holder(subject, cluster, facts) else {
        granted(cluster, &me.namespace, facts)?.check(
            "subject",
            subject,
            &me.namespace,
            cluster,
        )?;
        return lives_with_its_topic(subject, me, cluster, facts);
    };
    let theirs = facts.schema(&holder.namespace, &holder.name);
    let allowed = theirs
        .as_ref()
        .and_then(|schema| schema.spec.allowed_references.as_ref());
    let labels = facts.namespace_labels(&me.namespace).unwrap_or_default();
    match allows(allowed, &holder.namespace, &me.namespace, &labels) {
        true => Ok(()),
        false => Err(not_allowed(
            &format!("{holder}, which holds subject `{subject}`,"),
            &me.namespace,
            "allowedReferences",
        )),
    }
}

/// The Schema that holds a subject: the oldest of those that ask for it and may have it.
pub(super) fn holder(subject: &str, cluster: &ClusterKey, facts: &dyn Facts) -> Option<Claimant> {
    names(subject, cluster, facts)
        .iter()
        .flat_map(|name| facts.claimants(cluster, name))
        .filter(|claimant| may_claim(cluster, &claimant.namespace, subject, facts))
        .min()
}
