use std::collections::BTreeSet;

use kube::ResourceExt;
use millrace_crds::{ConsumerGroup, DlqRef, OffsetReset, TopicRef};

use super::{
    Claimant, Facts, GroupId, Name, Rejection, TopicName, consent::allows, dlq::dlq_topic,
    grant::granted, holder::holds, topic::topic_name,
};
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource, Principal},
    status::reasons,
    world::ClusterKey,
};

/// A consumer group that may read what it declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedGroup {
    /// The cluster it reads from.
    pub cluster: ClusterKey,
    /// Its group id.
    pub group_id: GroupId,
    /// The topics it reads, in the order declared.
    pub topics: Vec<TopicName>,
    /// Where its dead letters go.
    pub dlq: Option<TopicName>,
    /// Where it begins without a committed offset.
    pub offset_reset: OffsetReset,
    /// What it asks to be allowed.
    pub grants: BTreeSet<Acl>,
}

/// What a ConsumerGroup asks for, if it may.
///
/// # Errors
/// A [`Rejection`] when the namespace may not use the cluster or the group id, another resource holds the id,
/// or a Topic or DLQ is not there or does not let the group in.
pub fn consumer_group(
    group: &ConsumerGroup,
    facts: &dyn Facts,
) -> Result<ResolvedGroup, Rejection> {
    let me = Claimant::of(group);
    let spec = &group.spec;
    let cluster = ClusterKey::of(&spec.cluster_ref, &me.namespace);
    let text = spec.group_id.clone().unwrap_or_else(|| group.name_any());
    granted(&cluster, &me.namespace, facts)?.check("group id", &text, &me.namespace, &cluster)?;
    holds(
        &me,
        &cluster,
        "group id",
        &text,
        &[Name::Group(text.clone())],
        facts,
    )?;
    let topics = spec
        .topics
        .iter()
        .map(|reference| readable(reference, &me, &cluster, facts))
        .collect::<Result<Vec<_>, _>>()?;
    let dlq = spec
        .dlq_ref
        .as_ref()
        .map(|reference| writable(reference, &me, &cluster, facts))
        .transpose()?;
    let principal = Principal::service_account(&me.namespace, &spec.service_account_name);
    let mut grants: BTreeSet<Acl> = reads(&principal, &topics, &text).into_iter().collect();
    grants.extend(dlq.iter().flat_map(|topic| dead_letters(&principal, topic)));
    Ok(ResolvedGroup {
        cluster,
        group_id: GroupId(text),
        topics,
        dlq,
        offset_reset: spec.offset_reset,
        grants,
    })
}

/// The topic a reference names, if the group may read it: it is in the same namespace, or lets this one in.
fn readable(
    reference: &TopicRef,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<TopicName, Rejection> {
    let home = reference.namespace.as_deref().unwrap_or(&me.namespace);
    let path = format!("Topic {home}/{}", reference.name);
    let found = facts
        .topic(home, &reference.name)
        .ok_or_else(|| missing(&path))?;
    let labels = facts.namespace_labels(&me.namespace).unwrap_or_default();
    if !allows(
        found.spec.allowed_consumers.as_ref(),
        home,
        &me.namespace,
        &labels,
    ) {
        return Err(not_allowed(&path, &me.namespace, "allowedConsumers"));
    }
    on_cluster(
        &path,
        &ClusterKey::of(&found.spec.cluster_ref, home),
        cluster,
    )?;
    let text = found
        .spec
        .topic_name
        .clone()
        .unwrap_or_else(|| found.name_any());
    topic_name(&Claimant::of(found.as_ref()), cluster, &text, facts)
}

/// The dead-letter topic a reference names, if the group may write to it.
fn writable(
    reference: &DlqRef,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<TopicName, Rejection> {
    let home = reference.namespace.as_deref().unwrap_or(&me.namespace);
    let path = format!("DLQ {home}/{}", reference.name);
    let found = facts
        .dlq(home, &reference.name)
        .ok_or_else(|| missing(&path))?;
    let labels = facts.namespace_labels(&me.namespace).unwrap_or_default();
    if !allows(
        found.spec.allowed_groups.as_ref(),
        home,
        &me.namespace,
        &labels,
    ) {
        return Err(not_allowed(&path, &me.namespace, "allowedGroups"));
    }
    on_cluster(
        &path,
        &ClusterKey::of(&found.spec.cluster_ref, home),
        cluster,
    )?;
    dlq_topic(&found, facts)
}

fn missing(path: &str) -> Rejection {
    Rejection::unknown(
        reasons::REFERENCE_NOT_FOUND,
        format!("there is no {path}: create it, or correct the reference"),
    )
}

fn not_allowed(path: &str, visitor: &str, field: &str) -> Rejection {
    Rejection::no(
        reasons::NOT_ALLOWED,
        format!(
            "{path} does not let namespace `{visitor}` in: ask its owner to allow it in spec.{field}"
        ),
    )
}

fn on_cluster(path: &str, theirs: &ClusterKey, ours: &ClusterKey) -> Result<(), Rejection> {
    if theirs == ours {
        return Ok(());
    }
    Err(Rejection::no(
        reasons::INVALID_SPEC,
        format!(
            "{path} is on KafkaCluster {theirs}, the group on {ours}: a group reads from one cluster"
        ),
    ))
}

/// Read on the topics and the group; Describe comes with Read, it is written down so that the access can be read off.
pub(super) fn reads(principal: &Principal, topics: &[TopicName], group: &str) -> Vec<Acl> {
    let acl = |resource, name: &str, operation| Acl {
        principal: principal.clone(),
        resource,
        pattern: AclPattern::Literal,
        name: name.to_owned(),
        operation,
    };
    let operations = [AclOperation::Read, AclOperation::Describe];
    let on_topics = topics.iter().flat_map(|topic| {
        operations.map(|operation| acl(AclResource::Topic, topic.as_str(), operation))
    });
    on_topics
        .chain(operations.map(|operation| acl(AclResource::Group, group, operation)))
        .collect()
}

fn dead_letters(principal: &Principal, topic: &TopicName) -> [Acl; 2] {
    [AclOperation::Write, AclOperation::Describe].map(|operation| Acl {
        principal: principal.clone(),
        resource: AclResource::Topic,
        pattern: AclPattern::Literal,
        name: topic.as_str().to_owned(),
        operation,
    })
}
