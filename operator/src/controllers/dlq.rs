use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use millrace_crds::{Dlq, DlqStatus};
use tokio_util::sync::CancellationToken;

use super::{
    gone::{Name, perhaps_gone},
    kafka_topic::{self, Converged, Ownership, conclude, converge, ownership},
    queue,
};
use crate::{
    apply,
    context::Context,
    dead_letters::{self, DeadLetters, Letters, whole},
    error::Error,
    kafka::ObservedTopic,
    resolve::{self, Facts, Rejection, ResolvedTopic},
    status::{self, Draft, State, reasons},
    world::{ClusterKey, Wake, World},
};

/// Keeps a DLQ with `deletionPolicy: Delete` from being forgotten before its topic is gone from Kafka.
const FINALIZER: &str = "millrace.dev/topic";

/// Makes DLQs true until `shutdown`.
pub async fn run(context: Arc<Context>, shutdown: CancellationToken) {
    let counting = Arc::new(Counting::new(&context));
    let store = context.world.stores.dlqs.clone();
    let shared = counting.clone();
    let reconcile = move |dlq, context| reconcile(dlq, context, shared.clone());
    tokio::join!(
        queue::drive(
            context.clone(),
            store,
            concerns,
            reconcile,
            shutdown.clone()
        ),
        counting.forget_the_gone(&context, shutdown),
    );
}

/// The DLQs that a change concerns.
fn concerns(wake: &Wake, world: &World) -> Vec<ObjectRef<Dlq>> {
    let that = |chosen: &dyn Fn(&Dlq, &str) -> bool| {
        let dlqs = world.stores.dlqs.state();
        let chosen = dlqs
            .iter()
            .filter(|dlq| chosen(dlq, &dlq.namespace().unwrap_or_default()));
        chosen
            .map(|dlq| ObjectRef::from_obj(dlq.as_ref()))
            .collect()
    };
    match wake {
        Wake::Dlq(namespace, name) => vec![ObjectRef::new(name).within(namespace)],
        Wake::Cluster(cluster) => {
            that(&|dlq, home| ClusterKey::of(&dlq.spec.cluster_ref, home) == *cluster)
        }
        Wake::Namespace(namespace) => that(&|_, home| home == namespace),
        Wake::Limits(cluster, namespace) => {
            let waiting = world.holdings.waiting(cluster, namespace, "DLQ");
            let named = waiting.iter().map(|name| ObjectRef::new(name));
            named.map(|dlq| dlq.within(namespace)).collect()
        }
        Wake::KafkaTopic(cluster, topic) => {
            let claimants = world.claimants(cluster, &resolve::Name::Topic(topic.clone()));
            let dlqs = claimants.iter().filter(|claimant| claimant.kind == "DLQ");
            dlqs.map(|claimant| ObjectRef::new(&claimant.name).within(&claimant.namespace))
                .collect()
        }
        Wake::Topic(..)
        | Wake::ConsumerGroup(..)
        | Wake::Schema(..)
        | Wake::Redrive(..)
        | Wake::SchemaTexts(..)
        | Wake::ClusterChild(_)
        | Wake::KafkaAcls(_)
        | Wake::KafkaGroups(_)
        | Wake::KafkaLayout(_)
        | Wake::KafkaQuotas(_) => Vec::new(),
    }
}

async fn reconcile(
    dlq: Arc<Dlq>,
    context: Arc<Context>,
    counting: Arc<Counting>,
) -> Result<Action, Error> {
    let resolved = resolve::dlq(&dlq, &context.world);
    if dlq.metadata.deletion_timestamp.is_some() {
        return release(&context, &dlq, resolved).await;
    }
    if resolve::paused(dlq.as_ref()) {
        status::pause(&context, dlq.as_ref(), dlq.status.as_ref()).await?;
        return Ok(Action::await_change());
    }
    let desired = match resolved {
        Ok(desired) => desired,
        Err(rejection) => {
            counting.forget(&context, &name(&dlq));
            return refuse(&context, &dlq, &rejection).await;
        }
    };
    if kafka_topic::is_unseen(&context, &desired.cluster) {
        return Ok(Action::await_change());
    }
    let dlq = apply::finalizer(&context, &dlq, FINALIZER, desired.delete).await?;
    let ownership = ownership(&context, dlq.as_ref(), &desired, recorded).await?;
    let owned = ownership != Ownership::Foreign;
    let converged = converge(&context, dlq.as_ref(), &desired, owned).await?;
    let letters = counting.letters(&context, &dlq, &desired, converged.observed.as_deref());
    let now = Timestamp::now();
    let status = describe(&dlq, &desired, &converged, letters.as_ref(), now);
    let drafts = summed_up(&dlq, &converged, letters.as_ref(), now);
    status::write(&context, dlq.as_ref(), dlq.status.as_ref(), status, &drafts).await?;
    conclude(&context, dlq.as_ref(), &desired, &converged, recorded);
    let again = dead_letters::next_look(letters.as_ref(), &dlq.spec.alerts, now);
    converged.failure.map_or_else(
        || Ok(again.map_or_else(Action::await_change, Action::requeue)),
        |error| Err(error.into()),
    )
}

fn recorded(dlq: &Dlq) -> Option<&str> {
    dlq.status.as_ref()?.topic_name.as_deref()
}

