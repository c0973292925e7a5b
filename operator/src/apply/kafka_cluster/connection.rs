use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    context::Context,
    error::Error,
    kafka::{Clients, Credentials, KafkaAdmin, KrafkaAdmin, RdkafkaSampler, RdkafkaTailReader},
    world::{self, ClusterHandle, ClusterKey, Periods, Wake},
};

/// The clients of all clusters, by which their handles ask.
#[derive(Default)]
pub struct Connections(Mutex<BTreeMap<ClusterKey, Arc<dyn KafkaAdmin>>>);

impl Connections {
    /// The client of a cluster, where there is one.
    pub fn admin(&self, key: &ClusterKey) -> Option<Arc<dyn KafkaAdmin>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// Makes the handle of a cluster, in place of one with other credentials.
    ///
    /// # Errors
    /// When the credentials are none.
    pub fn open(
        &self,
        context: &Context,
        key: &ClusterKey,
        credentials: Credentials,
    ) -> Result<ClusterHandle, Error> {
        if let Some(handle) = context
            .world
            .clusters
            .get(key)
            .filter(|handle| *handle.credentials() == credentials)
        {
            return Ok(handle);
        }
        let admin: Arc<dyn KafkaAdmin> =
            Arc::new(KrafkaAdmin::new(&credentials, &context.metrics)?);
        let clients = Clients {
            admin: admin.clone(),
            tails: Arc::new(RdkafkaTailReader::new(credentials.clone())),
            sampler: Arc::new(RdkafkaSampler::new(credentials.clone())),
        };
        let periods = Periods {
            view: Duration::from_secs(context.config.view_period_seconds),
            groups: Duration::from_secs(context.config.lag_period_seconds),
        };
        let (waker, metrics) = (context.world.waker.clone(), context.metrics.clone());
        let handle = world::start(key.clone(), credentials, clients, periods, waker, metrics);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone(), admin);
        context.world.clusters.insert(key.clone(), handle.clone());
        context.world.waker.wake(Wake::Cluster(key.clone()));
        Ok(handle)
    }

    /// Forgets a cluster that is gone.
    pub fn close(&self, context: &Context, key: &ClusterKey) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        if context.world.clusters.get(key).is_some() {
            context.world.clusters.remove(key);
            context.world.waker.wake(Wake::Cluster(key.clone()));
        }
    }
}
