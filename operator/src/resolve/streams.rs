use super::{
    Claimant, Facts, GroupId, Rejection, TopicPrefix,
    grant::{granted, may_claim},
};
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource, Principal},
    status::reasons,
    world::ClusterKey,
};

/// What the names of repartition topics end in, those of a foreign-key join among them, where the application named the step.
const REPARTITION: [&str; 3] = [
    "-repartition",
    "-subscription-registration-topic",
    "-subscription-response-topic",
];
/// What they have in them where Kafka Streams named the step, in front of a number and `-topic`.
const FOREIGN_KEY_JOIN: [&str; 2] = [
    "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-",
    "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-",
];
const CHANGELOG: &str = "-changelog";

/// What the internal topics and the transactional ids of an application begin with: its `application.id` and `-`.
pub(super) fn internal_prefix(group_id: &str) -> String {
    format!("{group_id}-")
}

/// Whether an application with this prefix reads the topic as one of its own, by its name (`isInferredInternalTopic` of
/// Kafka's `StreamsResetter`). Changelogs are read when state is restored, and no offsets are committed for them.
pub fn is_repartition(topic: &str, prefix: &str) -> bool {
    let Some(step) = topic.strip_prefix(prefix) else {
        return false;
    };
    let unnamed = FOREIGN_KEY_JOIN
        .iter()
        .any(|join| step.contains(join) && step.ends_with("-topic"));
    unnamed || REPARTITION.iter().any(|end| topic.ends_with(end))
}

/// Whether an application with this prefix keeps its state in the topic, by its name.
pub fn is_changelog(topic: &str, prefix: &str) -> bool {
    topic.starts_with(prefix) && topic.ends_with(CHANGELOG)
}

/// The beginning of an application's internal topics, if all that begins so is its namespace's. In the cluster's own namespace, and
/// where two namespaces share a prefix, names of others may begin so too.
pub(super) fn internal(
    group_id: &GroupId,
    me: &Claimant,
    cluster: &ClusterKey,
    facts: &dyn Facts,
) -> Result<TopicPrefix, Rejection> {
    const WHAT: &str = "internal topics' prefix, the group id and `-`,";
    let id = group_id.as_str();
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !id.chars().all(legal) {
        return Err(Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "groupId `{id}` of an application of Kafka Streams begins the names of its topics: write letters, digits, '.', '_' and '-'"
            ),
        ));
    }
    let prefix = internal_prefix(id);
    granted(cluster, &me.namespace, facts)?.check_prefix(WHAT, &prefix, &me.namespace, cluster)?;
    let others = facts.others_under(cluster, &prefix, &me.namespace);
    let other = others
        .iter()
        .find(|(name, other)| may_claim(cluster, &other.namespace, name, facts));
    match other {
        None => Ok(TopicPrefix(prefix)),
        Some((name, other)) => Err(Rejection::no(
            reasons::NOT_ALLOWED,
            format!(
                "an application with groupId `{id}` makes and deletes topics that begin with `{prefix}`, and `{name}` of {other} begins so: choose another groupId"
            ),
        )),
    }
}

/// What an application may do with its internal topics and transactional ids. The broker makes the topics with the application's
/// authority (KIP-1071); records of repartition topics are deleted once they are processed; an application of `exactly_once_v2` has a
/// transactional id for each thread.
pub(super) fn own_access(principal: &Principal, prefix: &TopicPrefix) -> Vec<Acl> {
    let on = |resource, operation| Acl {
        principal: principal.clone(),
        resource,
        pattern: AclPattern::Prefixed,
        name: prefix.as_str().to_owned(),
        operation,
    };
    let topics = [
        AclOperation::Create,
        AclOperation::Read,
        AclOperation::Write,
        AclOperation::Delete,
        AclOperation::Describe,
    ];
    let ids = [AclOperation::Write, AclOperation::Describe];
    let topics = topics.map(|operation| on(AclResource::Topic, operation));
    let ids = ids.map(|operation| on(AclResource::TransactionalId, operation));
    topics.into_iter().chain(ids).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_topics_are_known_by_their_names() {
        let names = [
            ("team-a.app-counts-repartition", true, false),
            ("team-a.app-counts-changelog", false, true),
            (
                "team-a.app-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic",
                true,
                false,
            ),
            ("team-a.app-join-subscription-response-topic", true, false),
            ("team-a.app-orders-topic", false, false),
            ("team-a.app-out", false, false),
            ("team-a.application-counts-repartition", false, false),
            ("team-a.other-counts-changelog", false, false),
        ];
        for (name, repartition, changelog) in names {
            assert_eq!(
                (
                    is_repartition(name, "team-a.app-"),
                    is_changelog(name, "team-a.app-")
                ),
                (repartition, changelog),
                "{name}"
            );
        }
    }
}
