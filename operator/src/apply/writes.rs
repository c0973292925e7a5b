use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::{Resource, ResourceExt};
use tokio::{sync::Semaphore, time::Instant};

use crate::telemetry::{Kind, Metrics};

/// Writes under way at a time, of all controllers together: enough to keep an API server busy, too few to flood it.
/// A write that the server asks to try again later keeps its place, so a server in trouble gets fewer.
const AT_ONCE: usize = 64;
/// How long a store may take to show a write before it is no longer waited for.
const LAG: Duration = Duration::from_secs(10);
/// Remembered versions beyond which those that are no longer waited for are forgotten.
const FEW: usize = 1_024;

/// The way of all writes to the API server: so many at a time, each counted, and the version each object has since.
/// Clones share one way.
#[derive(Clone, Debug)]
pub struct Writes {
    permits: Arc<Semaphore>,
    metrics: Metrics,
    versions: Arc<Mutex<Versions>>,
}

#[derive(Debug, Default)]
struct Versions {
    of: HashMap<(String, String, String), (u64, Instant)>,
    forget_at: usize,
}

impl Writes {
    /// A way of its own, counted in `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            metrics,
            versions: Arc::default(),
        }
    }

    /// Carries out one write of an object of `kind`, when there is room, and counts it if it succeeds.
    ///
    /// # Errors
    /// Those of the write.
    pub async fn any<T>(
        &self,
        kind: &str,
        write: impl Future<Output = kube::Result<T>>,
    ) -> kube::Result<T> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let written = write.await?;
        let kind = Kind {
            kind: kind.to_owned(),
        };
        self.metrics.kubernetes_writes.get_or_create(&kind).inc();
        Ok(written)
    }

    /// [`Self::any`] for a write that answers with the object as it is since.
    ///
    /// # Errors
    /// Those of the write.
    pub async fn object<K: Resource<DynamicType = ()>>(
        &self,
        write: impl Future<Output = kube::Result<K>>,
    ) -> kube::Result<K> {
        let object = self.any(&K::kind(&()), write).await?;
        if let Some(version) = version(&object) {
            let mut versions = self.lock();
            if versions.of.len() >= versions.forget_at.max(FEW) {
                versions.of.retain(|_, (_, at)| at.elapsed() < LAG);
                versions.forget_at = 2 * versions.of.len();
            }
            versions.of.insert(key(&object), (version, Instant::now()));
        }
        Ok(object)
    }

    /// Whether `object`, as a store has it, is older than a write of this process to it. Who decides on such an object
    /// would do again what has been done.
    pub fn are_ahead_of<K: Resource<DynamicType = ()>>(&self, object: &K) -> bool {
        let key = key(object);
        let mut versions = self.lock();
        let Some((written, at)) = versions.of.get(&key) else {
            return false;
        };
        let ahead = version(object).is_some_and(|shown| shown < *written) && at.elapsed() < LAG;
        if !ahead {
            versions.of.remove(&key);
        }
        ahead
    }

    fn lock(&self) -> MutexGuard<'_, Versions> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> (String, String, String) {
    (
        K::kind(&()).into_owned(),
        object.namespace().unwrap_or_default(),
        object.name_any(),
    )
}

/// Resource versions of one kind are numbers that grow (KEP-5504).
fn version<K: Resource>(object: &K) -> Option<u64> {
    object.meta().resource_version.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::core::ObjectMeta;

    use super::*;

    fn at(version: &str) -> ConfigMap {
        ConfigMap {
            metadata: ObjectMeta {
                name: Some("orders".to_owned()),
                namespace: Some("shop".to_owned()),
                resource_version: Some(version.to_owned()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_older_than_the_write_is_told_until_the_store_shows_it() {
        let writes = Writes::new(Metrics::default());
        assert!(!writes.are_ahead_of(&at("9")));
        writes.object(async { Ok(at("10")) }).await.unwrap();
        assert!(writes.are_ahead_of(&at("9")));
        assert!(!writes.are_ahead_of(&at("10")));
        writes.object(async { Ok(at("11")) }).await.unwrap();
        tokio::time::advance(LAG).await;
        assert!(
            !writes.are_ahead_of(&at("9")),
            "a store that never shows it is not waited for"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_are_under_way_and_each_is_counted() {
        let metrics = Metrics::default();
        let writes = Writes::new(metrics.clone());
        let (under_way, most) = (Mutex::new(0_usize), Mutex::new(0_usize));
        let write = || async {
            {
                let mut now = under_way.lock().unwrap();
                *now += 1;
                let mut most = most.lock().unwrap();
                *most = (*most).max(*now);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            *under_way.lock().unwrap() -= 1;
            Ok(())
        };
        futures::future::join_all((0..1_000).map(|_| writes.any("Topic", write()))).await;
        assert_eq!(*most.lock().unwrap(), AT_ONCE);
        let kind = Kind {
            kind: "Topic".to_owned(),
        };
        assert_eq!(metrics.kubernetes_writes.get_or_create(&kind).get(), 1_000);
    }
}
