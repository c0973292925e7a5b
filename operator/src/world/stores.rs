use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt, reflector,
        reflector::{ObjectRef, Store},
        watcher,
        watcher::Event,
    },
};
use millrace_crds::{ConsumerGroup, Dlq, KafkaCluster, Schema, Topic};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tracing::warn;

use super::{Claims, Wake, Waker, watched::Watched};

/// The resources as the API server last told. Clones share the same stores.
#[derive(Clone)]
pub struct Stores {
    /// KafkaClusters.
    pub clusters: Store<KafkaCluster>,
    /// Topics.
    pub topics: Store<Topic>,
    /// ConsumerGroups.
    pub groups: Store<ConsumerGroup>,
    /// DLQs.
    pub dlqs: Store<Dlq>,
    /// Schemas.
    pub schemas: Store<Schema>,
    /// Namespaces, for their labels.
    pub namespaces: Store<Namespace>,
}

impl Stores {
    /// Starts one watch for each kind. They run as long as `tasks` lives; each change updates the store, then the
    /// claims, then wakes whoever depends on it.
    pub fn open(
        client: &Client,
        claims: &Arc<Claims>,
        waker: &Waker,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        Self {
            clusters: watch(client, claims, waker, tasks),
            topics: watch(client, claims, waker, tasks),
            groups: watch(client, claims, waker, tasks),
            dlqs: watch(client, claims, waker, tasks),
            schemas: watch(client, claims, waker, tasks),
            namespaces: watch(client, claims, waker, tasks),
        }
    }

    /// Waits until every store holds what there was when its watch began.
    ///
    /// # Errors
    /// When a watch has ended.
    pub async fn ready(&self) -> Result<(), reflector::store::WriterDropped> {
        self.clusters.wait_until_ready().await?;
        self.topics.wait_until_ready().await?;
        self.groups.wait_until_ready().await?;
        self.dlqs.wait_until_ready().await?;
        self.schemas.wait_until_ready().await?;
        self.namespaces.wait_until_ready().await
    }

    /// Labels of a namespace; None if it is not known.
    pub fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let found = self.namespaces.get(&ObjectRef::new(namespace))?;
        Some(found.metadata.labels.clone().unwrap_or_default())
    }
}

fn watch<K>(
    client: &Client,
    claims: &Arc<Claims>,
    waker: &Waker,
    tasks: &mut JoinSet<()>,
) -> Store<K>
where
    K: Watched
        + Resource<DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let (store, writer) = reflector::store();
    let api: Api<DeserializeGuard<K>> = Api::all(client.clone());
    let events = watcher(api, watcher::Config::default())
        .default_backoff()
        .try_filter_map(parsed)
        .boxed();
    let events = reflector(writer, events);
    tasks.spawn(follow(events, store.clone(), claims.clone(), waker.clone()));
    store
}

/// Leaves out an object that does not parse, so that it cannot stall the watch of all others.
async fn parsed<K>(event: Event<DeserializeGuard<K>>) -> Result<Option<Event<K>>, watcher::Error>
where
    K: Resource<DynamicType = ()> + Debug,
{
    let open = |guard: DeserializeGuard<K>| match guard.0 {
        Ok(object) => Some(object),
        Err(invalid) => {
            warn!(kind = %K::kind(&()), name = ?invalid.metadata.name, namespace = ?invalid.metadata.namespace, error = invalid.error, "an object is left out: it does not parse");
            None
        }
    };
    Ok(match event {
        Event::Apply(guard) => open(guard).map(Event::Apply),
        Event::InitApply(guard) => open(guard).map(Event::InitApply),
        Event::Delete(guard) => open(guard).map(Event::Delete),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    })
}

async fn follow<K>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    store: Store<K>,
    claims: Arc<Claims>,
    waker: Waker,
) where
    K: Watched + Resource<DynamicType = ()> + Clone + Debug,
{
    let mut seen: HashMap<ObjectRef<K>, u64> = HashMap::new();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(object)) => changed(&object, &mut seen, &claims, &waker),
            Ok(Event::Delete(object)) => gone(&object, &mut seen, &claims, &waker),
            Ok(Event::InitDone) => relisted(&store, &mut seen, &claims, &waker),
            Ok(Event::Init | Event::InitApply(_)) => {}
            Err(error) => {
                warn!(kind = %K::kind(&()), %error, "the watch was interrupted and goes on")
            }
        }
    }
}

fn changed<K: Watched + Resource<DynamicType = ()>>(
    object: &K,
    seen: &mut HashMap<ObjectRef<K>, u64>,
    claims: &Claims,
    waker: &Waker,
) {
    let mut hasher = DefaultHasher::new();
    object.fingerprint(&mut hasher);
    let fingerprint = hasher.finish();
    if seen.insert(ObjectRef::from_obj(object), fingerprint) != Some(fingerprint) {
        let affected = claims.put(object.claims());
        wake_all(object.wake(), affected, waker);
    }
}

fn gone<K: Watched + Resource<DynamicType = ()>>(
    object: &K,
    seen: &mut HashMap<ObjectRef<K>, u64>,
    claims: &Claims,
    waker: &Waker,
) {
    seen.remove(&ObjectRef::from_obj(object));
    let affected = claims.remove(&object.claims());
    wake_all(object.wake(), affected, waker);
}

/// After a relist: what is there may have changed, and what is not there any more is gone.
fn relisted<K>(
    store: &Store<K>,
    seen: &mut HashMap<ObjectRef<K>, u64>,
    claims: &Claims,
    waker: &Waker,
) where
    K: Watched + Resource<DynamicType = ()> + Clone,
{
    let present = store.state();
    let mut missing: HashMap<ObjectRef<K>, u64> = std::mem::take(seen);
    for object in &present {
        let reference = ObjectRef::from_obj(object.as_ref());
        if let Some(fingerprint) = missing.remove(&reference) {
            seen.insert(reference, fingerprint);
        }
        changed(object.as_ref(), seen, claims, waker);
    }
    for reference in missing.keys() {
        let affected = claims.forget(
            K::kind(&()).as_ref(),
            reference.namespace.as_deref().unwrap_or_default(),
            &reference.name,
        );
        wake_all(
            K::wake_named(
                reference.namespace.as_deref().unwrap_or_default(),
                &reference.name,
            ),
            affected,
            waker,
        );
    }
}

fn wake_all(own: Wake, affected: Vec<Wake>, waker: &Waker) {
    waker.wake(own);
    for wake in affected {
        waker.wake(wake);
    }
}

/// Metadata that makes a difference to a reconcile: all but resource versions and managed fields.
pub(super) fn hash_metadata<K: Resource>(object: &K, hasher: &mut DefaultHasher) {
    let meta = object.meta();
    meta.generation.hash(hasher);
    meta.deletion_timestamp.is_some().hash(hasher);
    object.finalizers().hash(hasher);
    object.annotations().hash(hasher);
    object.labels().hash(hasher);
}
