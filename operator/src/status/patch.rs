use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use millrace_crds::{
    ConsumerGroupStatus, DlqStatus, KafkaClusterStatus, RedriveStatus, SchemaStatus, TopicStatus,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{Draft, merge, reasons};
use crate::{context::Context, error::Error, events};

/// Whether nothing is done for a resource because of its annotation.
const PAUSED: &str = "Paused";

/// A status whose conditions this crate writes.
pub trait HasConditions {
    /// The conditions.
    fn conditions(&self) -> &[Condition];
    /// The conditions, to be replaced.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
    /// The generation the status speaks of, to be replaced.
    fn observed_generation_mut(&mut self) -> &mut Option<i64>;
}

macro_rules! has_conditions {
    ($($status:ty),+) => {$(
        impl HasConditions for $status {
            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }
            fn conditions_mut(&mut self) -> &mut Vec<Condition> {
                &mut self.conditions
            }
            fn observed_generation_mut(&mut self) -> &mut Option<i64> {
                &mut self.observed_generation
            }
        }
    )+};
}
has_conditions!(
    TopicStatus,
    ConsumerGroupStatus,
    DlqStatus,
    RedriveStatus,
    SchemaStatus,
    KafkaClusterStatus
);

/// Writes the status of `object` by server-side apply, and the events that follow ([`events::on_change`]).
/// Nothing is written when only time would change: two equal visits cost one write. Gives the object as written, if it was.
///
/// The write names the version of `object`: what was decided on an outdated one cannot replace a newer status.
///
/// # Errors
/// [`Error::Outdated`] when the object has changed since it was read, and when the API server refuses the write; an object that
/// is gone meanwhile is no error.
pub async fn write<K, S>(
    context: &Context,
    object: &K,
    old: Option<&S>,
    mut new: S,
    drafts: &[Draft],
) -> Result<Option<K>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
    S: HasConditions + Serialize + PartialEq + Clone,
{
    let generation = object.meta().generation;
    let old_conditions = old.map_or(&[][..], HasConditions::conditions);
    *new.conditions_mut() = merge(old_conditions, drafts, generation, Timestamp::now());
    *new.observed_generation_mut() = generation;
    send(context, object, old, &new).await
}

/// Says that the resource is paused, and leaves all else in its status as it was last.
///
/// # Errors
/// As [`write`].
pub async fn pause<K, S>(context: &Context, object: &K, old: Option<&S>) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
    S: HasConditions + Serialize + PartialEq + Clone + Default,
{
    const MESSAGE: &str = "nothing is done for this resource until its annotation `millrace.dev/paused` is taken away";
    let mut new = old.cloned().unwrap_or_default();
    let known = std::mem::take(new.conditions_mut());
    let mut drafts = vec![Draft::yes(PAUSED, reasons::PAUSED, MESSAGE)];
    if !known.iter().any(|condition| condition.type_ == "Ready") {
        drafts.push(Draft::unknown("Ready", reasons::PAUSED, MESSAGE));
    }
    let said = merge(&known, &drafts, object.meta().generation, Timestamp::now());
    let kept = known.into_iter().filter(|condition| {
        let mut said = said.iter();
        !said.any(|other| other.type_ == condition.type_)
    });
    let mut conditions: Vec<Condition> = kept.chain(said.iter().cloned()).collect();
    conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    *new.conditions_mut() = conditions;
    send(context, object, old, &new).await.map(drop)
}

async fn send<K, S>(
    context: &Context,
    object: &K,
    old: Option<&S>,
    new: &S,
) -> Result<Option<K>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
    S: HasConditions + Serialize + PartialEq + Clone,
{
    if old.is_some_and(|old| timeless(old) == timeless(new)) {
        return Ok(None);
    }
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "resourceVersion": object.resource_version() },
        "status": new,
    });
    let params = PatchParams::apply(&format!("millrace-{}", K::kind(&()).to_lowercase())).force();
    let (name, patch) = (object.name_any(), Patch::Apply(&patch));
    let write = api.patch_status(&name, &params, &patch);
    let written = match context.writes.object(write).await {
        Ok(written) => written,
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(None),
        Err(kube::Error::Api(status)) if status.is_conflict() => return Err(Error::Outdated),
        Err(error) => return Err(error.into()),
    };
    let old_conditions = old.map_or(&[][..], HasConditions::conditions);
    events::on_change(context, object, old_conditions, new.conditions()).await;
    Ok(Some(written))
}

fn timeless<S: HasConditions + Clone>(status: &S) -> S {
    let mut copy = status.clone();
    for condition in copy.conditions_mut() {
        condition.last_transition_time = Time(Timestamp::UNIX_EPOCH);
    }
    copy
}
