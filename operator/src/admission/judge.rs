use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use kube::core::{
    DynamicObject,
    admission::{AdmissionRequest, Operation},
};
use millrace_crds::{ConsumerGroup, Dlq, KafkaCluster, Redrive, Schema, Topic};
use serde::de::DeserializeOwned;
use tokio::{sync::broadcast::error::RecvError, time::timeout};

use super::{
    answer::Answer,
    foresight::{self, Views},
};
use crate::{
    apply,
    context::Context,
    plan,
    registry::Registries,
    resolve::{self, Facts, Images, Rejection, ResolvedSchema, ResolvedTopic},
    status::{State, reasons},
    world::Waker,
};

/// The API server waits for 3 seconds: this leaves it one.
const DEADLINE: Duration = Duration::from_secs(2);
/// How long a refusal waits for news: the stores may be a moment behind the request before this one, such as the grant it needs.
const NEWS_DEADLINE: Duration = Duration::from_millis(500);
/// Refusals that the resource alone can mend. Others, such as a missing consent, are mended elsewhere, perhaps in the same apply.
const OWN_FAULTS: [&str; 7] = [
    reasons::NAMESPACE_NOT_GRANTED,
    reasons::NAME_NOT_GRANTED,
    reasons::NAME_RESERVED,
    reasons::CONFLICT,
    reasons::LIMIT_EXCEEDED,
    reasons::INVALID_SPEC,
    reasons::INVALID_SCHEMA,
];

/// Judges requests by what is known of the resources and by what the schema registries say.
pub struct Judge {
    facts: Arc<dyn Facts + Send + Sync>,
    waker: Waker,
    registries: Arc<dyn Registries>,
    images: Images,
    views: Arc<dyn Views>,
}

impl Judge {
    /// A judge that knows what the controllers know.
    pub fn new(context: &Context) -> Self {
        Self {
            facts: Arc::new(context.world.clone()),
            waker: context.world.waker.clone(),
            registries: context.registries.clone(),
            images: Images {
                broker: context.config.broker_image.clone(),
                registry: context.config.registry_image.clone(),
                pull_policy: context.config.image_pull_policy.clone(),
            },
            views: Arc::new(context.world.clusters.clone()),
        }
    }

    /// The answer to a request, within two seconds.
    pub async fn judge(&self, request: &AdmissionRequest<DynamicObject>) -> Answer {
        let Some(object) = request.object.as_ref().filter(|_| changes_spec(request)) else {
            return Answer::Admit;
        };
        let judged = async {
            match request.kind.kind.as_str() {
                "Topic" => {
                    self.kafka_topic::<Topic>(request, object, resolve::topic)
                        .await
                }
                "ConsumerGroup" => {
                    self.resource(object, |group: &ConsumerGroup, facts| {
                        resolve::consumer_group(group, facts).map(|_| None)
                    })
                    .await
                }
                "DLQ" => self.kafka_topic::<Dlq>(request, object, resolve::dlq).await,
                "KafkaCluster" => {
                    self.resource(object, |cluster: &KafkaCluster, _| {
                        resolve::kafka_cluster(cluster, &self.images).map(|_| None)
                    })
                    .await
                }
                "Redrive" => {
                    self.resource(object, |redrive: &Redrive, facts| {
                        resolve::redrive(redrive, facts).map(|_| None)
                    })
                    .await
                }
                "Schema" => self.schema(request, object).await,
                _ => Answer::Admit,
            }
        };
        timeout(DEADLINE, judged).await.unwrap_or_else(|_| {
            Answer::Warn(
                "this could not be checked within 2 seconds; the conditions in status will tell"
                    .to_owned(),
            )
        })
    }

