use std::collections::{BTreeMap, HashMap};

use krafka::{
    admin::{AdminClient, ClientQuotaAlteration, ClientQuotaEntity, ClientQuotaFilter, QuotaMatch},
    error::ErrorCode,
};

use super::failure;
use crate::kafka::{BrokerQuota, KafkaError, PerItem, Principal};

// Names of Kafka's protocol: the type of the entity, and the keys of its quotas (KIP-546).
const USER: &str = "user";
const PRODUCER: &str = "producer_byte_rate";
const CONSUMER: &str = "consumer_byte_rate";
const REQUESTS: &str = "request_percentage";
/// Before the name in a principal; a quota's `user` is the name alone.
const USER_PRINCIPAL: &str = "User:";

/// The quotas of users that are limited by their name alone (DescribeClientQuotas).
pub(super) async fn describe(
    client: &AdminClient,
) -> Result<BTreeMap<Principal, BrokerQuota>, KafkaError> {
    let users = ClientQuotaFilter::all()
        .component(USER, QuotaMatch::Any)
        .strict(true);
    let described = client
        .describe_client_quotas(users, Default::default())
        .await
        .map_err(failure::of)?;
    let named = described.into_iter().filter_map(|(entity, values)| {
        let quota = quota(&values);
        let named = principal(entity).filter(|_| !quota.is_empty())?;
        Some((named, quota))
    });
    Ok(named.collect())
}

/// Sets quotas, and takes away what is absent from them (AlterClientQuotas).
pub(super) async fn alter(
    client: &AdminClient,
    quotas: &BTreeMap<Principal, BrokerQuota>,
) -> Result<PerItem<Principal, ()>, KafkaError> {
    let mut answers = PerItem::new();
    let mut alterations = Vec::with_capacity(quotas.len());
    for (principal, quota) in quotas {
        match principal.as_str().strip_prefix(USER_PRINCIPAL) {
            Some(name) => alterations.push(alteration(name, quota)),
            None => {
                let message = format!("{principal} is not a user: only users have quotas");
                let refusal = failure::refused(ErrorCode::InvalidRequest, message);
                answers.insert(principal.clone(), Err(refusal));
            }
        }
    }
    if alterations.is_empty() {
        return Ok(answers);
    }
    let altered = client
        .alter_client_quotas(alterations, Default::default())
        .await
        .map_err(failure::of)?;
    let altered = altered
        .into_iter()
        .filter_map(|(entity, answer)| Some((principal(entity)?, answer)));
    answers.extend(failure::per_item(
        altered.collect(),
        |principal| principal,
        |()| (),
    )?);
    Ok(answers)
}

fn alteration(name: &str, quota: &BrokerQuota) -> ClientQuotaAlteration {
    let user = ClientQuotaEntity::from_iter([(USER, Some(name))]);
    let parts = [
        (PRODUCER.to_owned(), quota.producer_byte_rate),
        (CONSUMER.to_owned(), quota.consumer_byte_rate),
        (REQUESTS.to_owned(), quota.request_percentage),
    ];
    ClientQuotaAlteration::new(user, parts.to_vec())
}

/// None for the default of all users.
fn principal(entity: ClientQuotaEntity) -> Option<Principal> {
    let name = entity.0.get(USER)?.as_ref()?;
    Some(Principal::parse(&format!("{USER_PRINCIPAL}{name}")))
}

fn quota(values: &HashMap<String, f64>) -> BrokerQuota {
    BrokerQuota {
        producer_byte_rate: values.get(PRODUCER).copied(),
        consumer_byte_rate: values.get(CONSUMER).copied(),
        request_percentage: values.get(REQUESTS).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_that_of_the_name_behind_user() {
        let service = Principal::service_account("shop", "orders");
        let name = service.as_str().strip_prefix(USER_PRINCIPAL).unwrap();
        let quota = BrokerQuota {
            producer_byte_rate: Some(1_048_576.0),
            ..BrokerQuota::default()
        };
        let alteration = alteration(name, &quota);
        assert_eq!(
            alteration.entity,
            ClientQuotaEntity::from_iter([("user", Some("system:serviceaccount:shop:orders"))])
        );
        assert_eq!(principal(alteration.entity), Some(service));
        assert_eq!(
            alteration.ops,
            [
                ("producer_byte_rate".to_owned(), Some(1_048_576.0)),
                ("consumer_byte_rate".to_owned(), None),
                ("request_percentage".to_owned(), None),
            ]
        );
    }

    #[test]
    fn the_default_of_all_users_is_nobodys() {
        assert_eq!(
            principal(ClientQuotaEntity::from_iter([("user", None::<&str>)])),
            None
        );
    }
}
