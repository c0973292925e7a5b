use std::collections::BTreeSet;

use super::{Draft, reasons};
use crate::{
    kafka::{Acl, KafkaError},
    world::ViewState,
};

/// Whether all of a resource's grants are in place.
pub fn access(grants: &BTreeSet<Acl>, view: &ViewState, failure: Option<&KafkaError>) -> Draft {
    const KIND: &str = "AccessGranted";
    match (view, failure) {
        (ViewState::Reachable(view), _) if grants.is_subset(&view.acls) => {
            let principals: BTreeSet<&str> =
                grants.iter().map(|acl| acl.principal.as_str()).collect();
            let message = match principals.len() {
                0 => "nobody asks for access".to_owned(),
                _ => format!(
                    "granted to {}",
                    principals.into_iter().collect::<Vec<_>>().join(", ")
                ),
            };
            Draft::yes(KIND, reasons::GRANTED, message)
        }
        (_, Some(error @ KafkaError::Refused { .. })) => Draft::no(
            KIND,
            reasons::KAFKA_REFUSED,
            format!("Kafka refused the ACLs: {error}"),
        ),
        (_, Some(error)) => Draft::unknown(KIND, reasons::KAFKA_UNREACHABLE, error.to_string()),
        (ViewState::Unreachable { message }, None) => {
            Draft::unknown(KIND, reasons::KAFKA_UNREACHABLE, message)
        }
        _ => Draft::unknown(KIND, reasons::PROGRESSING, "the ACLs are being set"),
    }
}
