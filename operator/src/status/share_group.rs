use millrace_crds::OffsetReset;

use super::{Draft, reasons};
use crate::kafka::KafkaError;

/// The condition of a share group that says whether Kafka begins it where the spec says.
pub const OFFSET_RESET_SET: &str = "OffsetResetSet";

/// Whether Kafka begins a new share group at `reset`.
pub fn share_group(reset: OffsetReset, failure: Option<&KafkaError>) -> Draft {
    match failure {
        None => Draft::yes(
            OFFSET_RESET_SET,
            reasons::SYNCED,
            match reset {
                OffsetReset::Earliest => {
                    "while the group is new, Kafka begins with the oldest record"
                }
                OffsetReset::Latest => "while the group is new, Kafka begins with the next record",
            },
        ),
        Some(error @ KafkaError::Refused { .. }) => Draft::no(
            OFFSET_RESET_SET,
            reasons::KAFKA_REFUSED,
            format!("Kafka refused to begin the group there: {error}"),
        ),
        Some(error) => Draft::unknown(
            OFFSET_RESET_SET,
            reasons::KAFKA_UNREACHABLE,
            error.to_string(),
        ),
    }
}
