use std::time::Duration;

use kube::ResourceExt;
use millrace_crds::{
    Compatibility, ConformanceMode, Schema, SchemaConformance, SchemaTopicRef, SchemaType,
    SubjectDeletionPolicy, SubjectPart,
};

use super::{
    Claimant, Facts, Name, Rejection, Subject, TopicName,
    grant::{granted, may_claim},
    holder::holds,
    schema_references::{ResolvedReference, references},
    schema_text::{syntax, text},
    topic::{positive, topic_name},
};
use crate::{status::reasons, world::ClusterKey};

/// A schema whose subject its resource may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedSchema {
    /// The cluster whose registry takes it.
    pub cluster: ClusterKey,
    /// Its subject.
    pub subject: Subject,
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// Where the text stands, for messages: `spec.schema`, or the key of a ConfigMap.
    pub source: String,
    /// The schemas that the text names.
    pub references: Vec<ResolvedReference>,
    /// The level the subject shall have.
    pub compatibility: Compatibility,
    /// Whether a subject that exists already may be taken over.
    pub adopt: bool,
    /// What happens to the subject when the resource goes.
    pub deletion_policy: SubjectDeletionPolicy,
    /// Whether samples of records are looked at, and of which.
    pub audit: Option<ResolvedAudit>,
}

/// The records that are audited for schemas of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedAudit {
    /// Their topic, one of the resource's namespace.
    pub topic: TopicName,
    /// The part that the schema describes.
    pub part: SubjectPart,
    /// The most of them in one sample, 1 or more.
    pub max_records: usize,
    /// Time between two samples.
    pub interval: Duration,
}

/// What a Schema asks for, if it may.
///
/// # Errors
/// A [`Rejection`] when the namespace may not use the cluster or the subject, another resource holds the subject, the Topic or the text is not there,
/// or a schema that it names cannot be named yet or not by it.
pub fn schema(schema: &Schema, facts: &dyn Facts) -> Result<ResolvedSchema, Rejection> {
    let me = Claimant::of(schema);
    let spec = &schema.spec;
    let cluster = ClusterKey::of(&spec.cluster_ref, &me.namespace);
    let written = text(schema, &me, facts);
    if let Ok(written) = &written {
        syntax(spec.schema_type, written)?;
    }
    let mut audit = None;
    let subject = match (&spec.subject, &spec.topic_ref) {
        (Some(subject), _) => subject.clone(),
        (None, Some(reference)) => {
            let topic = topic_of(reference, &me, &cluster, facts)?;
            let subject = format!("{topic}-{}", suffix(reference.part));
            audit = audited(spec.conformance.as_ref(), topic, reference.part);
            subject
        }
        (None, None) => {
            return Err(Rejection::no(
                reasons::INVALID_SPEC,
                "write either `subject` or `topicRef`",
            ));
        }
    };
    granted(&cluster, &me.namespace, facts)?.check("subject", &subject, &me.namespace, &cluster)?;
    lives_with_its_topic(&subject, &me, &cluster, facts)?;
    holds(
        &me,
        &cluster,
        "subject",
        &subject,
        &names(&subject, &cluster, facts),
        facts,
    )?;
    // What is at fault in the resource comes first: a ConfigMap may only not be there yet.
    let written = written?;
    let references = references(schema, &subject, &me, &cluster, facts)?;
    Ok(ResolvedSchema {
        cluster,
        subject: Subject(subject),
        schema_type: spec.schema_type,
        text: written.text,
        source: written.source,
        references,
        compatibility: spec.compatibility,
        adopt: spec.adopt,
        deletion_policy: spec.deletion_policy,
        audit,
    })
}

/// The topic of a Topic of the same namespace, which must hold its name. The subject is called after it (TopicNameStrategy).
fn topic_of(
    reference: &SchemaTopicRef,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<TopicName, Rejection> {
    let path = format!("Topic {}/{}", me.namespace, reference.name);
    let topic = facts.topic(&me.namespace, &reference.name).ok_or_else(|| {
        Rejection::unknown(
            reasons::REFERENCE_NOT_FOUND,
            format!("there is no {path}: create it, or correct spec.topicRef"),
        )
    })?;
    let theirs = ClusterKey::of(&topic.spec.cluster_ref, &me.namespace);
    if theirs != *cluster {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "{path} is on KafkaCluster {theirs}, the schema on {cluster}: write the same clusterRef"
            ),
        ));
    }
    let text = topic
        .spec
        .topic_name
        .clone()
        .unwrap_or_else(|| topic.name_any());
    topic_name(&Claimant::of(topic.as_ref()), cluster, &text, facts)
}

fn audited(
    conformance: Option<&SchemaConformance>,
    topic: TopicName,
    part: SubjectPart,
) -> Option<ResolvedAudit> {
    let asked = conformance.filter(|asked| asked.mode == ConformanceMode::Audit)?;
    Some(ResolvedAudit {
        topic,
        part,
        max_records: positive(asked.max_records),
        interval: Duration::from_secs(u64::from(asked.interval_seconds.max(10).unsigned_abs())),
    })
}

/// A subject that is called after a topic of another namespace is that namespace's, though both may use names that begin so.
pub(super) fn lives_with_its_topic(
    subject: &str,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<(), Rejection> {
    let topics = [SubjectPart::Key, SubjectPart::Value]
        .into_iter()
        .filter_map(|part| subject.strip_suffix(&format!("-{}", suffix(part))));
    for topic in topics {
        let claimants = facts.claimants(cluster, &Name::Topic(topic.to_owned()));
        let holder = claimants
            .into_iter()
            .find(|claimant| may_claim(cluster, &claimant.namespace, topic, facts));
        if let Some(holder) = holder.filter(|holder| holder.namespace != me.namespace) {
            return Err(Rejection::no(
                reasons::NOT_ALLOWED,
                format!(
                    "subject `{subject}` is that of topic `{topic}`, which is held by {holder}: a Schema for a topic lives in the topic's namespace, write it in `{}` or choose another subject",
                    holder.namespace
                ),
            ));
        }
    }
    Ok(())
}

fn suffix(part: SubjectPart) -> &'static str {
    match part {
        SubjectPart::Key => "key",
        SubjectPart::Value => "value",
    }
}

/// Everything under which a subject can be claimed: by its text, and through any Topic of that name.
pub(super) fn names(subject: &str, cluster: &ClusterKey, facts: &dyn Facts) -> Vec<Name> {
    let through = [SubjectPart::Key, SubjectPart::Value]
        .into_iter()
        .filter_map(|part| Some((part, subject.strip_suffix(&format!("-{}", suffix(part)))?)));
    let topics = through.flat_map(|(part, topic)| {
        let holders = facts.claimants(cluster, &Name::Topic(topic.to_owned()));
        holders.into_iter().map(move |holder| Name::SubjectOf {
            namespace: holder.namespace,
            topic: holder.name,
            part,
        })
    });
    topics.chain([Name::Subject(subject.to_owned())]).collect()
}
