use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use millrace_crds::{ConfigMap, DeletionPolicy, LayoutPolicy, ManagementPolicy, Producer, Topic};

use super::{
    Capped, Claimant, Facts, Name, Rejection, Share, TopicName, grant::granted, holder::holds,
    limit::room,
};
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource, Principal},
    world::ClusterKey,
};

/// A topic that may be made, from a Topic or a DLQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedTopic {
    /// The cluster it lives on.
    pub cluster: ClusterKey,
    /// Its name in Kafka.
    pub name: TopicName,
    /// Partitions, at least 1.
    pub partitions: usize,
    /// Replicas of each partition; None for the cluster's default (3, or 1 on one node).
    pub replicas: Option<usize>,
    /// Whether replicas that lie badly are moved.
    pub layout: LayoutPolicy,
    /// Configuration; None as a value for a key that is left as it is.
    pub config: BTreeMap<String, Option<String>>,
    /// Whether a topic that exists already may be taken over.
    pub adopt: bool,
    /// Whether the topic goes with its resource; never where it is only observed.
    pub delete: bool,
    /// What keeps the topic from getting the partitions it asks for.
    pub capped: Option<Capped>,
    /// Whether the topic is made as desired, or only compared with it.
    pub management: ManagementPolicy,
    /// What the resource asks to be allowed.
    pub grants: BTreeSet<Acl>,
}

/// What a Topic asks for, if it may.
///
/// # Errors
/// A [`Rejection`] when the namespace may not use the cluster or the name, another resource holds the name, or there is no room for a
/// topic more.
pub fn topic(topic: &Topic, facts: &dyn Facts) -> Result<ResolvedTopic, Rejection> {
    let namespace = topic.namespace().unwrap_or_default();
    let spec = &topic.spec;
    let cluster = ClusterKey::of(&spec.cluster_ref, &namespace);
    let text = spec.topic_name.clone().unwrap_or_else(|| topic.name_any());
    let name = topic_name(&Claimant::of(topic), &cluster, &text, facts)?;
    let allowed = granted(&cluster, &namespace, facts)?;
    for id in spec
        .producers
        .iter()
        .filter_map(|p| p.transactional_id_prefix.as_ref())
    {
        allowed.check_prefix("transactionalIdPrefix", id, &namespace, &cluster)?;
    }
    let share = topic_share(topic).unwrap_or_default();
    let capped = room(&Claimant::of(topic), &cluster, &text, share, facts)?;
    Ok(ResolvedTopic {
        capped,
        cluster,
        partitions: positive(spec.partitions),
        replicas: spec.replicas.map(positive),
        layout: spec.layout_policy,
        config: config(spec.config.as_ref()),
        adopt: spec.adopt,
        delete: spec.deletion_policy == DeletionPolicy::Delete
            && spec.management_policy == ManagementPolicy::Manage,
        management: spec.management_policy,
        grants: spec
            .producers
            .iter()
            .flat_map(|producer| produces(producer, &namespace, &name))
            .collect(),
        name,
    })
}

/// What a Topic has, and asks for, of its namespace's limits. One that is only observed asks for nothing.
pub fn topic_share(topic: &Topic) -> Option<Share> {
    if topic.spec.management_policy == ManagementPolicy::Observe {
        return None;
    }
    let status = topic.status.as_ref();
    Some(Share::of(
        positive(topic.spec.partitions),
        status.and_then(|status| status.partitions).map(positive),
    ))
}

/// The topic's name, if the claimant's namespace may use it and nobody else holds it.
pub(super) fn topic_name(
    me: &Claimant,
    cluster: &ClusterKey,
    text: &str,
    facts: &dyn Facts,
) -> Result<TopicName, Rejection> {
    granted(cluster, &me.namespace, facts)?.check("topic", text, &me.namespace, cluster)?;
    holds(
        me,
        cluster,
        "topic",
        text,
        &[Name::Topic(text.to_owned())],
        facts,
    )?;
    Ok(TopicName(text.to_owned()))
}

pub(super) fn config(config: Option<&ConfigMap>) -> BTreeMap<String, Option<String>> {
    let entries = config.into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), value.as_ref().map(ToString::to_string)))
        .collect()
}

pub(super) fn positive(number: i32) -> usize {
    usize::try_from(number).unwrap_or(1).max(1)
}

/// Write and Describe on the topic (idempotent writes need no more since Kafka 3.0, KIP-679), and on its transactional ids.
fn produces(producer: &Producer, home: &str, topic: &TopicName) -> Vec<Acl> {
    let principal = Principal::service_account(
        producer.namespace.as_deref().unwrap_or(home),
        &producer.service_account_name,
    );
    let on = |resource, pattern, name: &str, operation| Acl {
        principal: principal.clone(),
        resource,
        pattern,
        name: name.to_owned(),
        operation,
    };
    let writes = [AclOperation::Write, AclOperation::Describe];
    let topics = writes.map(|operation| {
        on(
            AclResource::Topic,
            AclPattern::Literal,
            topic.as_str(),
            operation,
        )
    });
    let ids = producer.transactional_id_prefix.iter().flat_map(|prefix| {
        writes.map(|operation| {
            on(
                AclResource::TransactionalId,
                AclPattern::Prefixed,
                prefix,
                operation,
            )
        })
    });
    topics.into_iter().chain(ids).collect()
}
