use std::collections::{BTreeMap, HashMap};

use krafka::{KrafkaError, error::ErrorCode};

use crate::kafka::{KafkaError, PerItem};

/// What krafka's error means: a broker's answer, or none.
pub(super) fn of(error: KrafkaError) -> KafkaError {
    match error {
        KrafkaError::Broker { code, message } => refused(code, message),
        other => KafkaError::Unreachable(other.to_string()),
    }
}

/// A broker's refusal. Where it has no words of its own, the code's name stands for them.
pub(super) fn refused(code: ErrorCode, message: String) -> KafkaError {
    let message = if message.is_empty() || message == format!("{code:?}") {
        name(code).to_lowercase().replace('_', " ")
    } else {
        message
    };
    KafkaError::Refused {
        code: name(code),
        message,
    }
}

/// What an answer of the protocol says: a code, 0 for success, and words if there are any.
pub(super) fn answer(code: i16, words: Option<&str>) -> Result<(), KafkaError> {
    match ErrorCode::from_i16(code) {
        ErrorCode::None => Ok(()),
        code => Err(refused(code, words.unwrap_or_default().to_owned())),
    }
}

/// The code's name in Kafka's protocol. krafka's names are these in another case, but for four.
pub(super) fn name(code: ErrorCode) -> String {
    match code {
        ErrorCode::InvalidTopic => "INVALID_TOPIC_EXCEPTION".to_owned(),
        ErrorCode::NotLeaderForPartition => "NOT_LEADER_OR_FOLLOWER".to_owned(),
        ErrorCode::InvalidMessageSize => "INVALID_FETCH_SIZE".to_owned(),
        ErrorCode::KafkaStorageException => "KAFKA_STORAGE_ERROR".to_owned(),
        ErrorCode::Unknown(number) => format!("ERROR_{number}"),
        other => screaming_snake(&format!("{other:?}")),
    }
}

fn screaming_snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 8);
    for (i, letter) in camel.chars().enumerate() {
        if letter.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

/// The answers by item; or the one error, if there was no answer to any item at all.
pub(super) fn per_item<Key, Value, Item: Ord, Answer>(
    answers: HashMap<Key, Result<Value, KrafkaError>>,
    item: impl Fn(Key) -> Item,
    answer: impl Fn(Value) -> Answer,
) -> Result<PerItem<Item, Answer>, KafkaError> {
    let answers: PerItem<Item, Answer> = answers
        .into_iter()
        .map(|(key, result)| (item(key), result.map(&answer).map_err(of)))
        .collect();
    unless_all_unreachable(answers)
}

/// An error of the whole call, if not one item was answered.
pub(super) fn unless_all_unreachable<Item: Ord, Answer>(
    answers: PerItem<Item, Answer>,
) -> Result<PerItem<Item, Answer>, KafkaError> {
    let silent =
        |answer: &Result<Answer, KafkaError>| matches!(answer, Err(KafkaError::Unreachable(_)));
    if answers.values().all(silent)
        && let Some(error) = answers
            .values()
            .find_map(|answer| answer.as_ref().err().cloned())
    {
        return Err(error);
    }
    Ok(answers)
}

/// The keys; or a refusal, where one comes twice. A broker refuses such a request too.
pub(super) fn unique<T>(
    items: &[T],
    key: impl Fn(&T) -> &str,
) -> Result<BTreeMap<String, &T>, KafkaError> {
    let mut found = BTreeMap::new();
    for item in items {
        if found.insert(key(item).to_owned(), item).is_some() {
            return Err(named_twice(&format!("topic {}", key(item))));
        }
    }
    Ok(found)
}

/// The refusal of a request that names `what` more than once.
pub(super) fn named_twice(what: &str) -> KafkaError {
    refused(
        ErrorCode::InvalidRequest,
        format!("{what} is named twice in one request"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_of_kafkas_protocol() {
        for (code, expected) in [
            (3, "UNKNOWN_TOPIC_OR_PARTITION"),
            (6, "NOT_LEADER_OR_FOLLOWER"),
            (17, "INVALID_TOPIC_EXCEPTION"),
            (36, "TOPIC_ALREADY_EXISTS"),
            (37, "INVALID_PARTITIONS"),
            (39, "INVALID_REPLICA_ASSIGNMENT"),
            (40, "INVALID_CONFIG"),
            (56, "KAFKA_STORAGE_ERROR"),
            (58, "SASL_AUTHENTICATION_FAILED"),
            (69, "GROUP_ID_NOT_FOUND"),
            (100, "UNKNOWN_TOPIC_ID"),
            (-1, "UNKNOWN_SERVER_ERROR"),
            (999, "ERROR_999"),
        ] {
            assert_eq!(name(ErrorCode::from_i16(code)), expected);
        }
    }

    #[test]
    fn a_refusal_without_words_gets_those_of_its_code() {
        let error = of(KrafkaError::broker(
            ErrorCode::TopicAlreadyExists,
            "TopicAlreadyExists",
        ));
        assert_eq!(
            error.to_string(),
            "TOPIC_ALREADY_EXISTS: topic already exists"
        );
    }

    #[test]
    fn only_a_call_without_any_answer_fails_as_a_whole() {
        let silent = || Err(KrafkaError::timeout("ListOffsets"));
        let one_answer = HashMap::from([("a", Ok(1)), ("b", silent())]);
        assert!(per_item(one_answer, str::to_owned, |n| n).is_ok());
        let none = HashMap::<_, Result<i32, _>>::from([("a", silent()), ("b", silent())]);
        assert!(per_item(none, str::to_owned, |n| n).is_err());
        assert!(per_item(HashMap::<&str, Result<i32, _>>::new(), str::to_owned, |n| n).is_ok());
    }
}
