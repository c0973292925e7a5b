//! What went wrong, under the name that Kafka's protocol has for it.

use std::fmt::Debug;
use std::time::Duration;

use krafka::KrafkaError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use serde_json::{Value, json};

/// A refusal or a failure.
#[derive(Debug, PartialEq)]
pub struct Failure {
    code: String,
    message: String,
}

impl Failure {
    /// Not Kafka's doing.
    pub fn local(message: impl Into<String>) -> Self {
        Self {
            code: "LOCAL".into(),
            message: message.into(),
        }
    }

    pub fn timed_out(limit: Duration) -> Self {
        let message = format!("not done within {} s", limit.as_secs());
        Self {
            code: "TIMED_OUT".into(),
            message,
        }
    }

    /// `{"error": CODE, "message": ...}`
    pub fn json(&self) -> Value {
        json!({ "error": self.code, "message": self.message })
    }
}

impl From<RDKafkaErrorCode> for Failure {
    fn from(code: RDKafkaErrorCode) -> Self {
        let name = match code {
            RDKafkaErrorCode::Authentication => "SASL_AUTHENTICATION_FAILED".into(),
            RDKafkaErrorCode::UnknownTopic => "UNKNOWN_TOPIC_OR_PARTITION".into(),
            RDKafkaErrorCode::MessageTimedOut | RDKafkaErrorCode::OperationTimedOut => {
                "TIMED_OUT".into()
            }
            other => protocol_name(&other),
        };
        Self {
            code: name,
            message: code.to_string(),
        }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(code) => Self {
                message: error.to_string(),
                ..code.into()
            },
            None => Self::local(error.to_string()),
        }
    }
}

impl From<KrafkaError> for Failure {
    fn from(error: KrafkaError) -> Self {
        let message = error.to_string();
        let code = match error {
            KrafkaError::Broker { code, .. } => protocol_name(&code),
            KrafkaError::Auth { .. } => "SASL_AUTHENTICATION_FAILED".into(),
            _ => "UNREACHABLE".into(),
        };
        Self { code, message }
    }
}

impl From<millrace_operator::kafka::KafkaError> for Failure {
    fn from(error: millrace_operator::kafka::KafkaError) -> Self {
        use millrace_operator::kafka::KafkaError::{Refused, Unreachable};
        match error {
            Refused { code, message } => Self { code, message },
            Unreachable(message) => Self {
                code: "UNREACHABLE".into(),
                message,
            },
        }
    }
}

/// `TopicAuthorizationFailed` is `TOPIC_AUTHORIZATION_FAILED`.
fn protocol_name(code: &impl Debug) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use krafka::error::ErrorCode;

    #[test]
    fn both_libraries_refusals_have_one_name() {
        assert_eq!(
            protocol_name(&RDKafkaErrorCode::TopicAuthorizationFailed),
            "TOPIC_AUTHORIZATION_FAILED"
        );
        assert_eq!(
            protocol_name(&ErrorCode::TopicAuthorizationFailed),
            "TOPIC_AUTHORIZATION_FAILED"
        );
        assert_eq!(
            protocol_name(&RDKafkaErrorCode::GroupAuthorizationFailed),
            protocol_name(&ErrorCode::GroupAuthorizationFailed)
        );
    }
}
