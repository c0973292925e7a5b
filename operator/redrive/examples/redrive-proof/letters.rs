//! The letters that the proofs use.

use std::{collections::BTreeMap, ops::Range};

use anyhow::{Result, ensure};
use millrace_redrive::{
    decision::{Destination, Filter, Rules},
    letter::{ATTEMPT, FIRST_ORIGIN, REDRIVE},
};
use rdkafka::{
    Message,
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{BaseProducer, BaseRecord},
};

use crate::broker;

/// Partitions of the dead-letter topic, and of the topic the letters come from.
pub(crate) const PARTITIONS: i32 = 4;
/// Timestamp of letter 0 in milliseconds since 1970; each is one later than the one before.
const TIME: i64 = 1_700_000_000_000;
/// Bytes of a value.
const SIZE: usize = 300;

/// The rules that bring all letters home to `topic`.
pub(crate) fn rules(topic: &str) -> Rules {
    Rules {
        filter: Filter::default(),
        to: Destination::Origin,
        max_attempts: 3,
        quarantine: None,
        allowed: BTreeMap::from([(topic.to_owned(), PARTITIONS)]),
    }
}

/// Writes `count` dead letters that come from `origin`.
pub(crate) fn write(bootstrap: &str, topic: &str, origin: &str, count: u64) -> Result<()> {
    write_with(&broker::producer(bootstrap)?, topic, origin, 0..count)
}

/// Writes the letters with these numbers, by a producer that is there.
pub(crate) fn write_with(
    producer: &BaseProducer,
    topic: &str,
    origin: &str,
    numbers: Range<u64>,
) -> Result<()> {
    for number in numbers {
        let (key, value) = (key(number), value(number));
        let mut record = BaseRecord::to(topic)
            .partition(i32::try_from(number % 4)?)
            .key(&key)
            .payload(&value)
            .timestamp(TIME + i64::try_from(number)?)
            .headers(headers(number, origin));
        while let Err((error, back)) = producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            ensure!(error == full, "{error}");
            record = back;
            producer.poll(std::time::Duration::from_millis(5));
        }
        if number % 1_000 == 0 {
            producer.poll(std::time::Duration::ZERO);
        }
    }
    broker::flush(producer)
}

fn key(number: u64) -> String {
    format!("key {number}")
}

fn value(number: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(SIZE, b'v');
    value
}

fn headers(number: u64, origin: &str) -> OwnedHeaders {
    let text = |headers: OwnedHeaders, key: &str, value: &str| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    };
    let headers = text(OwnedHeaders::new(), "traceparent", "00-1-2-01");
    let reason = ["NoPrice", "NoCustomer", "TooLate"][(number % 3) as usize];
    let headers = text(headers, "dlq.reason", reason);
    let headers = text(headers, "dlq.source.topic", origin);
    let headers = text(headers, "dlq.source.partition", &(number % 4).to_string());
    let headers = text(headers, "dlq.source.offset", &number.to_string());
    text(headers, "number", &number.to_string())
}

/// Checks that a record is the letter it says it is, as it should come home, and tells which.
pub(crate) fn check(record: &BorrowedMessage<'_>, origin: &str, redrive: &str) -> Result<u64> {
    let found: Vec<(&str, &[u8])> = record
        .headers()
        .map(|headers| {
            headers
                .iter()
                .map(|header| (header.key, header.value.unwrap_or_default()))
                .collect()
        })
        .unwrap_or_default();
    let number = found.iter().find(|(name, _)| *name == "number");
    let number: u64 = std::str::from_utf8(number.map_or(&[], |(_, value)| value))?.parse()?;
    let source = format!("{origin}/{}/{number}", number % 4);
    let digits = number.to_string();
    let expected: [(&str, &[u8]); 5] = [
        ("traceparent", b"00-1-2-01"),
        ("number", digits.as_bytes()),
        (REDRIVE, redrive.as_bytes()),
        (ATTEMPT, b"1"),
        (FIRST_ORIGIN, source.as_bytes()),
    ];
    ensure!(found == expected, "letter {number} has headers {found:?}");
    ensure!(
        record.key() == Some(key(number).as_bytes())
            && record.payload() == Some(value(number).as_slice())
            && record.timestamp().to_millis() == Some(TIME + i64::try_from(number)?)
            && record.partition() == i32::try_from(number % 4)?,
        "letter {number} is not what it was"
    );
    Ok(number)
}
