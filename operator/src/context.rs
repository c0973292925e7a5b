//! What every controller is handed: clones and handles, no state of its own.

use std::sync::Arc;

use kube::{Client, runtime::events::Reporter};

use crate::{
    apply::{Applied, Writes},
    config::Config,
    controllers::{Access, Creations, Requests},
    error::Error,
    registry::{HttpRegistries, Registries},
    telemetry::Metrics,
    world::World,
};

/// Shared by all controllers.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// How the operator was started.
    pub config: Config,
    /// What is known: the resources in the API server, and a view of each Kafka cluster.
    pub world: World,
    /// Clients of the schema registries, by URL.
    pub registries: Arc<dyn Registries>,
    /// What was applied to the API server last.
    pub applied: Applied,
    /// The way of all writes to the API server.
    pub writes: Writes,
    /// Which topics are being made.
    pub creations: Creations,
    /// Asks for ACLs to be made as the resources want them.
    pub access: Access,
    /// Counters and gauges.
    pub metrics: Metrics,
    /// Who signs the events.
    pub reporter: Reporter,
}

impl Context {
    /// The context of a process, and the access requests that its controllers will make.
    ///
    /// # Errors
    /// When the clients of the schema registries cannot be made.
    pub fn new(
        client: Client,
        config: Config,
        world: World,
        metrics: Metrics,
    ) -> Result<(Self, Requests), Error> {
        let (access, requests) = Access::new();
        let reporter = Reporter {
            controller: "millrace".to_owned(),
            instance: Some(config.pod_name.clone()),
        };
        let registries = Arc::new(HttpRegistries::new()?);
        let writes = Writes::new(metrics.clone());
        let creations = Creations::new(client.clone(), writes.clone(), world.clone());
        Ok((
            Self {
                client,
                config,
                world,
                registries,
                applied: Applied::default(),
                writes,
                creations,
                access,
                metrics,
                reporter,
            },
            requests,
        ))
    }
}
