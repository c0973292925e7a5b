//! `probe conformance` and `probe registry-conformance`

use clap::Args;
use millrace_operator::kafka::{FakeKafka, KafkaAdmin, conformance};
use millrace_operator::registry::{
    FakeRegistry, HttpRegistries, Registries, SchemaRegistry, conformance as registry_conformance,
};
use serde_json::{Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// Names of the scenario's topics, groups and ACLs begin with this.
const PREFIX: &str = "conformance-";

#[derive(Args)]
pub struct Registry {
    /// Base URL of the registry's Confluent API.
    #[arg(long)]
    url: String,
    /// What the names of the scenario's subjects begin with; no subject of the registry may begin so.
    #[arg(long)]
    prefix: String,
}

/// Runs the operator's scenario against this Kafka and against its Kafka in memory.
/// Prints `{"kafka": [[STEP, OUTCOME]], "fake": [[STEP, OUTCOME]]}`, which must be the same.
pub async fn run(access: &Access) -> Result<Value, Failure> {
    let kafka = access.operator_admin()?;
    let fake = FakeKafka::new([(0, Some("a")), (1, Some("b")), (2, Some("c"))]);
    fake.set_copied_after(Some(1));
    Ok(json!({ "kafka": outcomes(&kafka).await?, "fake": outcomes(&fake).await? }))
}

/// Runs the operator's scenario against this schema registry and against its registry in memory.
/// Prints `{"registry": [[STEP, OUTCOME]], "fake": [[STEP, OUTCOME]]}`, which must be the same.
pub async fn run_registry(arguments: &Registry) -> Result<Value, Failure> {
    let registries = HttpRegistries::new().map_err(local)?;
    let registry = registries.at(&arguments.url);
    let told = registry_outcomes(registry.as_ref(), &arguments.prefix).await?;
    let fake = registry_outcomes(&FakeRegistry::default(), &arguments.prefix).await?;
    Ok(json!({ "registry": told, "fake": fake }))
}

async fn outcomes(admin: &dyn KafkaAdmin) -> Result<Vec<[String; 2]>, Failure> {
    let outcomes = conformance::run(admin, PREFIX).await.map_err(local)?;
    let told = outcomes.into_iter();
    Ok(told
        .map(|told| [told.step.to_owned(), told.outcome])
        .collect())
}

async fn registry_outcomes(
    registry: &dyn SchemaRegistry,
    prefix: &str,
) -> Result<Vec<[String; 2]>, Failure> {
    let outcomes = registry_conformance::run(registry, prefix).await;
    let told = outcomes.map_err(local)?.into_iter();
    Ok(told
        .map(|told| [told.step.to_owned(), told.outcome])
        .collect())
}

fn local(error: impl ToString) -> Failure {
    Failure::local(error.to_string())
}
