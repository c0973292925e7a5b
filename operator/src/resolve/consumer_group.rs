use std::collections::BTreeSet;

use kube::ResourceExt;
use millrace_crds::{ConsumerGroup, DlqRef, OffsetReset, TopicRef};

use super::{
    Claimant, Facts, GroupId, Name, Rejection, TopicName, TopicPrefix,
    consent::allows,
    dlq::dlq_topic,
    grant::{granted, may_claim},
    holder::holds,
    schedule::schedules,
    streams,
    topic::topic_name,
};
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource, GroupType, Principal},
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
    /// How its consumers share the topics.
    pub kind: GroupType,
    /// The topics it reads by name, in the order declared.
    pub topics: Vec<TopicName>,
    /// It reads all topics that begin with one of these, too.
    pub prefixes: Vec<TopicPrefix>,
    /// What the internal topics of an application of Kafka Streams begin with.
    pub internal: Option<TopicPrefix>,
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
    let (cluster, group_id) = group_id(group, facts)?;
    target_is_named(group)?;
    spec.autoscaling.as_ref().map_or(Ok(()), schedules)?;
    let topics = spec
        .topics
        .iter()
        .filter_map(|reference| Some((reference.name.as_deref()?, reference)))
        .map(|(name, reference)| readable(name, reference, &me, &cluster, facts))
        .collect::<Result<Vec<_>, _>>()?;
    let prefixes = spec
        .topics
        .iter()
        .filter_map(|reference| reference.prefix.as_deref())
        .map(|prefix| own_prefix(prefix, &me, &cluster, facts))
        .collect::<Result<Vec<_>, _>>()?;
    let dlq = spec
        .dlq_ref
        .as_ref()
        .map(|reference| writable(reference, &me, &cluster, facts))
        .transpose()?;
    let kind = kind(spec.kind);
    let internal = (kind == GroupType::Streams)
        .then(|| streams::internal(&group_id, &me, &cluster, facts))
        .transpose()?;
    let principal = Principal::service_account(&me.namespace, &spec.service_account_name);
    let mut grants: BTreeSet<Acl> = reads(&principal, &topics, group_id.as_str())
        .into_iter()
        .collect();
    grants.extend(
        prefixes
            .iter()
            .flat_map(|prefix| reads_all(&principal, prefix)),
    );
    grants.extend(dlq.iter().flat_map(|topic| dead_letters(&principal, topic)));
    let internals = internal.iter();
    grants.extend(internals.flat_map(|prefix| streams::own_access(&principal, prefix)));
    Ok(ResolvedGroup {
        cluster,
        group_id,
        kind,
        topics,
        prefixes,
        internal,
        dlq,
        offset_reset: spec.offset_reset,
        grants,
    })
}

/// The names a ConsumerGroup asks for: its group id and, as an application of Kafka Streams, all that its internal topics begin with.
pub fn group_names(group: &ConsumerGroup) -> Vec<Name> {
    let id = declared_id(group);
    let internal = match kind(group.spec.kind) {
        GroupType::Streams => Some(Name::Topic(streams::internal_prefix(&id))),
        GroupType::Classic | GroupType::Consumer | GroupType::Share => None,
    };
    [Name::Group(id)].into_iter().chain(internal).collect()
}

fn declared_id(group: &ConsumerGroup) -> String {
    let written = group.spec.group_id.clone();
    written.unwrap_or_else(|| group.name_any())
}

fn kind(declared: millrace_crds::GroupType) -> GroupType {
    match declared {
        millrace_crds::GroupType::Classic => GroupType::Classic,
        millrace_crds::GroupType::Consumer => GroupType::Consumer,
        millrace_crds::GroupType::Share => GroupType::Share,
        millrace_crds::GroupType::Streams => GroupType::Streams,
    }
}

/// The group id and the cluster of a ConsumerGroup, if it holds them.
///
/// # Errors
/// A [`Rejection`] when the namespace may not use the cluster or the group id, or another resource holds the id.
pub fn group_id(
    group: &ConsumerGroup,
    facts: &dyn Facts,
) -> Result<(ClusterKey, GroupId), Rejection> {
    let me = Claimant::of(group);
    let cluster = ClusterKey::of(&group.spec.cluster_ref, &me.namespace);
    let text = declared_id(group);
    granted(&cluster, &me.namespace, facts)?.check("group id", &text, &me.namespace, &cluster)?;
    let names = [Name::Group(text.clone())];
    holds(&me, &cluster, "group id", &text, &names, facts)?;
    Ok((cluster, GroupId(text)))
}

/// The topic a reference names, if the group may read it: it is in the same namespace, or lets this one in.
fn readable(
    name: &str,
    reference: &TopicRef,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<TopicName, Rejection> {
    let home = reference.namespace.as_deref().unwrap_or(&me.namespace);
    let path = format!("Topic {home}/{name}");
    let found = facts.topic(home, name).ok_or_else(|| missing(&path))?;
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

/// The workload is an object of the group's own namespace: its name is no path to another one's.
fn target_is_named(group: &ConsumerGroup) -> Result<(), Rejection> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    match &group.spec.scale_target_ref {
        Some(target) if !target.name.chars().all(plain) => Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "scaleTargetRef.name `{}`: write the name of an object in this namespace, lower case letters, digits, '-' and '.'",
                target.name
            ),
        )),
        _ => Ok(()),
    }
}

/// A beginning of topic names, if all of them are the group's namespace's: it is granted, and no other namespace has a topic
/// there. Two namespaces may share a prefix; what belongs to the other one is read by name, with its consent.
fn own_prefix(
    prefix: &str,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<TopicPrefix, Rejection> {
    const WHAT: &str = "topics[].prefix";
    if !prefix.ends_with(['.', '_', '-']) {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "{WHAT} `{prefix}`: end it in a separator ('.', '_' or '-') so that it cannot match another team's names"
            ),
        ));
    }
    granted(cluster, &me.namespace, facts)?.check_prefix(WHAT, prefix, &me.namespace, cluster)?;
    let others = facts.others_under(cluster, prefix, &me.namespace);
    let other = others
        .iter()
        .find(|(name, other)| may_claim(cluster, &other.namespace, name, facts));
    match other {
        None => Ok(TopicPrefix(prefix.to_owned())),
        Some((name, other)) => Err(Rejection::no(
            reasons::NOT_ALLOWED,
            format!(
                "{WHAT} `{prefix}` covers topic `{name}` of {other}: a prefix reads no other namespace's topics, write a longer one, and topics of others by name"
            ),
        )),
    }
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

pub(super) fn missing(path: &str) -> Rejection {
    Rejection::unknown(
        reasons::REFERENCE_NOT_FOUND,
        format!("there is no {path}: create it, or correct the reference"),
    )
}

pub(super) fn not_allowed(path: &str, visitor: &str, field: &str) -> Rejection {
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

/// Read and Describe on every topic that begins with the prefix.
fn reads_all(principal: &Principal, prefix: &TopicPrefix) -> [Acl; 2] {
    [AclOperation::Read, AclOperation::Describe].map(|operation| Acl {
        principal: principal.clone(),
        resource: AclResource::Topic,
        pattern: AclPattern::Prefixed,
        name: prefix.as_str().to_owned(),
        operation,
    })
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
