use std::collections::BTreeMap;

use crate::kafka::{BrokerQuota, Principal};

/// The quotas to set so that the ServiceAccounts' are exactly the desired ones; an empty one takes away what is there.
/// Other principals' are left alone. Empty where nothing has to be done.
pub fn quotas(
    desired: &BTreeMap<Principal, BrokerQuota>,
    observed: &BTreeMap<Principal, BrokerQuota>,
) -> BTreeMap<Principal, BrokerQuota> {
    let extra = observed
        .iter()
        .filter(|(principal, quota)| {
            principal.is_service_account() && !quota.is_empty() && !desired.contains_key(*principal)
        })
        .map(|(principal, _)| (principal.clone(), BrokerQuota::default()));
    let changed = desired
        .iter()
        .filter(|(principal, quota)| {
            principal.is_service_account()
                && observed.get(*principal).copied().unwrap_or_default() != **quota
        })
        .map(|(principal, quota)| (principal.clone(), *quota));
    changed.chain(extra).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some() -> impl Strategy<Value = BTreeMap<Principal, BrokerQuota>> {
        let principal = prop_oneof![
            "[a-c]".prop_map(|name| Principal::service_account("team", &name)),
            "[x-z]".prop_map(|name| Principal::parse(&format!("User:CN={name}"))),
        ];
        let rate = || prop::option::of((1_u32..4).prop_map(f64::from));
        let quota =
            (rate(), rate()).prop_map(|(producer_byte_rate, request_percentage)| BrokerQuota {
                producer_byte_rate,
                request_percentage,
                ..BrokerQuota::default()
            });
        prop::collection::btree_map(principal, quota, 0..6)
    }

    proptest! {
        #[test]
        fn service_accounts_have_exactly_their_quotas_and_others_keep_theirs(
            mut desired in some(),
            observed in some(),
        ) {
            desired.retain(|principal, quota| principal.is_service_account() && !quota.is_empty());
            let steps = quotas(&desired, &observed);
            prop_assert!(steps.keys().all(Principal::is_service_account));
            let mut kafka = observed.clone();
            kafka.extend(steps);
            kafka.retain(|_, quota| !quota.is_empty());
            let owned: BTreeMap<_, _> = kafka
                .iter()
                .filter(|(principal, _)| principal.is_service_account())
                .map(|(principal, quota)| (principal.clone(), *quota))
                .collect();
            prop_assert_eq!(&owned, &desired);
            let foreign = |(principal, quota): &(&Principal, &BrokerQuota)| {
                !principal.is_service_account() && !quota.is_empty()
            };
            prop_assert!(observed.iter().filter(foreign).eq(kafka.iter().filter(foreign)));
            prop_assert_eq!(quotas(&desired, &kafka), BTreeMap::new());
        }
    }
}
