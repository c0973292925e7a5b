use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

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
const GROWTH: u32 = 3;
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What was seen once the steps had taken effect, or when it was too late.
pub(super) struct Settled {
    pub(super) found: Found,
    /// What does not show what was done to it.
    pub(super) late: Late,
}

/// Looks at what steps have touched until it is as expected; after the first time only at what is not yet.
pub(super) async fn settle(
    admin: &dyn KafkaAdmin,
    expectation: &Expectation,
) -> Result<Settled, KafkaError> {
    let mut looking_at = expectation.topics();
    let mut found = Found::default();
    let start = Instant::now();
    let mut progress = start;
    let mut fewest_late = usize::MAX;
    let mut pause = FIRST_PAUSE;
    loop {
        look(admin, expectation, &looking_at, &mut found).await?;
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
        looking_at = expectation.unsettled(&found, &late);
        sleep(pause).await;
        pause = (pause * GROWTH).min(LONGEST_PAUSE);
    }
}

/// Looks once, at these of the topics. The moves come before the topics, as in a look at everything.
async fn look(
    admin: &dyn KafkaAdmin,
    expectation: &Expectation,
    topics: &BTreeSet<String>,
    found: &mut Found,
) -> Result<(), KafkaError> {
    if expectation.concerns_moves() {
        found.reassignments = Some(admin.list_reassignments().await?);
    }
    if !topics.is_empty() {
        let seen = admin.describe_topics(Some(topics)).await?;
        found.topics.retain(|name, _| !topics.contains(name));
        found.topics.extend(seen);
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
    Ok(())
}
