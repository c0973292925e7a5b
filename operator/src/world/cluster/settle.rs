use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::expectation::Expectation;
use crate::kafka::{Acl, KafkaAdmin, KafkaError, ObservedTopic};

/// How long topics and ACLs may take to show, counted from when the last of them did: a broker makes the logs of one batch
/// before it learns of the next.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a changed configuration may take to show. Setting a value to itself in another notation never shows, so this is short.
const CONFIG_DEADLINE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What was seen once the steps had taken effect, or when it was too late.
pub(super) struct Settled {
    pub(super) topics: BTreeMap<String, ObservedTopic>,
    pub(super) acls: Option<BTreeSet<Acl>>,
    /// Topics that do not show what was done to them.
    pub(super) late_topics: BTreeSet<String>,
    /// Whether the ACLs do not show what was done to them.
    pub(super) late_acls: bool,
}

/// Looks at what steps have touched until it is as expected.
pub(super) async fn settle(
    admin: &dyn KafkaAdmin,
    expectation: &Expectation,
) -> Result<Settled, KafkaError> {
    let touched = expectation.topics();
    let start = Instant::now();
    let mut progress = start;
    let mut fewest_late = usize::MAX;
    let mut pause = FIRST_PAUSE;
    loop {
        let topics = if touched.is_empty() {
            BTreeMap::new()
        } else {
            admin.describe_topics(Some(&touched)).await?
        };
        let acls = match expectation.concerns_acls() {
            true => Some(admin.describe_acls().await?),
            false => None,
        };
        let settled = Settled {
            late_topics: expectation.unmet(&topics),
            late_acls: !expectation.acls_show(acls.as_ref()),
            topics,
            acls,
        };
        if settled.late_topics.len() < fewest_late {
            fewest_late = settled.late_topics.len();
            progress = Instant::now();
        }
        let shown = settled.late_topics.is_empty() && !settled.late_acls;
        let configs_shown =
            expectation.configs_show(&settled.topics) || start.elapsed() >= CONFIG_DEADLINE;
        if shown && configs_shown || progress.elapsed() >= DEADLINE {
            return Ok(settled);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
