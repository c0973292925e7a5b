use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use super::{ClusterKey, Wake};
use crate::resolve::{Amount, Claimant, Limits, Share, Uses};

type Place = (ClusterKey, String);
type Resource = (String, String, String);

/// What the namespaces have and ask for on each cluster, kept up to date with every change of a Topic or DLQ, so that a limit
/// is checked without looking at every resource.
#[derive(Debug, Default)]
pub struct Holdings(RwLock<Index>);

#[derive(Debug, Default)]
struct Index {
    uses: HashMap<Place, Uses>,
    /// Where each resource is entered, by kind, namespace and name.
    places: HashMap<Resource, ClusterKey>,
}

impl Holdings {
    /// Enters what a resource has and asks for on a cluster. Returns whom it concerns: those that may have room now.
    pub fn put(&self, who: &Claimant, cluster: ClusterKey, share: Share) -> Vec<Wake> {
        let mut index = self.write();
        let resource = (who.kind.clone(), who.namespace.clone(), who.name.clone());
        let mut wakes = Vec::new();
        if index.places.get(&resource).is_some_and(|at| *at != cluster) {
            wakes.extend(index.take_out(&resource));
        }
        let uses = index
            .uses
            .entry((cluster.clone(), who.namespace.clone()))
            .or_default();
        if uses.put(who, share) && uses.waiting().next().is_some() {
            wakes.push(Wake::Limits(cluster.clone(), who.namespace.clone()));
        }
        index.places.insert(resource, cluster);
        wakes
    }

    /// Takes a resource out. Returns whom it concerns: those that may have room now.
    pub fn remove(&self, kind: &str, namespace: &str, name: &str) -> Vec<Wake> {
        let resource = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.write().take_out(&resource).into_iter().collect()
    }

    /// What comes before `me` in its namespace; see [`Uses::before`].
    pub fn before(
        &self,
        cluster: &ClusterKey,
        me: &Claimant,
        mine: Share,
        limits: Limits,
    ) -> Amount {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let uses = index.uses.get(&(cluster.clone(), me.namespace.clone()));
        uses.map_or_else(Amount::default, |uses| uses.before(me, mine, limits))
    }

    /// The resources of a kind that ask for more than they have, by name.
    pub fn waiting(&self, cluster: &ClusterKey, namespace: &str, kind: &str) -> Vec<String> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let uses = index.uses.get(&(cluster.clone(), namespace.to_owned()));
        let waiting = uses.into_iter().flat_map(Uses::waiting);
        waiting
            .filter(|who| who.kind == kind)
            .map(|who| who.name.clone())
            .collect()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn take_out(&mut self, resource: &Resource) -> Option<Wake> {
        let cluster = self.places.remove(resource)?;
        let (kind, namespace, name) = resource;
        let place = (cluster, namespace.clone());
        let uses = self.uses.get_mut(&place)?;
        let room = uses.remove(kind, name) && uses.waiting().next().is_some();
        if uses.is_empty() {
            self.uses.remove(&place);
        }
        room.then_some(Wake::Limits(place.0, place.1))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cluster(name: &str) -> ClusterKey {
        ClusterKey {
            namespace: "platform".to_owned(),
            name: name.to_owned(),
        }
    }

    fn topic(name: &str, age: u8) -> Claimant {
        Claimant {
            created: format!("2026-01-01T00:00:{age:02}Z").parse().unwrap(),
            uid: name.to_owned(),
            kind: "Topic".to_owned(),
            namespace: "team".to_owned(),
            name: name.to_owned(),
        }
    }

    const TWO: Limits = Limits {
        topics: Some(2),
        partitions: None,
    };

    #[test]
    fn those_that_wait_are_woken_when_something_goes_or_shrinks_and_only_then() {
        let holdings = Holdings::default();
        let room = vec![Wake::Limits(cluster("main"), "team".to_owned())];
        let made = Share::of(3, Some(3));
        for (name, age) in [("a", 1), ("b", 2)] {
            assert_eq!(holdings.put(&topic(name, age), cluster("main"), made), []);
        }
        let waiting = Share::of(3, None);
        assert_eq!(holdings.put(&topic("c", 3), cluster("main"), waiting), []);
        assert_eq!(holdings.waiting(&cluster("main"), "team", "Topic"), ["c"]);
        let before = |me: &Claimant| holdings.before(&cluster("main"), me, waiting, TWO).topics;
        assert_eq!(before(&topic("c", 3)), 2);

        assert_eq!(holdings.remove("Topic", "team", "a"), room);
        assert_eq!(before(&topic("c", 3)), 1);
        assert_eq!(holdings.put(&topic("b", 2), cluster("other"), made), room);
        assert_eq!(before(&topic("c", 3)), 0);
        assert_eq!(holdings.put(&topic("c", 3), cluster("main"), made), []);
        assert_eq!(holdings.remove("Topic", "team", "c"), []);
        assert_eq!(holdings.waiting(&cluster("main"), "team", "Topic"), [""; 0]);
    }

    #[test]
    fn becoming_what_was_asked_for_changes_nothing_for_others() {
        let holdings = Holdings::default();
        let waiting = Share::of(1, None);
        for (name, age) in [("a", 1), ("b", 2), ("c", 3)] {
            holdings.put(&topic(name, age), cluster("main"), waiting);
        }
        let before = |me: &Claimant| holdings.before(&cluster("main"), me, waiting, TWO).topics;
        assert_eq!(
            [("a", 1), ("b", 2), ("c", 3)].map(|(name, age)| before(&topic(name, age))),
            [0, 1, 2]
        );
        holdings.put(&topic("b", 2), cluster("main"), Share::of(1, Some(1)));
        assert_eq!(before(&topic("a", 1)), 1);
        assert_eq!(before(&topic("c", 3)), 2);
    }
}