/// What is known of the letters; what cannot be seen now stays as it was seen last.
fn describe(
    dlq: &Dlq,
    desired: &ResolvedTopic,
    converged: &Converged,
    letters: Option<&Letters>,
    now: Timestamp,
) -> DlqStatus {
    if !converged.mine {
        return DlqStatus::default();
    }
    let before = dlq.status.clone().unwrap_or_default();
    let seen = converged.observed.as_ref();
    let named = DlqStatus {
        topic_name: seen
            .map(|_| desired.name.as_str().to_owned())
            .or(before.topic_name),
        partitions: seen
            .and_then(|observed| i32::try_from(observed.partitions.len()).ok())
            .or(before.partitions),
        ..before
    };
    match letters {
        None => named,
        Some(letters) => DlqStatus {
            letters: Some(whole(letters.count)),
            letters_per_minute: Some(whole(letters.growth.per_minute(now))),
            oldest_letter_time: letters.oldest.map(Time),
            by_reason: dead_letters::reason_counts(&letters.by_origin),
            ..named
        },
    }
}

fn summed_up(
    dlq: &Dlq,
    converged: &Converged,
    letters: Option<&Letters>,
    now: Timestamp,
) -> [Draft; 5] {
    let parts = [converged.synced.clone(), converged.access.clone()];
    let ready = status::ready(&parts);
    let empty = match letters {
        None => Draft::unknown(
            "Empty",
            reasons::PROGRESSING,
            "the letters are being counted",
        ),
        Some(letters) if letters.count == 0 => {
            Draft::yes("Empty", reasons::NO_LETTERS, "there is no dead letter")
        }
        Some(_) => Draft::no(
            "Empty",
            reasons::LETTERS,
            "there are dead letters: status.byReason says why and from where",
        ),
    };
    let alerted = status::says(dlq.status.as_ref(), "Healthy", State::False);
    let healthy = dead_letters::health(letters, &dlq.spec.alerts, alerted, now);
    let [synced, access] = parts;
    [synced, access, empty, healthy, ready]
}

async fn refuse(context: &Context, dlq: &Dlq, rejection: &Rejection) -> Result<Action, Error> {
    let drafts =
        ["Synced", "AccessGranted", "Empty", "Healthy", "Ready"].map(|kind| rejection.draft(kind));
    let status = dlq.status.clone().unwrap_or_default();
    status::write(context, dlq, dlq.status.as_ref(), status, &drafts).await?;
    Ok(Action::await_change())
}

/// Deletes the dead-letter topic where that is wanted and safe, and lets the resource go.
async fn release(
    context: &Context,
    dlq: &Arc<Dlq>,
    resolved: Result<ResolvedTopic, Rejection>,
) -> Result<Action, Error> {
    let resolved = resolved.as_ref().ok();
    if let Err(stays) = kafka_topic::delete(context, dlq.as_ref(), resolved, recorded).await {
        refuse(context, dlq, &stays.rejection()).await?;
        return stays.again();
    }
    apply::finalizer(context, dlq, FINALIZER, false).await?;
    Ok(Action::await_change())
}

fn name(dlq: &Dlq) -> Name {
    (dlq.namespace().unwrap_or_default(), dlq.name_any())
}

/// What is counted for whom, so that it can be taken back.
struct Counted {
    cluster: ClusterKey,
    topic: String,
    reasons: BTreeSet<String>,
}

/// The letters of the DLQs, and their metrics.
struct Counting {
    letters: DeadLetters,
    counted: Mutex<HashMap<Name, Counted>>,
}

impl Counting {
    fn new(context: &Context) -> Self {
        Self {
            letters: DeadLetters::new(context.world.waker.clone()),
            counted: Mutex::default(),
        }
    }

    /// The letters of a DLQ whose topic Kafka has as `observed`; None until they are counted, or while there is no topic of its own.
    fn letters(
        &self,
        context: &Context,
        dlq: &Dlq,
        desired: &ResolvedTopic,
        observed: Option<&ObservedTopic>,
    ) -> Option<Letters> {
        let handle = context.world.clusters.get(&desired.cluster)?;
        let (topic, observed) = (desired.name.as_str(), observed?);
        let letters = self.letters.of(
            &desired.cluster,
            handle.credentials(),
            topic,
            &observed.id,
            observed.partitions.len(),
        );
        let mut counted = self.lock();
        let entry = counted.entry(name(dlq)).or_insert_with(|| Counted {
            cluster: desired.cluster.clone(),
            topic: topic.to_owned(),
            reasons: BTreeSet::new(),
        });
        if let Some(letters) = &letters {
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            for (origin, count) in &letters.by_origin {
                *sums.entry(origin.reason.clone()).or_default() += whole(*count);
            }
            show(context, &name(dlq), entry, sums);
        }
        letters
    }

    fn forget(&self, context: &Context, name: &Name) {
        if let Some(mut gone) = self.lock().remove(name) {
            self.letters.forget(&gone.cluster, &gone.topic);
            show(context, name, &mut gone, BTreeMap::new());
        }
    }

    /// Forgets the DLQs whose resource goes, until `shutdown`.
    async fn forget_the_gone(&self, context: &Context, shutdown: CancellationToken) {
        let named = |wake| match wake {
            Wake::Dlq(namespace, name) => Some((namespace, name)),
            _ => None,
        };
        let known = || self.lock().keys().cloned().collect();
        let mut names = pin!(perhaps_gone(&context.world.waker, shutdown, named, known));
        while let Some(name) = names.next().await {
            if context.world.dlq(&name.0, &name.1).is_none() {
                self.forget(context, &name);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show(
    context: &Context,
    (namespace, name): &Name,
    counted: &mut Counted,
    sums: BTreeMap<String, i64>,
) {
    context.metrics.letters.set(
        &counted.cluster.to_string(),
        &format!("{namespace}/{name}"),
        &counted.reasons,
        &sums,
    );
    counted.reasons = sums.into_keys().collect();
}
