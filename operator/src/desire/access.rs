//! Who ought to be allowed what: the least set that follows from all resources together.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use millrace_crds::{ManagementPolicy, Topic};

use super::kafka_cluster::registry_access;
use crate::{
    kafka::{Acl, AclOperation, AclPattern, AclResource, Principal},
    resolve::{self, Facts},
    world::{ClusterKey, World},
};

/// All ACLs that the resources of a cluster ask for and may have. What is rejected grants nothing, and so does what is paused
/// or only observed: see [`kept`].
pub fn of(cluster: &ClusterKey, world: &World) -> BTreeSet<Acl> {
    let stores = &world.stores;
    let topics = stores
        .topics
        .state()
        .into_iter()
        .filter(|topic| !topic.spec.producers.is_empty() && !is_left_alone(topic))
        .filter_map(|topic| resolve::topic(&topic, world).ok())
        .map(|t| (t.cluster, t.grants));
    let dlqs = stores
        .dlqs
        .state()
        .into_iter()
        .filter(|dlq| !is_paused(dlq.as_ref()))
        .filter_map(|dlq| resolve::dlq(&dlq, world).ok())
        .map(|t| (t.cluster, t.grants));
    let groups = stores
        .groups
        .state()
        .into_iter()
        .filter(|group| !is_paused(group.as_ref()))
        .filter_map(|group| resolve::consumer_group(&group, world).ok())
        .map(|g| (g.cluster, g.grants));
    let resources = topics.chain(dlqs).chain(groups);
    let asked = resources
        .filter(|(of, _)| of == cluster)
        .flat_map(|(_, grants)| grants);
    let registry = world
        .cluster(cluster)
        .map(|found| registry_access(&found))
        .unwrap_or_default();
    asked.chain(registry).collect()
}

/// Those of the `present` ACLs that stay although no resource asks for them: what exists for a resource that is paused or only
/// observed. That is what its spec asks for; who writes to an observed or paused Topic's topic; who reads a paused DLQ's; and who reads
/// as a paused ConsumerGroup's group. Nothing is added for such a resource, and nothing is taken away.
pub fn kept(cluster: &ClusterKey, world: &World, present: &BTreeSet<Acl>) -> BTreeSet<Acl> {
    let stores = &world.stores;
    let topics = stores.topics.state();
    let topics = topics
        .iter()
        .filter(|topic| is_left_alone(topic))
        .filter_map(|topic| resolve::topic(topic, world).ok())
        .map(|t| {
            let names = vec![(t.name.as_str().to_owned(), AclOperation::Write)];
            (t.cluster, LeftAlone::of(t.grants, names))
        });
    let dlqs = stores.dlqs.state();
    let dlqs = dlqs
        .iter()
        .filter(|dlq| is_paused(dlq.as_ref()))
        .filter_map(|dlq| resolve::dlq(dlq, world).ok())
        .map(|t| {
            let names = vec![(t.name.as_str().to_owned(), AclOperation::Read)];
            (t.cluster, LeftAlone::of(t.grants, names))
        });
    let groups = stores.groups.state();
    let groups = groups
        .iter()
        .filter(|group| is_paused(group.as_ref()))
        .filter_map(|group| resolve::consumer_group(group, world).ok())
        .map(|g| {
            let reads = g.topics.iter().map(|t| (t, AclOperation::Read));
            let writes = g.dlq.iter().map(|t| (t, AclOperation::Write));
            let names = reads.chain(writes);
            let names = names.map(|(t, operation)| (t.as_str().to_owned(), operation));
            let left_alone = LeftAlone {
                grants: g.grants,
                names: names.collect(),
                group: Some(g.group_id.as_str().to_owned()),
            };
            (g.cluster, left_alone)
        });
    let left_alone: Vec<LeftAlone> = topics
        .chain(dlqs)
        .chain(groups)
        .filter(|(of, _)| of == cluster)
        .map(|(_, left_alone)| left_alone)
        .collect();
    match left_alone.is_empty() {
        true => BTreeSet::new(),
        false => {
            let index = by_name(present);
            left_alone
                .iter()
                .flat_map(|one| one.keeps(&index))
                .collect()
        }
    }
}

fn is_paused(object: &impl ResourceExt) -> bool {
    resolve::paused(object) && object.meta().deletion_timestamp.is_none()
}

fn is_left_alone(topic: &Topic) -> bool {
    topic.spec.management_policy == ManagementPolicy::Observe || is_paused(topic)
}

/// The present ACLs of ServiceAccounts, by the name they speak of.
type Index<'a> = BTreeMap<(AclResource, &'a str), Vec<&'a Acl>>;

fn by_name(present: &BTreeSet<Acl>) -> Index<'_> {
    let mut index = Index::new();
    for acl in present
        .iter()
        .filter(|acl| acl.principal.is_service_account())
    {
        let entry = index.entry((acl.resource, acl.name.as_str())).or_default();
        entry.push(acl);
    }
    index
}

fn on<'a>(
    index: &'a Index<'a>,
    resource: AclResource,
    name: &'a str,
) -> impl Iterator<Item = &'a Acl> {
    let found = index.get(&(resource, name)).into_iter().flatten();
    found
        .copied()
        .filter(|acl| acl.pattern == AclPattern::Literal)
}

/// A resource whose access stays as it is.
struct LeftAlone {
    /// What its spec asks for.
    grants: BTreeSet<Acl>,
    /// Topics, and the operation that makes a principal one of its own there.
    names: Vec<(String, AclOperation)>,
    /// The group a principal must read as to be one of its own, where the topics are others'.
    group: Option<String>,
}

impl LeftAlone {
    fn of(grants: BTreeSet<Acl>, names: Vec<(String, AclOperation)>) -> Self {
        Self {
            grants,
            names,
            group: None,
        }
    }

    fn keeps<'a>(&'a self, index: &'a Index<'a>) -> BTreeSet<Acl> {
        let at = |resource, name: &'a str| on(index, resource, name);
        let mut kept: BTreeSet<Acl> = self
            .grants
            .iter()
            .filter(|acl| {
                let mut same = index
                    .get(&(acl.resource, acl.name.as_str()))
                    .into_iter()
                    .flatten();
                same.any(|present| present == acl)
            })
            .cloned()
            .collect();
        let members: Option<BTreeSet<&Principal>> = self.group.as_deref().map(|group| {
            kept.extend(at(AclResource::Group, group).cloned());
            at(AclResource::Group, group)
                .map(|acl| &acl.principal)
                .collect()
        });
        for (topic, operation) in &self.names {
            let own: BTreeSet<&Principal> = at(AclResource::Topic, topic)
                .filter(|acl| acl.operation == *operation)
                .map(|acl| &acl.principal)
                .filter(|principal| members.as_ref().is_none_or(|m| m.contains(principal)))
                .collect();
            let theirs = at(AclResource::Topic, topic).filter(|acl| {
                own.contains(&acl.principal)
                    && (acl.operation == *operation || acl.operation == AclOperation::Describe)
            });
            kept.extend(theirs.cloned());
        }
        kept
    }
}
