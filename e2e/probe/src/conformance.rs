//! `probe conformance`

use millrace_operator::kafka::{FakeKafka, KafkaAdmin, conformance};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// Names of the scenario's topics, groups and ACLs begin with this.
const PREFIX: &str = "conformance-";

/// Runs the operator's scenario against this Kafka and against its Kafka in memory.
/// Prints `{"kafka": [[STEP, OUTCOME]], "fake": [[STEP, OUTCOME]]}`, which must be the same.
pub async fn run(access: &Access) -> Result<Value, Failure> {
    let kafka = access.operator_admin()?;
    let fake = FakeKafka::new([(0, Some("a")), (1, Some("b")), (2, Some("c"))]);
    fake.set_copied_after(Some(1));
    Ok(json!({ "kafka": outcomes(&kafka).await?, "fake": outcomes(&fake).await? }))
}

async fn outcomes(admin: &dyn KafkaAdmin) -> Result<Vec<[String; 2]>, Failure> {
    let outcomes = conformance::run(admin, PREFIX)
        .await
        .map_err(|error| Failure::local(error.to_string()))?;
    Ok(outcomes
        .into_iter()
        .map(|told| [told.step.to_owned(), told.outcome])
        .collect())
}
