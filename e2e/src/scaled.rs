//! ConsumerGroups that scale Deployments of consumers, in the namespace of a case. All groups of a case read one topic.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use millrace_crds::{ConsumerGroup, Topic};
use serde_json::{Value, json};

use crate::{CLUSTER, CLUSTER_NAMESPACE, Case, replica_watch::replicas, resources, wait};

/// Name of the topic's resource.
const TOPIC: &str = "orders";
/// Partitions of the topic, where a case does not say.
const PARTITIONS: i32 = 6;
/// The ServiceAccount that writes to the topic and reads it.
const ACCOUNT: &str = "app";
const PATIENCE: Duration = Duration::from_secs(90);

/// A ConsumerGroup and the Deployment of the same name that it scales.
pub struct Scaled<'a> {
    case: &'a Case,
    name: &'static str,
}

/// What a group has to do and has done, over all partitions of the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// Sum of the end offsets: the records written so far.
    pub end: i64,
    /// Sum of the lags.
    pub lag: i64,
}

/// The spec of a ConsumerGroup that scales Deployment `target`. Its objective is ten seconds.
pub fn spec(case: &Case, name: &str, target: &str, autoscaling: &Value) -> Value {
    json!({
        "groupId": case.name(name),
        "topics": [{ "name": TOPIC }],
        "serviceAccountName": ACCOUNT,
        "scaleTargetRef": { "name": target },
        "objective": { "lagSeconds": 10 },
        "autoscaling": autoscaling,
    })
}

impl<'a> Scaled<'a> {
    /// A group whose Deployment runs consumers, each of at most `rate` records a second, and which is scaled as `autoscaling` says.
    ///
    /// # Errors
    /// When something is refused, or the group does not become ready.
    pub async fn start(
        case: &'a Case,
        name: &'static str,
        rate: u32,
        autoscaling: Value,
    ) -> Result<Self> {
        let group = Self::declare(case, name, spec(case, name, name, &autoscaling)).await?;
        group.deploy(rate).await?;
        case.ready::<ConsumerGroup>(name).await?;
        Ok(group)
    }

    /// A group with the topic it reads, without a Deployment.
    ///
    /// # Errors
    /// When something is refused, or the topic does not become ready.
    pub async fn declare(case: &'a Case, name: &'static str, spec: Value) -> Result<Self> {
        Self::declare_on(case, name, PARTITIONS, spec).await
    }

    /// As [`declare`](Self::declare), with so many partitions of the topic.
    ///
    /// # Errors
    /// When something is refused, or the topic does not become ready.
    pub async fn declare_on(
        case: &'a Case,
        name: &'static str,
        partitions: i32,
        spec: Value,
    ) -> Result<Self> {
        case.account(ACCOUNT).await?;
        let topic = json!({
            "topicName": case.name(TOPIC),
            "partitions": partitions,
            "producers": [{ "serviceAccountName": ACCOUNT }],
        });
        case.apply("Topic", TOPIC, topic).await?;
        case.ready::<Topic>(TOPIC).await?;
        case.apply("ConsumerGroup", name, spec).await?;
        Ok(Self { case, name })
    }

