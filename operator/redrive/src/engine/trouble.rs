use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use thiserror::Error;

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Another process has taken the transactional id, or the transaction took longer than Kafka waits.
    #[error("another process carries this Redrive on")]
    Fenced,
    /// It may be possible later: Kafka does not answer, or is not as it should be at present.
    #[error("{0}")]
    Passing(String),
    /// Kafka has answered that it will not, and will not until somebody changes something.
    #[error("{0}")]
    Refused(String),
    /// Going on could move letters twice.
    #[error("{0}")]
    Lost(String),
}

impl Trouble {
    /// What an error is that came up while `doing`, such as `the letters of orders.dlq could not be read`.
    pub(super) fn of(doing: &str, error: &KafkaError) -> Self {
        let text = format!("{doing}: {error}");
        match error.rdkafka_error_code() {
            Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => Self::Fenced,
            Some(code) if is_final(code) => Self::Refused(text),
            _ => Self::Passing(text),
        }
    }

    /// What has become of one letter that could not be written to `topic`.
    pub(super) fn undelivered(letter: (i32, i64), topic: &str, code: Code) -> Self {
        let (partition, offset) = letter;
        let doing = format!(
            "the letter at offset {offset} of partition {partition} could not be written to {topic}"
        );
        if code == Code::MessageSizeTooLarge {
            return Self::Refused(format!(
                "{doing}: it is larger than the topic takes. Raise max.message.bytes of {topic}, or leave the letter out with filter.offsets"
            ));
        }
        Self::of(&doing, &KafkaError::MessageProduction(code))
    }
}

/// What does not pass by itself.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::InvalidTopic
            | Code::MessageSizeTooLarge
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::PolicyViolation
            | Code::OffsetMetadataTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_letter_says_which_it_is_and_what_to_do() {
        let trouble = Trouble::undelivered((3, 42), "orders", Code::MessageSizeTooLarge);
        assert_eq!(
            trouble,
            Trouble::Refused(
                "the letter at offset 42 of partition 3 could not be written to orders: it is larger than the topic takes. Raise max.message.bytes of orders, or leave the letter out with filter.offsets".to_owned()
            )
        );
    }

    #[test]
    fn who_is_fenced_leaves_what_is_refused_stays_and_all_else_may_pass() {
        let of = |code| Trouble::of("it failed", &KafkaError::Global(code));
        assert_eq!(of(Code::ProducerFenced), Trouble::Fenced);
        assert!(matches!(
            of(Code::TopicAuthorizationFailed),
            Trouble::Refused(_)
        ));
        for code in [Code::BrokerTransportFailure, Code::NotEnoughReplicas] {
            assert!(matches!(of(code), Trouble::Passing(_)));
        }
    }
}
