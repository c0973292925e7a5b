use super::memory::Memory;
use crate::{
    apply,
    context::Context,
    controllers::kafka_topic::reachable,
    kafka::{GroupType, KafkaError},
    resolve::ResolvedGroup,
    status::{self, Draft},
};

/// Has Kafka begin a new share group where `offsetReset` says; what there is to say of it, which is nothing of other groups: their
/// consumers say where they begin. Kafka is asked once, until another value is wanted or the memory is a new one.
pub(super) async fn begin(
    context: &Context,
    desired: &ResolvedGroup,
    memory: &mut Memory,
) -> (Option<Draft>, Option<KafkaError>) {
    if desired.kind != GroupType::Share {
        return (None, None);
    }
    let (handle, _) = match reachable(context, &desired.cluster) {
        Ok(found) => found,
        Err(away) => return (Some(away.draft(status::OFFSET_RESET_SET)), None),
    };
    let reset = desired.offset_reset;
    let failure = match memory.begins == Some(reset) {
        true => None,
        false => {
            let (admin, id) = (handle.group_admin(), desired.group_id.as_str());
            apply::begin_share_group(admin, id, reset).await.err()
        }
    };
    memory.begins = failure.is_none().then_some(reset);
    (Some(status::share_group(reset, failure.as_ref())), failure)
}