    /// The answer to a resource that `judge` refuses, or accepts with the exception of what it names.
    async fn resource<K: DeserializeOwned>(
        &self,
        object: &DynamicObject,
        judge: impl Fn(&K, &dyn Facts) -> Result<Option<Rejection>, Rejection>,
    ) -> Answer {
        let resource = match parse(object) {
            Ok(resource) => resource,
            Err(unread) => return unread,
        };
        let judged = || judge(&resource, self.facts.as_ref());
        match self.lasting(object, || judged().err()).await {
            Some(answer) => answer,
            None => match judged() {
                Ok(Some(not_done)) => Answer::Warn(not_done.message),
                _ => Answer::Admit,
            },
        }
    }

    /// A resource that stands for a topic: to a dry run it is also told what would be done in Kafka.
    async fn kafka_topic<K: DeserializeOwned>(
        &self,
        request: &AdmissionRequest<DynamicObject>,
        object: &DynamicObject,
        resolve: fn(&K, &dyn Facts) -> Result<ResolvedTopic, Rejection>,
    ) -> Answer {
        // A dry run hears of what is not done in the plan.
        let not_done = |topic| not_done(topic).filter(|_| !request.dry_run);
        let answer = self
            .resource(object, |resource: &K, facts| {
                resolve(resource, facts).map(not_done)
            })
            .await;
        if answer != Answer::Admit || !request.dry_run {
            return answer;
        }
        if hands_off(object) {
            return Answer::Foretell(Vec::new());
        }
        let resolved = |object: &DynamicObject| {
            parse::<K>(object).map(|resource| resolve(&resource, self.facts.as_ref()))
        };
        let desired = match resolved(object) {
            Ok(Ok(desired)) => desired,
            Ok(Err(rejection)) => return Answer::Foretell(vec![foresight::unknown(&rejection)]),
            Err(unread) => return unread,
        };
        let before: BTreeSet<_> = request
            .old_object
            .as_ref()
            .and_then(|before| resolved(before).ok()?.ok())
            .map(|before| before.grants)
            .unwrap_or_default();
        let recorded = object
            .data
            .pointer("/status/topicName")
            .and_then(|name| name.as_str());
        let owned = recorded == Some(desired.name.as_str());
        Answer::Foretell(foresight::topic(
            &desired,
            &before,
            owned,
            self.views.as_ref(),
        ))
    }

    /// A schema: to a dry run it is also told what would be done in the registry.
    async fn schema(
        &self,
        request: &AdmissionRequest<DynamicObject>,
        object: &DynamicObject,
    ) -> Answer {
        let schema: Schema = match parse(object) {
            Ok(schema) => schema,
            Err(unread) => return unread,
        };
        let judged = || resolve::schema(&schema, self.facts.as_ref());
        let rejected = self.lasting(object, || judged().err()).await;
        if let Some(answer) = rejected.filter(|answer| *answer != Answer::Admit) {
            return answer;
        }
        let desired = match judged() {
            Ok(desired) => desired,
            Err(rejection) if request.dry_run => {
                return Answer::Foretell(vec![foresight::unknown(&rejection)]);
            }
            Err(_) => return Answer::Admit,
        };
        let url = match resolve::registry_url(&desired.cluster, self.facts.as_ref()) {
            Ok(url) => url,
            Err(rejection) => return Answer::Warn(rejection.message),
        };
        let taken = schema
            .status
            .as_ref()
            .and_then(|status| status.subject.as_deref());
        let owned = taken == Some(desired.subject.as_str());
        match apply::observe(self.registries.at(&url).as_ref(), &desired, owned).await {
            Ok(observed) => {
                let plan = plan::schema(&desired, &observed);
                match verdict(&desired, &plan) {
                    Answer::Admit if request.dry_run && hands_off(object) => {
                        Answer::Foretell(Vec::new())
                    }
                    Answer::Admit if request.dry_run => {
                        Answer::Foretell(plan::schema_sentences(&desired, &observed, &plan))
                    }
                    answer => answer,
                }
            }
            Err(error) => Answer::Warn(format!(
                "the schema could not be checked: {error}; it is checked before it is registered"
            )),
        }
    }

