//! `probe conformance`

use millrace_operator::kafka::{Credentials, FakeKafka, KafkaAdmin, KrafkaAdmin, conformance};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// Names of the scenario's topics, groups and ACLs begin with this.
const PREFIX: &str = "conformance-";

/// Runs the operator's scenario against this Kafka and against its Kafka in memory.
/// Prints `{"kafka": [[STEP, OUTCOME]], "fake": [[STEP, OUTCOME]]}`, which must be the same.
pub async fn run(access: &Access) -> Result<Value, Failure> {
    let (bootstrap_servers, ca_pem, certificate_pem, key_pem) = access.pem()?;
    let kafka = KrafkaAdmin::new(&Credentials {
        bootstrap_servers,
        ca_pem,
        certificate_pem,
        key_pem,
    })
    .map_err(|error| Failure::local(error.to_string()))?;
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
