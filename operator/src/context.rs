//! What every controller is handed: clones and handles, no state of its own.

use std::sync::Arc;

use kube::{Client, runtime::events::Reporter};

use crate::{
    apply::Applied, config::Config, controllers::Access, registry::Registries, telemetry::Metrics,
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
    /// Asks for ACLs to be made as the resources want them.
    pub access: Access,
    /// Counters and gauges.
    pub metrics: Metrics,
    /// Who signs the events.
    pub reporter: Reporter,
}
