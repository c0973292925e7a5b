use millrace_crds::Dlq;

use super::{Facts, Rejection, ResolvedTopic};

/// What a DLQ asks for, if it may: its dead-letter topic, and its readers' access.
pub fn dlq(_dlq: &Dlq, _facts: &dyn Facts) -> Result<ResolvedTopic, Rejection> {
    todo!()
}
