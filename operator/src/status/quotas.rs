use std::collections::BTreeMap;

use super::{Draft, reasons};
use crate::{
    kafka::{BrokerQuota, KafkaError, Principal},
    world::ViewState,
};

/// Whether the ServiceAccounts' quotas in Kafka are the `desired` ones; `failure` is what Kafka said to the last try.
pub fn quotas(
    desired: &BTreeMap<Principal, BrokerQuota>,
    view: Option<&ViewState>,
    failure: Option<&KafkaError>,
) -> Draft {
    const KIND: &str = "QuotasSet";
    match (view, failure) {
        (_, Some(error @ KafkaError::Refused { .. })) => Draft::no(
            KIND,
            reasons::KAFKA_REFUSED,
            format!(
                "Kafka refused the quotas: {error}; correct spec.quotas or spec.namespaces[].quota"
            ),
        ),
        (_, Some(error)) => Draft::unknown(KIND, reasons::KAFKA_UNREACHABLE, error.to_string()),
        (Some(ViewState::Reachable(_)), None) => Draft::yes(
            KIND,
            reasons::SYNCED,
            match desired.len() {
                0 => "no ServiceAccount has a quota".to_owned(),
                1 => "1 ServiceAccount has its quota".to_owned(),
                count => format!("{count} ServiceAccounts have their quotas"),
            },
        ),
        (Some(ViewState::Unreachable { message }), None) => {
            Draft::unknown(KIND, reasons::KAFKA_UNREACHABLE, message)
        }
        _ => Draft::unknown(
            KIND,
            reasons::CLUSTER_NOT_READY,
            "Kafka has not been asked yet",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{status::State, world::View};

    #[test]
    fn a_refusal_is_told_in_kafkas_words_and_silence_is_unknown() {
        let view = ViewState::Reachable(Arc::new(View::default()));
        let of = |failure: Option<&KafkaError>| quotas(&BTreeMap::new(), Some(&view), failure);
        assert_eq!(of(None).state, State::True);
        let refused = of(Some(&KafkaError::Refused {
            code: "INVALID_REQUEST".to_owned(),
            message: "no such key".to_owned(),
        }));
        assert_eq!(refused.state, State::False);
        assert!(
            refused.message.contains("no such key") && refused.message.contains("spec.quotas"),
            "{}",
            refused.message
        );
        let away = of(Some(&KafkaError::Unreachable("gone".to_owned())));
        assert_eq!(away.state, State::Unknown);
        assert_eq!(quotas(&BTreeMap::new(), None, None).state, State::Unknown);
    }
}
