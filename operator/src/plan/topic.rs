use super::Plan;
use crate::{kafka::{ObservedCluster, ObservedTopic}, resolve::ResolvedTopic};

/// What has to be done so that the topic is as desired. `owned` says that the resource has managed this topic before.
pub fn topic(_desired: &ResolvedTopic, _observed: Option<&ObservedTopic>, _cluster: &ObservedCluster, _owned: bool) -> Plan {
    todo!()
}
