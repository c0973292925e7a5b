//! Who ought to be allowed what: the least set that follows from all resources together.

use std::collections::BTreeSet;

use super::kafka_cluster::registry_access;
use crate::{
    kafka::Acl,
    resolve::{self, Facts},
    world::{ClusterKey, World},
};

/// All ACLs that the resources of a cluster ask for and may have. What is rejected grants nothing.
pub fn of(cluster: &ClusterKey, world: &World) -> BTreeSet<Acl> {
    let stores = &world.stores;
    let topics = stores
        .topics
        .state()
        .into_iter()
        .filter_map(|topic| resolve::topic(&topic, world).ok())
        .map(|t| (t.cluster, t.grants));
    let dlqs = stores
        .dlqs
        .state()
        .into_iter()
        .filter_map(|dlq| resolve::dlq(&dlq, world).ok())
        .map(|t| (t.cluster, t.grants));
    let groups = stores
        .groups
        .state()
        .into_iter()
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
