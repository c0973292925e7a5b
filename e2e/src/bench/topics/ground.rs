use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::super::Options;
use crate::{CLUSTER, CLUSTER_NAMESPACE, bulk, probe::Probe, resources, stage::CASE_LABEL, wait};

/// How long taking away what one part made may take.
const CLEARING: Duration = Duration::from_secs(300);
/// Seconds a probe command over all topics may take.
const PROBING_S: &str = "240";

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

    /// Runs a probe command over many topics, `--prefix PREFIX` and what else it takes.
    ///
    /// # Errors
    /// When it fails, or takes four minutes.
    pub async fn ask(&self, command: &str, prefix: &str, more: &[&str]) -> Result<Value> {
        let mut words = vec![command, "--prefix", prefix, "--timeout-s", PROBING_S];
        words.extend(more);
        self.probe.ask(&words).await
    }

    /// Topics in Kafka whose names begin with `prefix`.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub async fn in_kafka(&self, prefix: &str) -> Result<usize> {
        let answer = self.ask("count-topics", prefix, &[]).await?;
        let count = answer["count"]
            .as_u64()
            .with_context(|| format!("no count in {answer}"))?;
        Ok(usize::try_from(count)?)
    }

    /// Takes away a namespace with its Topics, and everything in Kafka that has its prefix. Each is tried though the other fails.
    ///
    /// # Errors
    /// When something is left after some minutes.
    pub async fn take_away(&self, namespace: &str) -> Result<()> {
        progress(&format!("taking away {namespace}"));
        let resources_gone = self.remove_resources(namespace).await;
        let topics_gone = self.remove_topics(&format!("{namespace}.")).await;
        resources_gone.and(topics_gone)
    }

    async fn remove_resources(&self, namespace: &str) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        if namespaces.get_opt(namespace).await?.is_none() {
            return Ok(());
        }
        bulk::delete_all(&self.client, namespace, CLEARING).await?;
        resources::delete(&namespaces, namespace).await?;
        wait::gone(&namespaces, namespace, CLEARING).await
    }

    async fn remove_topics(&self, prefix: &str) -> Result<()> {
        self.ask("delete-many", prefix, &[]).await?;
        wait::answer("no topic is left in Kafka", CLEARING, || async {
            Ok(match self.in_kafka(prefix).await? {
                0 => Ok(()),
                left => Err(format!("{left} are")),
            })
        })
        .await
    }

    /// Takes away everything.
    ///
    /// # Errors
    /// When something is left after some minutes.
    pub async fn clear(&self) -> Result<()> {
        let run = self.take_away(&self.namespace).await;
        let floor = self.take_away(&self.floor_namespace).await;
        run.and(floor).context(
            "the Topics of the bench could not be taken away: delete the namespaces bench-topics-* and bench-floor-*, and \
             their topics with `probe delete-many`",
        )
    }
}

/// Tells people what is going on; standard output is for the figures.
pub fn progress(what: &str) {
    eprintln!("[{}] topics: {what}", Timestamp::now().strftime("%T"));
}
