use std::{io, sync::Arc};

use kafka_protocol::{
    messages::{FindCoordinatorRequest, find_coordinator_response::Coordinator},
    protocol::StrBytes,
};

use super::rounds::{Broker, Question};
use crate::kafka::{KafkaError, PerItem, client::failure};

/// FindCoordinator of many groups (KIP-699), since Kafka 3.0.
const VERSION: i16 = 4;
/// `CoordinatorType.GROUP`, which groups of all types have.
const GROUP: i8 = 0;

/// Which broker coordinates a group, as `host:port`. Any broker knows.
pub(super) struct CoordinatorOf;

impl Question for CoordinatorOf {
    type Answer = Arc<str>;

    async fn ask(
        &self,
        broker: &Broker<'_>,
        groups: &[String],
    ) -> io::Result<PerItem<String, Arc<str>>> {
        let keys = groups.iter().cloned().map(StrBytes::from_string);
        let request = FindCoordinatorRequest::default()
            .with_key_type(GROUP)
            .with_coordinator_keys(keys.collect());
        let response = broker.ask(&request, VERSION).await?;
        let found = response.coordinators.into_iter();
        Ok(found
            .map(|found| (found.key.to_string(), address(&found)))
            .collect())
    }
}

fn address(found: &Coordinator) -> Result<Arc<str>, KafkaError> {
    failure::answer(found.error_code, found.error_message.as_deref())?;
    Ok(format!("{}:{}", found.host, found.port).into())
}
