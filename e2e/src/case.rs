use std::{fmt::Debug, time::Duration};

use anyhow::{Result, anyhow};
use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Namespace, ServiceAccount},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use millrace_crds::{ClusterRef, KafkaCluster, Topic, TopicSpec};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    CLUSTER, CLUSTER_NAMESPACE,
    probe::{Answer, Identity, Probe},
    resources,
    stage::{self, CASE_LABEL},
    turns::Turn,
    wait,
};

/// How long the operator may take for something that is not measured, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A namespaced kind as a Rust type.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// One case: a namespace of its own that the shared KafkaCluster grants its prefix, and a probe.
pub struct Case {
    /// Client of the Kubernetes cluster.
    pub client: Client,
    /// The case's namespace.
    pub namespace: String,
    /// The probe of the KafkaCluster.
    pub probe: Probe,
    _turn: Turn,
}

impl Case {
    /// A case that runs beside others.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub async fn shared(name: &str) -> Result<Self> {
        let client = stage::client().await?;
        let turn = stage::shared(&client).await?;
        Self::begin(client, turn, name).await
    }

    /// A case that runs while nothing else does.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub async fn alone(name: &str) -> Result<Self> {
        let client = stage::client().await?;
        let turn = stage::alone(&client).await?;
        Self::begin(client, turn, name).await
    }

    async fn begin(client: Client, turn: Turn, name: &str) -> Result<Self> {
        let namespace = format!("{name}-{}", run_id());
        make_namespace(&client, &namespace, true).await?;
        let probe = Probe::start(client.clone(), CLUSTER_NAMESPACE, CLUSTER).await?;
        Ok(Self {
            client,
            namespace,
            probe,
            _turn: turn,
        })
    }

    /// Another namespace of this case, granted its prefix or not.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn other_namespace(&self, suffix: &str, granted: bool) -> Result<String> {
        let namespace = format!("{}-{suffix}", self.namespace);
        make_namespace(&self.client, &namespace, granted).await?;
        Ok(namespace)
    }

    /// Adds an entry for the case's namespace alone to `spec.namespaces` of the shared KafkaCluster, such as limits.
    ///
    /// # Errors
    /// When the API server refuses it, with its words.
    pub async fn grant(&self, mut entry: Value) -> Result<()> {
        entry["selector"] =
            json!({ "matchLabels": { "kubernetes.io/metadata.name": self.namespace } });
        let clusters: Api<KafkaCluster> = Api::namespaced(self.client.clone(), CLUSTER_NAMESPACE);
        loop {
            let mut cluster = clusters.get(CLUSTER).await?;
            cluster
                .spec
                .namespaces
                .push(serde_json::from_value(entry.clone())?);
            match clusters
                .replace(CLUSTER, &PostParams::default(), &cluster)
                .await
            {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// What Kafka says of the case's topic `<namespace>.<name>`, once that is as wanted.
    ///
    /// # Errors
    /// When it is not in time, with the last answer.
    pub async fn probe_topic_until(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let topic = self.name(name);
        let described = |answer: &Answer| answer.as_ref().is_ok_and(&wanted);
        self.probe_until(
            &Identity::Operator,
            &["describe-topic", "--topic", &topic],
            what,
            described,
        )
        .await
    }

    /// A name in Kafka that the case's namespace may claim.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.namespace)
    }

    /// The shared KafkaCluster, as resources name it.
    pub fn cluster_ref(&self) -> ClusterRef {
        ClusterRef {
            name: CLUSTER.into(),
            namespace: Some(CLUSTER_NAMESPACE.into()),
        }
    }

    /// The API of a kind in the case's namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Kind,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A ServiceAccount of the case's namespace, made if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn account(&self, name: &str) -> Result<Identity> {
        self.account_in(&self.namespace, name).await
    }

    /// A ServiceAccount, made if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn account_in(&self, namespace: &str, name: &str) -> Result<Identity> {
        let mut account = ServiceAccount::default();
        account.metadata.name = Some(name.into());
        resources::apply_typed(&Api::namespaced(self.client.clone(), namespace), &account).await?;
        Ok(Identity::ServiceAccount {
            namespace: namespace.into(),
            name: name.into(),
        })
    }

    /// Applies a resource given as `{kind, name, spec}` in the case's namespace; `clusterRef` is added.
    ///
    /// # Errors
    /// When the API server refuses it, with its words.
    pub async fn apply(&self, kind: &str, name: &str, spec: Value) -> Result<()> {
        self.apply_in(&self.namespace, kind, name, spec).await
    }

    /// As [`apply`](Self::apply), in another namespace.
    ///
    /// # Errors
    /// When the API server refuses it, with its words.
    pub async fn apply_in(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
        spec: Value,
    ) -> Result<()> {
        resources::apply(&self.client, &document(namespace, kind, name, spec)).await?;
        Ok(())
    }

    /// As [`apply`](Self::apply), as a dry run: the webhook judges it, and nothing is stored.
    ///
    /// # Errors
    /// When it would be refused, with the words.
    pub async fn dry_run(&self, kind: &str, name: &str, spec: Value) -> Result<()> {
        let document = document(&self.namespace, kind, name, spec);
        resources::dry_run(&self.client, &document).await
    }

    /// A ready Topic `name` with one partition and these producers, called `<namespace>.<name>` in Kafka.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn topic(&self, name: &str, producers: &[&str]) -> Result<Topic> {
        let producers: Vec<Value> = producers
            .iter()
            .map(|producer| json!({ "serviceAccountName": producer }))
            .collect();
        let spec = json!({ "topicName": self.name(name), "partitions": 1, "producers": producers });
        self.apply("Topic", name, spec).await?;
        self.ready::<Topic>(name).await
    }

    /// Edits the spec of a Topic, again where somebody else wrote it meanwhile.
    ///
    /// # Errors
    /// When the API server refuses it, with its words.
    pub async fn edit_topic(&self, name: &str, edit: impl Fn(&mut TopicSpec)) -> Result<()> {
        let topics = self.api::<Topic>();
        loop {
            let mut topic = topics.get(name).await?;
            edit(&mut topic.spec);
            match topics.replace(name, &PostParams::default(), &topic).await {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// Pauses a Topic, or lets it go on.
    ///
    /// # Errors
    /// When the API server refuses, or a pause is not confirmed in time.
    pub async fn pause_topic(&self, name: &str, pause: bool) -> Result<()> {
        let value = pause.then_some("true");
        let patch = json!({ "metadata": { "annotations": { "millrace.dev/paused": value } } });
        let topics = self.api::<Topic>();
        topics
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        if pause {
            wait::condition(&topics, name, "Paused", "True", PATIENCE).await?;
        }
        Ok(())
    }

    /// The resource once it is ready.
    ///
    /// # Errors
    /// When it is not in time, with its conditions.
    pub async fn ready<K>(&self, name: &str) -> Result<K>
    where
        K: Kind,
    {
        wait::condition(&self.api::<K>(), name, "Ready", "True", PATIENCE).await
    }

    /// As [`ready`](Self::ready), in another namespace.
    ///
    /// # Errors
    /// When it is not in time, with its conditions.
    pub async fn ready_in<K>(&self, namespace: &str, name: &str) -> Result<K>
    where
        K: Kind,
    {
        wait::condition(
            &Api::namespaced(self.client.clone(), namespace),
            name,
            "Ready",
            "True",
            PATIENCE,
        )
        .await
    }

    /// Applies a resource that must not be accepted: the webhook refuses it, or it is never ready for `reason`. The message of either.
    ///
    /// # Errors
    /// When it is accepted, or refused for another reason.
    pub async fn rejected<K>(
        &self,
        kind: &str,
        name: &str,
        spec: Value,
        reason: &str,
    ) -> Result<String>
    where
        K: Kind,
    {
        self.rejected_in::<K>(&self.namespace, kind, name, spec, reason)
            .await
    }

    /// As [`rejected`](Self::rejected), in another namespace.
    ///
    /// # Errors
    /// When it is accepted, or refused for another reason.
    pub async fn rejected_in<K>(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
        spec: Value,
        reason: &str,
    ) -> Result<String>
    where
        K: Kind,
    {
        match self.apply_in(namespace, kind, name, spec).await {
            Ok(()) => {
                refused(
                    &Api::<K>::namespaced(self.client.clone(), namespace),
                    name,
                    reason,
                )
                .await
            }
            Err(error) => match resources::refusal(&error) {
                Some(words) => Ok(words.to_owned()),
                None => Err(error),
            },
        }
    }

    /// The resource once it is not ready for `reason`.
    ///
    /// # Errors
    /// When it is not in time, with its conditions.
    pub async fn refused<K>(&self, name: &str, reason: &str) -> Result<String>
    where
        K: Kind,
    {
        refused(&self.api::<K>(), name, reason).await
    }

    /// Runs a probe command as `identity` until Kafka's answer is as wanted: ACLs reach all brokers a moment after they are granted.
    /// What was answered; null where a refusal was wanted.
    ///
    /// # Errors
    /// When it is not in time, with the last answer.
    pub async fn probe_until(
        &self,
        identity: &Identity,
        command: &[&str],
        what: &str,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Result<Value> {
        wait::answer(what, PATIENCE, || async {
            let answer = self.probe.run(identity, command).await?;
            Ok(if wanted(&answer) {
                Ok(answer.unwrap_or_default())
            } else {
                Err(format!("{answer:?}"))
            })
        })
        .await
    }
}

/// A resource on the shared KafkaCluster.
fn document(namespace: &str, kind: &str, name: &str, mut spec: Value) -> Value {
    spec["clusterRef"] = json!({ "name": CLUSTER, "namespace": CLUSTER_NAMESPACE });
    json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
    })
}

/// The message of the resource's `Ready` condition once that is False for `reason`.
///
/// # Errors
/// When it is not in time, with its conditions.
pub async fn refused<K>(api: &Api<K>, name: &str, reason: &str) -> Result<String>
where
    K: Resource<DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let found = wait::object(
        api,
        name,
        &format!("Ready=False {reason}"),
        PATIENCE,
        |object| {
            wait::condition_of(object, "Ready")
                .is_some_and(|ready| ready["status"] == "False" && ready["reason"] == reason)
        },
    )
    .await?;
    let ready = wait::condition_of(&found, "Ready")
        .ok_or_else(|| anyhow!("{} has no Ready condition", found.name_any()))?;
    Ok(ready["message"].as_str().unwrap_or_default().to_owned())
}

async fn make_namespace(client: &Client, name: &str, granted: bool) -> Result<()> {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.into());
    let labels = namespace.labels_mut();
    labels.insert(CASE_LABEL.into(), "yes".into());
    if granted {
        labels.insert("kafka".into(), CLUSTER.into());
    }
    resources::apply_typed(&Api::all(client.clone()), &namespace).await?;
    Ok(())
}

/// Distinguishes this run's names from those of an earlier one, whose topics may still be in Kafka.
fn run_id() -> String {
    use std::sync::OnceLock;
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| format!("{:x}", Timestamp::now().as_second() % 0x00ff_ffff))
        .clone()
}