    /// Makes the Deployment, of one consumer, each of at most `rate` records a second.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn deploy(&self, rate: u32) -> Result<()> {
        self.deploy_as("work", rate).await
    }

    /// As [`deploy`](Self::deploy), with this probe command for a consumer.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn deploy_as(&self, command: &str, rate: u32) -> Result<()> {
        let (name, namespace) = (self.name, &self.case.namespace);
        let (group, rate) = (self.case.name(name), rate.to_string());
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": name, "namespace": namespace },
            "spec": {
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": self.client_pod(&[command, "--group", &group, "--rate", &rate]),
                },
            },
        });
        resources::apply(&self.case.client, &deployment).await?;
        Ok(())
    }

    /// Runs a probe command as a pod of its own, called as the command is. `--topic` and how to connect are added.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn run_beside(&self, command: &[&str]) -> Result<()> {
        let mut spec = self.client_pod(command);
        spec["restartPolicy"] = "Never".into();
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": command.first(), "namespace": self.case.namespace },
            "spec": spec,
        });
        resources::apply(&self.case.client, &pod).await?;
        Ok(())
    }

    /// The spec of a pod that runs a probe command with the group's binding.
    fn client_pod(&self, command: &[&str]) -> Value {
        let bootstrap = format!("{CLUSTER}-kafka.{CLUSTER_NAMESPACE}.svc:9092");
        let topic = self.case.name(TOPIC);
        let connection = [
            "--topic",
            &topic,
            "--bootstrap",
            &bootstrap,
            "--ca",
            "/binding/ca.crt",
            "--token-file",
            "/token/token",
        ];
        let arguments = [command, &connection[..]].concat();
        json!({
            "serviceAccountName": ACCOUNT,
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 5,
            "containers": [{
                "name": command.first(),
                "image": resources::image("millrace/probe:dev"),
                "imagePullPolicy": "IfNotPresent",
                "args": arguments,
                "volumeMounts": [
                    { "name": "binding", "mountPath": "/binding", "readOnly": true },
                    { "name": "token", "mountPath": "/token", "readOnly": true },
                ],
            }],
            "volumes": [
                { "name": "binding", "configMap": { "name": format!("{}-group", self.name) } },
                { "name": "token", "projected": { "sources": [{ "serviceAccountToken": {
                    "path": "token",
                    "audience": format!("{CLUSTER}.{CLUSTER_NAMESPACE}.millrace.dev"),
                    "expirationSeconds": 3600,
                } }] } },
            ],
        })
    }

    /// The replicas that the Deployment asks for.
    ///
    /// # Errors
    /// When there is no Deployment.
    pub async fn replicas(&self) -> Result<i32> {
        let deployment: Deployment = self.case.api().get(self.name).await?;
        Ok(replicas(&deployment))
    }

    /// Scales the Deployment by hand.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn scale_by_hand(&self, replicas: i32) -> Result<()> {
        let patch = json!({ "spec": { "replicas": replicas } });
        self.case
            .api::<Deployment>()
            .patch_scale(self.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        Ok(())
    }

    /// Waits until `test` holds for the replicas that the Deployment asks for.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn until_replicas(
        &self,
        what: &str,
        within: Duration,
        test: impl Fn(i32) -> bool + Send + Sync,
    ) -> Result<()> {
        let deployments = self.case.api::<Deployment>();
        wait::object(&deployments, self.name, what, within, |deployment| {
            test(replicas(deployment))
        })
        .await
        .map(drop)
    }

    /// Waits until the group has processed all of the topic, which are so many records.
    ///
    /// # Errors
    /// When it has not in time, with the offsets.
    pub async fn until_caught_up(&self, records: i64) -> Result<()> {
        let done = Offsets {
            end: records,
            lag: 0,
        };
        wait::answer("the group has caught up", PATIENCE, || async {
            let offsets = self.offsets().await?;
            Ok(if offsets == done {
                Ok(())
            } else {
                Err(format!("{offsets:?}"))
            })
        })
        .await
    }

    /// How far the group has come.
    ///
    /// # Errors
    /// When the probe fails.
    pub async fn offsets(&self) -> Result<Offsets> {
        let (topic, group) = (self.case.name(TOPIC), self.case.name(self.name));
        let words = ["lag", "--group", &group, "--topic", &topic];
        let offsets = self.case.probe.ask(&words).await?;
        let partitions = offsets["partitions"].as_array().context("no partitions")?;
        let sum = |key: &str| {
            let of_partitions = partitions.iter().filter_map(|one| one[key].as_i64());
            of_partitions.sum()
        };
        Ok(Offsets {
            end: sum("end"),
            lag: sum("lag"),
        })
    }
}

/// Writes records to the topic; what the probe says of it.
///
/// # Errors
/// When they do not arrive.
pub async fn produce(case: &Case, count: u32) -> Result<Value> {
    let (topic, count) = (case.name(TOPIC), count.to_string());
    let words = ["produce", "--topic", &topic, "--count", &count];
    case.probe.ask(&words).await
}
