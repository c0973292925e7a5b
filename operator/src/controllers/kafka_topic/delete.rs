use kube::{Resource, ResourceExt, runtime::controller::Action};
use tracing::warn;

use super::{ownership::announced, reachable};
use crate::{
    context::Context,
    error::Error,
    kafka::KafkaError,
    plan::KafkaStep,
    resolve::{Claimant, Facts, Name, Rejection, ResolvedTopic},
    status::reasons,
};

/// Why the topic of a resource that goes is still there.
#[derive(Debug)]
pub enum Stays {
    /// The cluster cannot be asked yet; whoever waits is woken when it can.
    Away(Rejection),
    /// Kafka did not do it.
    Failed(KafkaError),
    /// Whether the topic is the resource's could not be read.
    Untold(Error),
}

impl Stays {
    /// The reason, for the conditions.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Away(rejection) => rejection.clone(),
            Self::Failed(error @ KafkaError::Unreachable(_)) => Rejection::unknown(
                reasons::KAFKA_UNREACHABLE,
                format!("the topic is not deleted yet: {error}"),
            ),
            Self::Failed(error) => Rejection::no(
                reasons::KAFKA_REFUSED,
                format!("the topic is not deleted: Kafka refused: {error}"),
            ),
            Self::Untold(error) => Rejection::unknown(
                reasons::PROGRESSING,
                format!("the topic is not deleted yet: {error}"),
            ),
        }
    }

    /// When it is tried again.
    ///
    /// # Errors
    /// What Kafka did not do is tried again as any failure is.
    pub fn again(self) -> Result<Action, Error> {
        match self {
            Self::Away(_) => Ok(Action::await_change()),
            Self::Failed(error) => Err(error.into()),
            Self::Untold(error) => Err(error),
        }
    }
}

/// Deletes the topic of a resource that goes, where that is wanted and safe: the resource asks for it, the topic is its own,
/// and no other resource asks for the name. Two resources for one topic never delete it. A namespace that goes does not wait for a
/// cluster that is away: the topic is then left.
///
/// # Errors
/// Why the topic is still there, and the resource must stay.
pub async fn delete<K>(
    context: &Context,
    object: &K,
    resolved: Option<&ResolvedTopic>,
    recorded: fn(&K) -> Option<&str>,
) -> Result<(), Stays>
where
    K: Resource<DynamicType = ()>,
{
    let Some(desired) = resolved
        .filter(|desired| desired.delete)
        .filter(|desired| !claimed_by_others(context, object, desired))
    else {
        return Ok(());
    };
    let in_status = recorded(object) == Some(desired.name.as_str());
    match in_status
        || announced(context, object, desired)
            .await
            .map_err(Stays::Untold)?
    {
        true => {}
        false => return Ok(()),
    }
    let step = KafkaStep::DeleteTopic(desired.name.as_str().to_owned());
    let deleted = match reachable(context, &desired.cluster) {
        Ok((handle, _)) => {
            let results = handle.apply(vec![step]).await.into_iter();
            results.collect::<Result<(), _>>().map_err(Stays::Failed)
        }
        Err(away) => Err(Stays::Away(away)),
    };
    if deleted.is_ok() && !in_status {
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        context.creations.over(&desired.cluster, uid);
    }
    let home = object.namespace().unwrap_or_default();
    match deleted {
        Err(Stays::Away(_) | Stays::Failed(KafkaError::Unreachable(_)))
            if context.world.stores.is_terminating(&home) =>
        {
            warn!(namespace = home, topic = %desired.name, "the topic is left: its namespace goes and Kafka does not answer");
            Ok(())
        }
        deleted => deleted,
    }
}

fn claimed_by_others<K>(context: &Context, object: &K, desired: &ResolvedTopic) -> bool
where
    K: Resource<DynamicType = ()>,
{
    let me = Claimant::of(object);
    let name = Name::Topic(desired.name.as_str().to_owned());
    let claimants = context.world.claimants(&desired.cluster, &name);
    claimants.iter().any(|claimant| !claimant.is(&me))
}
