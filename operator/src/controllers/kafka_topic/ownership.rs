use std::fmt::Debug;

use kube::{Api, Resource, ResourceExt, core::NamespaceResourceScope};
use millrace_crds::ManagementPolicy;
use serde::de::DeserializeOwned;

use super::reachable;
use crate::{
    context::Context, error::Error, plan::KafkaStep, resolve::ResolvedTopic, world::ViewState,
};

/// Whose a topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This resource's: its name stands in the resource's status, or it was announced that it is made for the resource.
    Mine,
    /// Nobody's: it is not there.
    Absent,
    /// Somebody else's until adopted, or it cannot be told.
    Foreign,
}

/// Whose the topic is. `recorded` gives the name of the topic in the status of a resource.
///
/// # Errors
/// When the API server or Kafka cannot be asked. Before a topic is called absent Kafka is looked at anew, since somebody
/// may have made it a moment ago; before it is called foreign the resource is read once more, since the store may lag
/// behind what another operator wrote.
pub async fn ownership<K>(
    context: &Context,
    object: &K,
    desired: &ResolvedTopic,
    recorded: fn(&K) -> Option<&str>,
) -> Result<Ownership, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let name = desired.name.as_str();
    if recorded(object) == Some(name) {
        return Ok(Ownership::Mine);
    }
    if desired.management == ManagementPolicy::Observe {
        return Ok(Ownership::Foreign);
    }
    let Ok((handle, view)) = reachable(context, &desired.cluster) else {
        return Ok(Ownership::Foreign);
    };
    if !view.topics.contains_key(name) {
        handle
            .apply(vec![KafkaStep::LookAt(name.to_owned())])
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
    }
    match handle.view() {
        ViewState::Reachable(view) if !view.topics.contains_key(name) => {
            return Ok(Ownership::Absent);
        }
        ViewState::Reachable(_) => {}
        ViewState::Pending | ViewState::Unreachable { .. } => return Ok(Ownership::Foreign),
    }
    if announced(context, object, desired).await? {
        return Ok(Ownership::Mine);
    }
    let home = object.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &home);
    let fresh = api.get_opt(&object.name_any()).await?;
    let mine = fresh.as_ref().and_then(recorded) == Some(name);
    Ok(if mine {
        Ownership::Mine
    } else {
        Ownership::Foreign
    })
}

/// Whether the topic was announced for this very resource, and is not in its status yet.
pub async fn announced<K>(
    context: &Context,
    object: &K,
    desired: &ResolvedTopic,
) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()>,
{
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let name = desired.name.as_str();
    context
        .creations
        .announced(&desired.cluster, uid, name)
        .await
}
