use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};

use super::super::{Options, clearing};
use crate::{CLUSTER, CLUSTER_NAMESPACE, probe::Probe, resources, stage::CASE_LABEL};

/// What all parts of the measurement stand on.
pub struct Ground {
    pub client: Client,
    pub probe: Probe,
    /// Topics to be made.
    pub count: usize,
    /// How long nothing may be written.
    pub idle: Duration,
    /// The namespace of the run, which the shared KafkaCluster grants.
    pub namespace: String,
    /// The namespace of the floor.
    pub floor_namespace: String,
}

impl Ground {
    /// Two namespaces with names of this run alone, so that nothing an earlier one left can be in the way.
    ///
    /// # Errors
    /// When they cannot be made, or the probe does not start.
    pub async fn lay(client: &Client, options: &Options) -> Result<Self> {
        let run = Timestamp::now().as_second() % 0x00ff_ffff;
        let ground = Self {
            client: client.clone(),
            probe: Probe::start(client.clone(), CLUSTER_NAMESPACE, CLUSTER).await?,
            count: options.topics,
            idle: options.idle(),
            namespace: format!("bench-topics-{run:x}"),
            floor_namespace: format!("bench-floor-{run:x}"),
        };
        for name in [&ground.namespace, &ground.floor_namespace] {
            let mut namespace = Namespace::default();
            namespace.metadata.name = Some(name.clone());
            let labels = namespace.labels_mut();
            labels.insert(CASE_LABEL.into(), "yes".into());
            labels.insert("kafka".into(), CLUSTER.into());
            resources::apply_typed(&Api::all(client.clone()), &namespace).await?;
        }
        Ok(ground)
    }

    /// Takes away a namespace with its Topics, and everything in Kafka that has its prefix.
    ///
    /// # Errors
    /// When something is left after some minutes.
    pub async fn take_away(&self, namespace: &str) -> Result<()> {
        progress(&format!("taking away {namespace}"));
        clearing::take_away(&self.client, &self.probe, namespace).await
    }

    /// Takes away everything.
    ///
    /// # Errors
    /// When something is left after some minutes.
    pub async fn clear(&self) -> Result<()> {
        let run = self.take_away(&self.namespace).await;
        let floor = self.take_away(&self.floor_namespace).await;
        run.and(floor)
    }
}

/// Tells people what is going on.
pub fn progress(what: &str) {
    super::super::progress("topics", what);
}
