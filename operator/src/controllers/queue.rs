use std::{
    collections::HashMap,
    fmt::Debug,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use kube::{
    Resource,
    runtime::{
        applier,
        controller::{Action, Config},
        reflector::{ObjectRef, Store},
    },
};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    context::Context,
    error::Error,
    world::{Wake, World},
};

/// Objects of one kind reconciled at the same time.
const CONCURRENCY: u16 = 64;
/// The same for kinds that are topics in Kafka: a bulk request holds no more than wait for it. How many of them write to the API
/// server at a time is bounded by [`crate::apply::Writes`].
const CONCURRENCY_OF_TOPICS: u16 = 2_048;
/// Pause after a first failure; it doubles up to the longest one. The true pause lies between half of it and all of it,
/// so that those who failed together do not come back together.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause where the API server or Kafka did not answer or was too busy: that ends for all at once.
const LONGEST_PAUSE_AWAY: Duration = Duration::from_secs(10);
/// Pause until the store shows what was written to the object.
const STORE_PAUSE: Duration = Duration::from_millis(250);

/// Calls `reconcile` for every object of `store` now, and for those that `concerns` gives for each wake from now on.
pub async fn drive<K, F, Fut>(
    context: Arc<Context>,
    store: Store<K>,
    concerns: fn(&Wake, &World) -> Vec<ObjectRef<K>>,
    reconcile: F,
    shutdown: CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    F: Fn(Arc<K>, Arc<Context>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Action, Error>> + Send + 'static,
{
    let wakes = context.world.waker.subscribe();
    let queue = queue(wakes, store.clone(), concerns, context.world.clone())
        .take_until(shutdown.cancelled_owned());
    let failures = Arc::new(Failures::default());
    let counted = failures.clone();
    let reconciler = move |object: Arc<K>, context: Arc<Context>| {
        let (reconcile, failures) = (reconcile.clone(), counted.clone());
        Box::pin(async move {
            if context.writes.are_ahead_of(object.as_ref()) {
                return Ok(Action::requeue(STORE_PAUSE));
            }
            let reference = ObjectRef::from_obj(object.as_ref());
            let kind = K::kind(&());
            let action = context
                .metrics
                .reconciles
                .measure(&kind, reconcile(object, context.clone()))
                .await?;
            failures.forget(&reference);
            Ok(action)
        })
    };
    let on_error = move |object: Arc<K>, error: &Error, _: Arc<Context>| {
        let reference = ObjectRef::from_obj(object.as_ref());
        let pause = failures.pause(&reference, error);
        if matches!(error, Error::Outdated) {
            debug!(object = %reference, "the object changed during a reconcile, which is done again");
            return Action::requeue(pause);
        }
        warn!(object = %reference, %error, class = error.class(), again_in_seconds = pause.as_secs_f32(), "a reconcile failed");
        Action::requeue(pause)
    };
    let concurrency = match K::kind(&()).as_ref() {
        "Topic" | "DLQ" => CONCURRENCY_OF_TOPICS,
        _ => CONCURRENCY,
    };
    applier(
        reconciler,
        on_error,
        context,
        store,
        queue,
        Config::default().concurrency(concurrency),
    )
    .for_each(|_| async {})
    .await;
}

fn queue<K>(
    wakes: Receiver<Wake>,
    store: Store<K>,
    concerns: fn(&Wake, &World) -> Vec<ObjectRef<K>>,
    world: World,
) -> impl Stream<Item = Result<ObjectRef<K>, std::convert::Infallible>> + Send
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let everything = move || {
        store
            .state()
            .iter()
            .map(|object| ObjectRef::from_obj(object.as_ref()))
            .collect::<Vec<_>>()
    };
    let first = everything();
    let later = stream::unfold(wakes, |mut wakes| async {
        let wake = wakes.recv().await;
        (!matches!(wake, Err(RecvError::Closed))).then_some((wake, wakes))
    })
    .map(move |wake| match wake {
        Ok(wake) => concerns(&wake, &world),
        Err(_) => everything(),
    });
    stream::once(async { first })
        .chain(later)
        .flat_map(stream::iter)
        .map(Ok)
}

/// A number between 0 and 1 that differs from object to object and from try to try.
fn fraction(name: &str, count: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (name, count).hash(&mut hasher);
    f64::from((hasher.finish() >> 32) as u32) / f64::from(u32::MAX)
}

/// How often each object has failed in a row.
struct Failures<K: Resource<DynamicType = ()>>(Mutex<HashMap<ObjectRef<K>, u32>>);

impl<K: Resource<DynamicType = ()>> Default for Failures<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Resource<DynamicType = ()>> Failures<K> {
    fn forget(&self, object: &ObjectRef<K>) {
        self.lock().remove(object);
    }

    fn pause(&self, object: &ObjectRef<K>, error: &Error) -> Duration {
        let mut failures = self.lock();
        let count = failures.entry(object.clone()).or_default();
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(*count));
        *count = count.saturating_add(1);
        let longest = match error.is_away() {
            true => LONGEST_PAUSE_AWAY,
            false => LONGEST_PAUSE,
        };
        let pause = pause.min(longest);
        let spread = pause / 2;
        let part = spread.mul_f64(fraction(&object.name, *count));
        (pause - part).max(error.retry_after())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectRef<K>, u32>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
