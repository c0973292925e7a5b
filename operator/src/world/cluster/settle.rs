use std::{collections::BTreeMap, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    expectation::{Expectation, Late},
    look::Found,
};
use crate::kafka::{KafkaAdmin, KafkaError};

/// How long what was done may take to show, counted from when the last of them did: a broker makes the logs of one batch
/// before it learns of the next.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a changed configuration and an elected leader may take to show. Setting a value to itself in another notation never
/// shows, and a leader may be gone again, so this is short.
const SHORT_DEADLINE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What was seen once the steps had taken effect, or when it was too late.
pub(super) struct Settled {
    pub(super) found: Found,
    /// What does not show what was done to it.
    pub(super) late: Late,
}

/// Looks at what steps have touched until it is as expected.
pub(super) async fn settle(
    admin: &dyn KafkaAdmin,
    expectation: &Expectation,
) -> Result<Settled, KafkaError> {
    let start = Instant::now();
    let mut progress = start;
    let mut fewest_late = usize::MAX;
    let mut pause = FIRST_PAUSE;
    loop {
        let found = look(admin, expectation).await?;
        let late = expectation.late(&found);
        if late.count() < fewest_late {
            fewest_late = late.count();
            progress = Instant::now();
        }
        let all_shown = late.count() == 0
            && (expectation.details_show(&found) || start.elapsed() >= SHORT_DEADLINE);
        if all_shown || progress.elapsed() >= DEADLINE {
            return Ok(Settled { found, late });
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Looks once. The moves come before the topics, as in a look at everything.
async fn look(admin: &dyn KafkaAdmin, expectation: &Expectation) -> Result<Found, KafkaError> {
    let mut found = Found::default();
    if expectation.concerns_moves() {
        found.reassignments = Some(admin.list_reassignments().await?);
    }
    let topics = expectation.topics();
    if !topics.is_empty() {
        found.topics = admin.describe_topics(Some(&topics)).await?;
    }
    if expectation.concerns_acls() {
        found.acls = Some(admin.describe_acls().await?);
    }
    if expectation.concerns_quotas() {
        found.quotas = Some(admin.describe_quotas().await?);
    }
    let brokers = expectation.brokers();
    if !brokers.is_empty() {
        found.broker_configs = match admin.describe_broker_configs(&brokers).await {
            // These brokers are away; the cluster is not.
            Err(KafkaError::Unreachable(_)) => BTreeMap::new(),
            answer => answer?,
        };
    }
    Ok(found)
}
