use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
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
use millrace_crds::{ConsumerGroup, Dlq, KafkaCluster, Redrive, SCHEMA_TEXT_LABEL, Schema, Topic};
use tokio::task::JoinSet;
use tracing::warn;

use super::{Claims, Holdings, Wake, Waker, watched::Watched};
use crate::resolve::Claimant;

/// Objects in one answer to a list. One answer is in memory as a whole, with all that [`prune`] takes away.
const PAGE: u32 = 100;
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

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
    /// Redrives.
    pub redrives: Store<Redrive>,
    /// Schemas.
    pub schemas: Store<Schema>,
    /// The ConfigMaps that texts of schemas are taken from. The label keeps all others of the cluster out of memory.
    pub schema_texts: Store<ConfigMap>,
    /// Namespaces, for their labels.
    pub namespaces: Store<Namespace>,
}

impl Stores {
    /// Starts one watch for each kind. They run as long as `tasks` lives; each change updates the store, then the
    /// claims, then wakes whoever depends on it.
    pub fn open(
        client: &Client,
        claims: &Arc<Claims>,
        holdings: &Arc<Holdings>,
        waker: &Waker,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let news = News {
            claims: claims.clone(),
            holdings: holdings.clone(),
            waker: waker.clone(),
        };
        let texts = watcher::Config::default().labels(&format!("{SCHEMA_TEXT_LABEL}=true"));
        Self {
            clusters: watch(client, &news, tasks),
            topics: watch(client, &news, tasks),
            groups: watch(client, &news, tasks),
            dlqs: watch(client, &news, tasks),
            redrives: watch(client, &news, tasks),
            schemas: watch(client, &news, tasks),
            schema_texts: watch_as(client, texts, &news, tasks),
            namespaces: watch(client, &news, tasks),
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
        self.redrives.wait_until_ready().await?;
        self.schemas.wait_until_ready().await?;
        self.schema_texts.wait_until_ready().await?;
        self.namespaces.wait_until_ready().await
    }

    /// Whether a namespace is going, with all that is in it.
    pub fn is_terminating(&self, namespace: &str) -> bool {
        self.namespaces
            .get(&ObjectRef::new(namespace))
            .is_some_and(|found| found.metadata.deletion_timestamp.is_some())
    }

    /// Labels of a namespace; None if it is not known.
    pub fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let found = self.namespaces.get(&ObjectRef::new(namespace))?;
        Some(found.metadata.labels.clone().unwrap_or_default())
    }
}

/// What follows from a change of a resource, beside the change of its store.
#[derive(Clone)]
struct News {
    claims: Arc<Claims>,
    holdings: Arc<Holdings>,
    waker: Waker,
}

fn watch<K: Watched>(client: &Client, news: &News, tasks: &mut JoinSet<()>) -> Store<K> {
    watch_as(client, watcher::Config::default(), news, tasks)
}

/// Watches the objects of a kind that `config` selects.
fn watch_as<K: Watched>(
    client: &Client,
    config: watcher::Config,
    news: &News,
    tasks: &mut JoinSet<()>,
) -> Store<K> {
    let (store, writer) = reflector::store();
    let api: Api<DeserializeGuard<K>> = Api::all(client.clone());
    let events = watcher(api, config.page_size(PAGE))
        .default_backoff()
        .try_filter_map(parsed)
        .modify(prune)
        .boxed();
    let events = reflector(writer, events);
    tasks.spawn(follow(events, store.clone(), news.clone()));
    store
}

/// Who set which field, and what `kubectl apply` sent last, are read by nobody here: more than half of a small object.
fn prune<K: Resource>(object: &mut K) {
    object.managed_fields_mut().clear();
    object.annotations_mut().remove(LAST_APPLIED);
    if object.annotations().is_empty() {
        object.meta_mut().annotations = None;
    }
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

async fn follow<K: Watched>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    store: Store<K>,
    news: News,
) {
    let mut seen: HashMap<ObjectRef<K>, u64> = HashMap::new();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(object)) => changed(&object, &mut seen, &news),
            Ok(Event::Delete(object)) => gone(&object, &mut seen, &news),
            Ok(Event::InitDone) => relisted(&store, &mut seen, &news),
            Ok(Event::Init | Event::InitApply(_)) => {}
            Err(error) => {
                warn!(kind = %K::kind(&()), %error, "the watch was interrupted and goes on")
            }
        }
    }
}

fn changed<K: Watched>(object: &K, seen: &mut HashMap<ObjectRef<K>, u64>, news: &News) {
    news.enter(object);
    let mut hasher = DefaultHasher::new();
    object.fingerprint(&mut hasher);
    let fingerprint = hasher.finish();
    if seen.insert(ObjectRef::from_obj(object), fingerprint) != Some(fingerprint) {
        let affected = news.claims.put(object.claims());
        news.wake(object.wake(), affected);
    }
}

fn gone<K: Watched>(object: &K, seen: &mut HashMap<ObjectRef<K>, u64>, news: &News) {
    seen.remove(&ObjectRef::from_obj(object));
    let affected = news.claims.remove(&object.claims());
    news.wake(object.wake(), affected);
    news.leave::<K>(&object.namespace().unwrap_or_default(), &object.name_any());
}

/// After a relist: what is there may have changed, and what is not there any more is gone.
fn relisted<K: Watched>(store: &Store<K>, seen: &mut HashMap<ObjectRef<K>, u64>, news: &News) {
    let present = store.state();
    let mut missing: HashMap<ObjectRef<K>, u64> = std::mem::take(seen);
    for object in &present {
        let reference = ObjectRef::from_obj(object.as_ref());
        if let Some(fingerprint) = missing.remove(&reference) {
            seen.insert(reference, fingerprint);
        }
        changed(object.as_ref(), seen, news);
    }
    for reference in missing.keys() {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let affected = news
            .claims
            .forget(K::kind(&()).as_ref(), namespace, &reference.name);
        news.wake(K::wake_named(namespace, &reference.name), affected);
        news.leave::<K>(namespace, &reference.name);
    }
}

impl News {
    /// Enters what an object has of its namespace's limits. Its status tells, so this follows the operator's own writes too.
    fn enter<K: Watched>(&self, object: &K) {
        let affected = match object.share() {
            Some((cluster, share)) => self.holdings.put(&Claimant::of(object), cluster, share),
            None => self.holdings.remove(
                K::kind(&()).as_ref(),
                &object.namespace().unwrap_or_default(),
                &object.name_any(),
            ),
        };
        self.wake_all(affected);
    }

    fn leave<K: Watched>(&self, namespace: &str, name: &str) {
        let affected = self.holdings.remove(K::kind(&()).as_ref(), namespace, name);
        self.wake_all(affected);
    }

    fn wake(&self, own: Wake, affected: Vec<Wake>) {
        self.waker.wake(own);
        self.wake_all(affected);
    }

    fn wake_all(&self, affected: Vec<Wake>) {
        for wake in affected {
            self.waker.wake(wake);
        }
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