    /// The answer to a rejection that stands after the stores had time to catch up; None if there is none.
    async fn lasting(
        &self,
        object: &DynamicObject,
        reject: impl Fn() -> Option<Rejection>,
    ) -> Option<Answer> {
        let mut news = self.waker.subscribe();
        let mut rejection = reject()?;
        if is_own_fault(&rejection) {
            let accepted = async {
                while !matches!(news.recv().await, Err(RecvError::Closed)) {
                    match reject() {
                        Some(other) => rejection = other,
                        None => return,
                    }
                }
                std::future::pending().await
            };
            if within(NEWS_DEADLINE, accepted).await {
                return None;
            }
        }
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        Some(
            match is_own_fault(&rejection) && self.facts.namespace_labels(namespace).is_some() {
                true => Answer::Deny(rejection.message),
                false if rejection.state == State::Unknown => Answer::Admit,
                false => Answer::Warn(rejection.message),
            },
        )
    }
}

/// What is not done of a topic that is otherwise made as asked for.
fn not_done(topic: ResolvedTopic) -> Option<Rejection> {
    topic.capped.map(|capped| capped.why)
}

async fn within(deadline: Duration, work: impl Future<Output = ()>) -> bool {
    timeout(deadline, work).await.is_ok()
}

fn is_own_fault(rejection: &Rejection) -> bool {
    rejection.state == State::False && OWN_FAULTS.contains(&rejection.reason)
}

/// Whether nothing is done for the resource, whatever its spec says.
fn hands_off(object: &DynamicObject) -> bool {
    let observed = object
        .data
        .pointer("/spec/managementPolicy")
        .is_some_and(|policy| policy == "Observe");
    observed || resolve::paused(object)
}

/// Whether there is anything to judge: status, finalizers, labels and deletions pass without a look.
fn changes_spec(request: &AdmissionRequest<DynamicObject>) -> bool {
    let spec = |object: &Option<DynamicObject>| {
        object
            .as_ref()
            .and_then(|object| object.data.get("spec").cloned())
    };
    let deleting = request
        .object
        .as_ref()
        .is_some_and(|object| object.metadata.deletion_timestamp.is_some());
    let whole = request
        .sub_resource
        .as_deref()
        .unwrap_or_default()
        .is_empty();
    let written = match request.operation {
        Operation::Create => true,
        Operation::Update => spec(&request.object) != spec(&request.old_object),
        _ => false,
    };
    written && whole && !deleting
}

/// The resource in a request. One that the API server took and this operator cannot read is of another version of the definitions.
fn parse<K: DeserializeOwned>(object: &DynamicObject) -> Result<K, Answer> {
    serde_json::to_value(object).and_then(serde_json::from_value).map_err(|error| {
        Answer::Warn(format!("this operator cannot read the resource: {error}; install the definitions of its version"))
    })
}

/// What the registry's facts mean for a request: a text that no order of steps would register is refused.
fn verdict(desired: &ResolvedSchema, plan: &plan::SchemaPlan) -> Answer {
    let refused =
        |reason: &str| reason == reasons::INCOMPATIBLE || reason == reasons::INVALID_SCHEMA;
    if let Some(condition) = plan
        .conditions
        .iter()
        .find(|draft| draft.state == State::False && refused(draft.reason))
    {
        return Answer::Deny(condition.message.clone());
    }
    if let Some(condition) = plan
        .conditions
        .iter()
        .find(|draft| [reasons::NOT_ADOPTED, reasons::REFERENCE_NOT_FOUND].contains(&draft.reason))
    {
        return Answer::Warn(condition.message.clone());
    }
    match plan.steps.contains(&plan::SchemaStep::Register) || plan.registered.is_some() {
        true => Answer::Admit,
        false => Answer::Warn(format!(
            "the registry can judge this schema only when subject `{}` has the level {:?}: see the condition Compatible",
            desired.subject.as_str(),
            desired.compatibility
        )),
    }
}

#[cfg(test)]
mod tests;
