use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::kafka::GroupType;

/// What is known of groups from call to call, by group id. It saves requests; each may be asked without it.
#[derive(Debug, Default)]
pub(in crate::kafka::client) struct GroupMemory(Mutex<HashMap<String, Known>>);

#[derive(Debug, Default)]
struct Known {
    coordinator: Option<Arc<str>>,
    protocol: Protocol,
}

/// By which protocol the members of a group of consumers share its partitions. A group may change it while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    /// KIP-848.
    #[default]
    Consumer,
    /// JoinGroup and SyncGroup.
    Classic,
}

impl GroupMemory {
    /// `host:port` of the broker that coordinates a group, as far as is known.
    pub(super) fn coordinator(&self, group: &str) -> Option<Arc<str>> {
        self.known().get(group)?.coordinator.clone()
    }

    /// From now on `coordinator` (`host:port`) is asked about the group.
    pub(super) fn learn(&self, group: &str, coordinator: Arc<str>) {
        self.known()
            .entry(group.to_owned())
            .or_default()
            .coordinator = Some(coordinator);
    }

    /// The coordinator of a group is to be found again.
    pub(super) fn forget_coordinator(&self, group: &str) {
        if let Some(known) = self.known().get_mut(group) {
            known.coordinator = None;
        }
    }

    /// The protocol that described the group last; [`Protocol::Consumer`] where none did.
    pub(super) fn protocol(&self, group: &str) -> Protocol {
        let known = self.known();
        known
            .get(group)
            .map(|known| known.protocol)
            .unwrap_or_default()
    }

    /// The group was described by this protocol.
    pub(super) fn described_by(&self, group: &str, protocol: Protocol) {
        self.known().entry(group.to_owned()).or_default().protocol = protocol;
    }

    /// Forgets all other groups.
    pub(super) fn keep_only(&self, groups: &BTreeMap<String, GroupType>) {
        self.known().retain(|group, _| groups.contains_key(group));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_is_forgotten_without_the_protocol() {
        let memory = GroupMemory::default();
        assert_eq!(memory.protocol("billing"), Protocol::Consumer);
        memory.learn("billing", "a:9092".into());
        memory.described_by("billing", Protocol::Classic);
        assert_eq!(memory.coordinator("billing").as_deref(), Some("a:9092"));
        memory.forget_coordinator("billing");
        memory.forget_coordinator("absent");
        assert_eq!(memory.coordinator("billing"), None);
        assert_eq!(memory.protocol("billing"), Protocol::Classic);
    }

    #[test]
    fn groups_that_are_not_asked_for_any_more_are_forgotten() {
        let memory = GroupMemory::default();
        for group in ["billing", "shipping"] {
            memory.learn(group, "a:9092".into());
        }
        memory.keep_only(&BTreeMap::from([(
            "billing".to_owned(),
            GroupType::Consumer,
        )]));
        assert!(memory.coordinator("billing").is_some());
        assert!(memory.coordinator("shipping").is_none());
    }
}
