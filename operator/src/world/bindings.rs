use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
};

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, ResourceExt,
    runtime::{WatchStreamExt, watcher, watcher::Event},
};
use tokio::{sync::watch, task::JoinSet};
use tracing::warn;

use super::{Wake, Waker};

const SELECTOR: &str = "app.kubernetes.io/managed-by=millrace,app.kubernetes.io/component=binding";
/// Labels of an object that are Millrace's; others may add their own.
const OWN_LABELS: &str = "app.kubernetes.io/";

type Name = (String, String);

/// What the bindings in the API server say, each as a hash: so that a restart writes none anew, and one that somebody changed
/// or deleted is made again. Clones share them.
#[derive(Clone, Debug)]
pub struct Bindings {
    hashes: Arc<RwLock<HashMap<Name, u64>>>,
    listed: watch::Receiver<bool>,
}

impl Bindings {
    /// Starts to watch them. The watch runs as long as `tasks` lives; a change of one wakes the resource it belongs to.
    pub fn open(client: &Client, waker: &Waker, tasks: &mut JoinSet<()>) -> Self {
        let api: Api<ConfigMap> = Api::all(client.clone());
        let events = watcher(api, watcher::Config::default().labels(SELECTOR)).default_backoff();
        let (done, listed) = watch::channel(false);
        let bindings = Self {
            hashes: Arc::default(),
            listed,
        };
        tasks.spawn(follow(events, bindings.clone(), waker.clone(), done));
        bindings
    }

    /// Waits until all that there were when the watch began are known.
    ///
    /// # Errors
    /// When the watch has ended.
    pub async fn ready(&self) -> Result<(), watch::error::RecvError> {
        self.listed.clone().wait_for(|listed| *listed).await?;
        Ok(())
    }

    /// Whether the API server has this binding, as it is `wanted`.
    pub fn has(&self, wanted: &ConfigMap) -> bool {
        let hashes = self.hashes.read().unwrap_or_else(PoisonError::into_inner);
        hashes.get(&name(wanted)) == Some(&hash(wanted))
    }

    /// Notes what the API server has now. True if it had another before.
    pub fn note(&self, binding: &ConfigMap) -> bool {
        let hash = hash(binding);
        let before = self.write().insert(name(binding), hash);
        before.is_some_and(|before| before != hash)
    }

    fn forget(&self, name: &Name) {
        self.write().remove(name);
    }

