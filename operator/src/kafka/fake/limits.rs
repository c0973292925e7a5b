use std::collections::{BTreeMap, BTreeSet};

use super::{
    broker_config,
    state::{State, refused},
};
use crate::kafka::{BrokerConfigChange, BrokerId, BrokerQuota, KafkaError, PerItem, Principal};

/// Brokers' dynamic configuration, and quotas (`ConfigAdminManager`, `ClientQuotaControlManager` of Kafka 4.3).
impl State {
    /// Asks each broker. As with a broker that is down, one that is not there does not answer.
    pub(super) fn ask_each<T>(
        &mut self,
        brokers: impl IntoIterator<Item = BrokerId>,
        mut ask: impl FnMut(&mut Self, BrokerId) -> Result<T, KafkaError>,
    ) -> Result<PerItem<BrokerId, T>, KafkaError> {
        let answers: PerItem<BrokerId, T> = brokers
            .into_iter()
            .map(|broker| {
                let answer = match self.cluster().brokers.contains_key(&broker) {
                    true => ask(self, broker),
                    false => Err(KafkaError::Unreachable(format!("broker {broker} is down"))),
                };
                (broker, answer)
            })
            .collect();
        let silent =
            |answer: &Result<T, KafkaError>| matches!(answer, Err(KafkaError::Unreachable(_)));
        let first_error = answers.values().find_map(|answer| answer.as_ref().err());
        match first_error {
            Some(error) if answers.values().all(silent) => Err(error.clone()),
            _ => Ok(answers),
        }
    }

    pub(super) fn alter_broker_configs(
        &mut self,
        changes: &[BrokerConfigChange],
    ) -> Result<PerItem<BrokerId, ()>, KafkaError> {
        let by_broker: BTreeMap<BrokerId, &BrokerConfigChange> = changes
            .iter()
            .map(|change| (change.broker, change))
            .collect();
        if by_broker.len() < changes.len() {
            return Err(refused(
                "INVALID_REQUEST",
                "a broker is named twice in one request",
            ));
        }
        let brokers: BTreeSet<BrokerId> = by_broker.keys().copied().collect();
        self.ask_each(brokers, |state, broker| match by_broker.get(&broker) {
            Some(change) => state.alter_broker_config(change),
            None => Ok(()),
        })
    }

    fn alter_broker_config(&mut self, change: &BrokerConfigChange) -> Result<(), KafkaError> {
        if let Some(message) = broker_config::refusal(&change.set) {
            return Err(refused("INVALID_REQUEST", message));
        }
        let config = self.broker_configs.entry(change.broker).or_default();
        config.retain(|key, _| !change.reset.contains(key));
        config.extend(change.set.clone());
        Ok(())
    }

    pub(super) fn alter_quota(
        &mut self,
        principal: &Principal,
        quota: &BrokerQuota,
    ) -> Result<(), KafkaError> {
        let invalid = |message: String| Err(refused("INVALID_REQUEST", message));
        if principal
            .as_str()
            .strip_prefix("User:")
            .is_none_or(str::is_empty)
        {
            return invalid(format!("{principal} is not a user: only users have quotas"));
        }
        for (key, value, whole) in [
            ("producer_byte_rate", quota.producer_byte_rate, true),
            ("consumer_byte_rate", quota.consumer_byte_rate, true),
            ("request_percentage", quota.request_percentage, false),
        ] {
            match value {
                Some(value) if value <= 0.0 => {
                    return invalid(format!("Quota {key} must be greater than 0"));
                }
                Some(value) if whole && value.fract() > 1e-6 => {
                    return invalid(format!("{key} cannot be a fractional value."));
                }
                _ => {}
            }
        }
        match quota.is_empty() {
            true => self.quotas.remove(principal),
            false => self.quotas.insert(principal.clone(), *quota),
        };
        Ok(())
    }
}
