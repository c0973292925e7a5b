use millrace_crds::Topic;

use super::kafka_topic::Converged;
use crate::{context::Context, resolve::ResolvedTopic, skew, status::Draft};

/// The conditions, with `Skewed` where the topic is the resource's and can be judged. Its words change only when the verdict, the partition or, by
/// steps, its share does.
pub(super) fn with_skew(
    context: &Context,
    topic: &Topic,
    desired: &ResolvedTopic,
    converged: &Converged,
    conditions: impl IntoIterator<Item = Draft>,
) -> Vec<Draft> {
    let handle = context.world.clusters.get(&desired.cluster);
    let sizes = handle.map(|handle| handle.sizes()).unwrap_or_default();
    let old = topic
        .status
        .as_ref()
        .map_or(&[][..], |status| &status.conditions);
    let skew = || skew::draft(sizes.skew(desired.name.as_str()), sizes.time.is_some(), old);
    let skew = converged.mine.then(skew).flatten();
    conditions.into_iter().chain(skew).collect()
}
