use std::sync::Arc;

use kube::{ResourceExt, runtime::controller::Action};
use millrace_crds::{ConsumerGroup, DeletionPolicy};
use tracing::warn;

use crate::{
    apply,
    context::Context,
    controllers::kafka_topic::reachable,
    error::Error,
    kafka::KafkaError,
    resolve::{self, Rejection},
    status::{self, reasons},
};

const FINALIZER: &str = "millrace.dev/group-offsets";

/// Has the resource wait for its group to be deleted, where it asks for that.
///
/// # Errors
/// When the API server refuses.
pub(super) async fn guard(
    context: &Context,
    group: &Arc<ConsumerGroup>,
) -> Result<Arc<ConsumerGroup>, Error> {
    let deletes = group.spec.deletion_policy == DeletionPolicy::Delete;
    apply::finalizer(context, group, FINALIZER, deletes).await
}

/// Deletes the group in Kafka where that is wanted and safe, and lets the resource go. A group whose id another resource holds,
/// or whose cluster is gone, is left.
///
/// # Errors
/// What Kafka or the API server did not do is tried again.
pub(super) async fn release(
    context: &Context,
    group: &Arc<ConsumerGroup>,
) -> Result<Action, Error> {
    if !group.finalizers().iter().any(|f| f == FINALIZER) {
        return Ok(Action::await_change());
    }
    let Err(stays) = delete(context, group).await else {
        apply::finalizer(context, group, FINALIZER, false).await?;
        return Ok(Action::await_change());
    };
    let drafts = [stays.draft("Ready")];
    let status = group.status.clone().unwrap_or_default();
    status::write(
        context,
        group.as_ref(),
        group.status.as_ref(),
        status,
        &drafts,
    )
    .await?;
    Ok(Action::await_change())
}

/// Why the group is still there. The next look at the groups tries again.
async fn delete(context: &Context, group: &ConsumerGroup) -> Result<(), Rejection> {
    let recorded = group.status.as_ref().and_then(|s| s.group_id.as_deref());
    let Ok((cluster, id)) = resolve::group_id(group, &context.world) else {
        return Ok(());
    };
    if group.spec.deletion_policy != DeletionPolicy::Delete || recorded != Some(id.as_str()) {
        return Ok(());
    }
    let home = group.namespace().unwrap_or_default();
    let leave = || {
        warn!(namespace = home, group = %id, "the group is left: its namespace goes and Kafka does not answer");
        Ok(())
    };
    let (handle, _) = match reachable(context, &cluster) {
        Ok(found) => found,
        Err(_) if context.world.stores.is_terminating(&home) => return leave(),
        Err(away) => return Err(away),
    };
    let looked = handle.groups().get(id.as_str()).cloned();
    if let Some(members @ 1..) = looked.map(|look| look.description.members.len()) {
        return Err(not_empty(id.as_str(), &format!("it has {members} members")));
    }
    match apply::delete_group(handle.group_admin(), id.as_str()).await {
        Ok(()) => Ok(()),
        Err(KafkaError::Unreachable(_)) if context.world.stores.is_terminating(&home) => leave(),
        Err(error @ KafkaError::Unreachable(_)) => Err(Rejection::unknown(
            reasons::KAFKA_UNREACHABLE,
            format!("group `{id}` is not deleted yet: {error}"),
        )),
        Err(error) if error.is("NON_EMPTY_GROUP") => {
            Err(not_empty(id.as_str(), "Kafka says that it has members"))
        }
        Err(error) => Err(Rejection::no(
            reasons::KAFKA_REFUSED,
            format!("group `{id}` is not deleted: Kafka refused: {error}"),
        )),
    }
}

fn not_empty(id: &str, why: &str) -> Rejection {
    Rejection::no(
        reasons::GROUP_NOT_EMPTY,
        format!("group `{id}` is not deleted yet, {why}: stop its consumers"),
    )
}
