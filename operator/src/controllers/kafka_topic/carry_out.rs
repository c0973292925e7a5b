use crate::{
    kafka::{ConfigChange, KafkaError},
    plan::KafkaStep,
    world::ClusterHandle,
};

/// Carries steps out. Kafka refuses all keys of a topic's configuration if one is bad (KIP-339), so these are then set one by one.
///
/// # Errors
/// The first failure; of a configuration, all keys refused and why.
pub async fn carry_out(handle: &ClusterHandle, steps: Vec<KafkaStep>) -> Result<(), KafkaError> {
    let results = handle.apply(steps.clone()).await;
    let mut failures = Vec::new();
    for (step, result) in steps.into_iter().zip(results) {
        match (step, result) {
            (_, Ok(())) => {}
            (KafkaStep::AlterConfig(change), Err(KafkaError::Refused { code, .. }))
                if code == "INVALID_CONFIG" =>
            {
                failures.extend(key_by_key(handle, &change).await.err());
            }
            (_, Err(error)) => failures.push(error),
        }
    }
    failures.into_iter().next().map_or(Ok(()), Err)
}

async fn key_by_key(handle: &ClusterHandle, change: &ConfigChange) -> Result<(), KafkaError> {
    let changes = change.each_key();
    let steps = changes
        .iter()
        .map(|(_, one)| one.clone())
        .map(KafkaStep::AlterConfig);
    let results = handle.apply(steps.collect()).await;
    let mut refused = Vec::new();
    for ((key, _), result) in changes.iter().zip(results) {
        match result {
            Ok(()) => {}
            Err(KafkaError::Refused { message, .. }) => refused.push(format!("`{key}`: {message}")),
            Err(away) => return Err(away),
        }
    }
    match refused.is_empty() {
        true => Ok(()),
        false => Err(KafkaError::Refused {
            code: "INVALID_CONFIG".to_owned(),
            message: format!("{}; the other keys are set", refused.join("; ")),
        }),
    }
}