    fn names(&self) -> HashSet<Name> {
        self.write().keys().cloned().collect()
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Name, u64>> {
        self.hashes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn follow(
    events: impl Stream<Item = Result<Event<ConfigMap>, watcher::Error>>,
    bindings: Bindings,
    waker: Waker,
    done: watch::Sender<bool>,
) {
    let mut events = std::pin::pin!(events);
    let mut owners: HashMap<Name, Box<[Wake]>> = HashMap::new();
    let mut unseen = HashSet::new();
    let gone = |name: &Name, owners: &mut HashMap<Name, Box<[Wake]>>| {
        bindings.forget(name);
        for wake in owners.remove(name).into_iter().flatten() {
            waker.wake(wake);
        }
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => unseen = bindings.names(),
            Ok(Event::InitApply(binding) | Event::Apply(binding)) => {
                let name = name(&binding);
                unseen.remove(&name);
                let owner = owner(&binding);
                if bindings.note(&binding) {
                    owner.iter().cloned().for_each(|wake| waker.wake(wake));
                }
                owners.insert(name, owner);
            }
            Ok(Event::InitDone) => {
                unseen.drain().for_each(|name| gone(&name, &mut owners));
                done.send_replace(true);
            }
            Ok(Event::Delete(binding)) => gone(&name(&binding), &mut owners),
            Err(error) => {
                warn!(kind = "ConfigMap", %error, "the watch of bindings was interrupted and goes on")
            }
        }
    }
}

fn name(binding: &ConfigMap) -> Name {
    (binding.namespace().unwrap_or_default(), binding.name_any())
}

/// Everything that Millrace writes to a binding.
fn hash(binding: &ConfigMap) -> u64 {
    let labels: BTreeMap<&String, &String> = binding
        .labels()
        .iter()
        .filter(|(key, _)| key.starts_with(OWN_LABELS))
        .collect();
    let owners: Vec<&String> = binding
        .owner_references()
        .iter()
        .map(|owner| &owner.uid)
        .collect();
    let mut hasher = DefaultHasher::new();
    (&binding.data, labels, owners).hash(&mut hasher);
    hasher.finish()
}

/// The resources that a binding belongs to: one, and there is a binding for each of ten thousand.
fn owner(binding: &ConfigMap) -> Box<[Wake]> {
    let home = binding.namespace().unwrap_or_default();
    let owners = binding.owner_references().iter();
    owners
        .filter_map(|owner| match owner.kind.as_str() {
            "Topic" => Some(Wake::Topic(home.clone(), owner.name.clone())),
            "ConsumerGroup" => Some(Wake::ConsumerGroup(home.clone(), owner.name.clone())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use serde_json::json;

    use super::*;

    fn binding(topic: &str) -> ConfigMap {
        serde_json::from_value(json!({
            "metadata": {
                "name": "orders-topic",
                "namespace": "shop",
                "labels": { "app.kubernetes.io/managed-by": "millrace" },
                "ownerReferences": [{ "apiVersion": "millrace.dev/v1alpha1", "kind": "Topic", "name": "orders", "uid": "1" }],
            },
            "data": { "topic": topic },
        }))
        .unwrap()
    }

    fn bindings() -> (Bindings, watch::Sender<bool>) {
        let (done, listed) = watch::channel(false);
        let hashes = Arc::default();
        (Bindings { hashes, listed }, done)
    }

    async fn wakes_after(bindings: &Bindings, events: Vec<Event<ConfigMap>>) -> Vec<Wake> {
        let waker = Waker::default();
        let mut woken = waker.subscribe();
        let (done, _) = watch::channel(false);
        follow(
            stream::iter(events.into_iter().map(Ok)),
            bindings.clone(),
            waker,
            done,
        )
        .await;
        std::iter::from_fn(|| woken.try_recv().ok()).collect()
    }

    #[tokio::test]
    async fn what_is_there_at_the_start_needs_no_write_and_wakes_nobody() {
        let (known, _done) = bindings();
        let mut found = binding("shop.orders");
        found.labels_mut().insert("team".into(), "blue".into());
        let events = vec![Event::Init, Event::InitApply(found), Event::InitDone];
        assert_eq!(wakes_after(&known, events).await, []);
        assert!(known.has(&binding("shop.orders")));
        assert!(!known.has(&binding("shop.other")));
    }

    #[tokio::test]
    async fn what_somebody_changes_or_deletes_is_wanted_again() {
        let owner = vec![Wake::Topic("shop".to_owned(), "orders".to_owned())];
        let (known, _done) = bindings();
        known.note(&binding("shop.orders"));
        let changed = vec![Event::Apply(binding("changed"))];
        assert_eq!(wakes_after(&known, changed).await, owner);
        assert!(!known.has(&binding("shop.orders")));

        let start = || vec![Event::Init, Event::InitApply(binding("shop.orders"))];
        let mut deleted = start();
        deleted.extend([Event::InitDone, Event::Delete(binding("shop.orders"))]);
        let (known, _done) = bindings();
        assert_eq!(wakes_after(&known, deleted).await, owner);
        assert!(!known.has(&binding("shop.orders")));

        let mut missed = start();
        missed.extend([Event::InitDone, Event::Init, Event::InitDone]);
        let (known, _done) = bindings();
        assert_eq!(wakes_after(&known, missed).await, owner);
        assert!(!known.has(&binding("shop.orders")));
    }
}
