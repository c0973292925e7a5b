//! Kafka as seen from inside the cluster: a pod that sleeps, in which `probe` commands run as whoever is asked for.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Pod, ServiceAccount},
};
use kube::{Api, Client, api::PostParams};
use millrace_crds::KafkaCluster;
use serde_json::{Value, json};

use crate::{exec::exec, resources, wait};

/// Who speaks to Kafka.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The operator, by its client certificate: sees and may do everything.
    Operator,
    /// A ServiceAccount, by a token for this Kafka cluster.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// What Kafka said no with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error's name in Kafka's protocol, such as `TOPIC_AUTHORIZATION_FAILED`.
    pub error: String,
    /// What it says besides.
    pub message: String,
}

/// What a probe command printed, or what it was refused with.
pub type Answer = Result<Value, Refusal>;

/// The probe of one KafkaCluster.
#[derive(Clone)]
pub struct Probe {
    client: Client,
    cluster: String,
    namespace: String,
    nodes: i32,
    audience: String,
}

impl Probe {
    /// The probe of KafkaCluster `cluster`; its pod is started if it does not run yet.
    ///
    /// # Errors
    /// When the pod does not run within two minutes.
    pub async fn start(client: Client, namespace: &str, cluster: &str) -> Result<Self> {
        let kafka: KafkaCluster = Api::namespaced(client.clone(), namespace)
            .get(cluster)
            .await?;
        let probe = Self {
            client: client.clone(),
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            nodes: kafka.spec.combined.nodes,
            audience: format!("{cluster}.{namespace}.millrace.dev"),
        };
        resources::apply(&client, &probe.pod()).await?;
        let running =
            |pod: &Pod| pod.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Running");
        wait::object(
            &probe.pods(),
            &probe.pod_name(),
            "the probe's pod runs",
            Duration::from_secs(120),
            running,
        )
        .await?;
        Ok(probe)
    }

    /// Runs `probe COMMAND...` as `identity`. The inner result is Kafka's: what was answered, or the refusal.
    ///
    /// # Errors
    /// When the command cannot be run or prints no JSON.
    pub async fn run(&self, identity: &Identity, command: &[&str]) -> Result<Answer> {
        let (subcommand, arguments) = command.split_first().context("no probe command")?;
        let mut words = vec!["probe".to_owned(), (*subcommand).to_owned()];
        words.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        words.extend([
            "--bootstrap".to_owned(),
            self.bootstrap(identity),
            "--ca".to_owned(),
            "/ca/ca.crt".to_owned(),
        ]);
        let secret = match identity {
            Identity::Operator => {
                words.extend(
                    ["--cert", "/operator/tls.crt", "--key", "/operator/tls.key"]
                        .map(str::to_owned),
                );
                String::new()
            }
            Identity::ServiceAccount { namespace, name } => {
                words.extend(["--token-file".to_owned(), "/dev/stdin".to_owned()]);
                self.token(namespace, name).await?
            }
        };
        let (output, errors) = exec(&self.pods(), &self.pod_name(), &words, &secret).await?;
        let line = output
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let answer: Value = serde_json::from_str(line).with_context(|| {
            format!("`{}` printed no JSON: {output}{errors}", command.join(" "))
        })?;
        Ok(match answer["error"].as_str() {
            Some(error) => Err(Refusal {
                error: error.to_owned(),
                message: answer["message"].as_str().unwrap_or_default().to_owned(),
            }),
            None => Ok(answer),
        })
    }

    /// As [`run`](Self::run) as the operator, where a refusal is a failure.
    ///
    /// # Errors
    /// When the command cannot be run, or Kafka refuses.
    pub async fn ask(&self, command: &[&str]) -> Result<Value> {
        match self.run(&Identity::Operator, command).await? {
            Ok(answer) => Ok(answer),
            Err(refusal) => bail!(
                "probe {}: {}: {}",
                command.join(" "),
                refusal.error,
                refusal.message
            ),
        }
    }

    /// What Kafka's metadata and configuration say of a topic; none if there is no such topic.
    ///
    /// # Errors
    /// When the probe fails otherwise.
    pub async fn topic(&self, topic: &str) -> Result<Option<Value>> {
        match self
            .run(&Identity::Operator, &["describe-topic", "--topic", topic])
            .await?
        {
            Ok(answer) => Ok(Some(answer)),
            Err(refusal) if refusal.error == "UNKNOWN_TOPIC_OR_PARTITION" => Ok(None),
            Err(refusal) => bail!(
                "describe-topic {topic}: {}: {}",
                refusal.error,
                refusal.message
            ),
        }
    }

    /// Committed records in a topic.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub async fn count(&self, topic: &str) -> Result<i64> {
        let answer = self
            .ask(&["count", "--topic", topic, "--timeout-s", "60"])
            .await?;
        answer["count"]
            .as_i64()
            .with_context(|| format!("no count in {answer}"))
    }

    /// A token of a ServiceAccount for this Kafka cluster, as a kubelet gets it for a projected volume.
    async fn token(&self, namespace: &str, name: &str) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let spec = TokenRequestSpec {
            audiences: vec![self.audience.clone()],
            expiration_seconds: Some(3600),
            ..Default::default()
        };
        let request = TokenRequest {
            spec,
            ..Default::default()
        };
        let token = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await?;
        Ok(token
            .status
            .context("no status in the token's answer")?
            .token)
    }

    /// The same probe with tokens for another audience than this cluster.
    pub fn with_audience(&self, audience: &str) -> Self {
        Self {
            audience: audience.to_owned(),
            ..self.clone()
        }
    }

    fn bootstrap(&self, identity: &Identity) -> String {
        let port = match identity {
            Identity::Operator => 9091,
            Identity::ServiceAccount { .. } => 9092,
        };
        (0..self.nodes)
            .map(|n| {
                format!(
                    "{0}-nodes-{n}.{0}-nodes.{1}.svc:{port}",
                    self.cluster, self.namespace
                )
            })
            .collect::<Vec<_>>()
            .join(",")
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn pod_name(&self) -> String {
        format!("{}-probe", self.cluster)
    }

    fn pod(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.pod_name(),
                "namespace": self.namespace,
                "labels": { "e2e.millrace.dev/probe": "yes" },
            },
            "spec": {
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 0,
                "securityContext": { "runAsNonRoot": true, "runAsUser": 65532, "fsGroup": 65532, "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": "probe",
                    "image": resources::image("millrace/probe:dev"),
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["idle"],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                    "volumeMounts": [
                        { "name": "ca", "mountPath": "/ca", "readOnly": true },
                        { "name": "operator", "mountPath": "/operator", "readOnly": true },
                    ],
                }],
                "volumes": [
                    { "name": "ca", "configMap": { "name": format!("{}-ca", self.cluster) } },
                    { "name": "operator", "secret": { "secretName": format!("{}-operator-tls", self.cluster) } },
                ],
            },
        })
    }
}
