//! `probe quotas`

use krafka::admin::{ClientQuotaFilter, QuotaMatch};
use serde_json::{Map, Value, json};

use crate::connection::Access;
use crate::failure::Failure;

/// Prints `{"quotas": {USER: {KEY: NUMBER}}}` of all users that have a quota by their name alone. Users and keys are Kafka's words:
/// a user is a principal without `User:`, a key such as `producer_byte_rate` counts for each broker.
pub async fn list(access: &Access) -> Result<Value, Failure> {
    let users = ClientQuotaFilter::all()
        .component("user", QuotaMatch::Any)
        .strict(true);
    let described = access
        .admin()
        .await?
        .describe_client_quotas(users, Default::default())
        .await?;
    let named = described.into_iter().filter_map(|(entity, values)| {
        let user = entity.0.get("user").cloned().flatten()?;
        Some((user, json!(values)))
    });
    Ok(json!({ "quotas": named.collect::<Map<_, _>>() }))
}
