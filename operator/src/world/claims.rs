use std::{
    collections::BTreeMap,
    sync::{RwLock, RwLockWriteGuard},
};

use kube::{Resource, ResourceExt};
use millrace_crds::ClusterRef;

use super::{ClusterKey, Wake};
use crate::resolve::{Claimant, Name};

/// One resource asks for one name on one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    cluster: ClusterKey,
    name: Name,
    claimant: Claimant,
}

impl Claim {
    /// What `object` asks for.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K, cluster: &ClusterRef, name: Name) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        Self {
            cluster: ClusterKey::of(cluster, &namespace),
            name,
            claimant: Claimant::of(object),
        }
    }
}

/// Those that ask for one name, the oldest first. Nearly always one, for which a list takes a tenth of what a tree does.
type Claimants = Vec<Claimant>;

/// Who asks for which name, indexed, so that a conflict is found without looking at every resource.
#[derive(Debug, Default)]
pub struct Claims(RwLock<BTreeMap<(ClusterKey, Name), Claimants>>);

impl Claims {
    /// Enters claims. Returns whom it concerns beside the claimant: the others that ask for the same name.
    pub fn put(&self, claims: Vec<Claim>) -> Vec<Wake> {
        let mut index = self.write();
        let mut others = Vec::new();
        for claim in claims {
            let entries = index.entry((claim.cluster, claim.name)).or_default();
            if let Err(place) = entries.binary_search(&claim.claimant) {
                others.extend(entries.iter().filter_map(wake));
                entries.reserve_exact(1);
                entries.insert(place, claim.claimant);
            }
        }
        others
    }

    /// Takes claims back. Returns whom it concerns: the others that ask for the same name.
    pub fn remove(&self, claims: &[Claim]) -> Vec<Wake> {
        let mut index = self.write();
        let mut others = Vec::new();
        for claim in claims {
            let key = (claim.cluster.clone(), claim.name.clone());
            let Some(entries) = index.get_mut(&key) else {
                continue;
            };
            if let Ok(place) = entries.binary_search(&claim.claimant) {
                entries.remove(place);
            }
            others.extend(entries.iter().filter_map(wake));
            if entries.is_empty() {
                index.remove(&key);
            }
        }
        others
    }

    /// Takes back all claims of a resource of which only the name is known any more.
    pub fn forget(&self, kind: &str, namespace: &str, name: &str) -> Vec<Wake> {
        let mut others = Vec::new();
        self.write().retain(|_, entries| {
            let before = entries.len();
            entries.retain(|e| !(e.kind == kind && e.namespace == namespace && e.name == name));
            if entries.len() < before {
                others.extend(entries.iter().filter_map(wake));
            }
            !entries.is_empty()
        });
        others
    }

    /// Who asks for a name, the oldest first.
    pub fn claimants(&self, cluster: &ClusterKey, name: &Name) -> Vec<Claimant> {
        let index = self
            .0
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let entries = index.get(&(cluster.clone(), name.clone()));
        entries.into_iter().flatten().cloned().collect()
    }

    /// Who of other namespaces than `home` asks for topics that begin with `prefix`, with the topic.
    pub fn others_under(
        &self,
        cluster: &ClusterKey,
        prefix: &str,
        home: &str,
    ) -> Vec<(String, Claimant)> {
        let index = self
            .0
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let from = (cluster.clone(), Name::Topic(prefix.to_owned()));
        let under = index.range(from..).map_while(|((of, name), claimants)| {
            let Name::Topic(topic) = name else {
                return None;
            };
            (of == cluster && topic.starts_with(prefix)).then_some((topic, claimants))
        });
        under
            .flat_map(|(topic, claimants)| claimants.iter().map(move |who| (topic, who)))
            .filter(|(_, who)| who.namespace != home)
            .map(|(topic, who)| (topic.clone(), who.clone()))
            .collect()
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<(ClusterKey, Name), Claimants>> {
        self.0
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn wake(claimant: &Claimant) -> Option<Wake> {
    let (namespace, name) = (claimant.namespace.clone(), claimant.name.clone());
    match claimant.kind.as_str() {
        "Topic" => Some(Wake::Topic(namespace, name)),
        "DLQ" => Some(Wake::Dlq(namespace, name)),
        "ConsumerGroup" => Some(Wake::ConsumerGroup(namespace, name)),
        "Schema" => Some(Wake::Schema(namespace, name)),
        _ => None,
    }
}
