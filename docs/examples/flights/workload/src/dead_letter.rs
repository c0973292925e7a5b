//! Where a record goes that cannot be processed: as it came, with what is known about it in its headers.

use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders, OwnedMessage};

/// Why a record is a dead letter: a word for counting, and a sentence for the reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    pub word: &'static str,
    pub sentence: String,
}

/// The record's own headers, and after them those of a dead letter, all UTF-8 text:
/// `dlq.reason`, `dlq.message`, `dlq.source.topic`, `dlq.source.partition`, `dlq.source.offset`, `dlq.source.group`.
pub fn headers(record: &OwnedMessage, group: &str, reason: &Reason) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    if let Some(own) = record.headers() {
        headers = own.iter().fold(headers, OwnedHeaders::insert);
    }
    let partition = record.partition().to_string();
    let offset = record.offset().to_string();
    [
        ("dlq.reason", reason.word),
        ("dlq.message", reason.sentence.as_str()),
        ("dlq.source.topic", record.topic()),
        ("dlq.source.partition", partition.as_str()),
        ("dlq.source.offset", offset.as_str()),
        ("dlq.source.group", group),
    ]
    .into_iter()
    .fold(headers, |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::Timestamp;

    #[test]
    fn its_own_headers_stay_and_come_first() {
        let own = OwnedHeaders::new().insert(Header {
            key: "trace",
            value: Some("1"),
        });
        let record = OwnedMessage::new(
            None,
            None,
            "flights".into(),
            Timestamp::NotAvailable,
            3,
            42,
            Some(own),
        );
        let reason = Reason {
            word: "NoDepartureTime",
            sentence: "UA 1545 never left".into(),
        };
        let headers = headers(&record, "departures", &reason);
        let headers: Vec<_> = headers
            .iter()
            .map(|header| (header.key, str::from_utf8(header.value.unwrap()).unwrap()))
            .collect();
        assert_eq!(
            headers,
            [
                ("trace", "1"),
                ("dlq.reason", "NoDepartureTime"),
                ("dlq.message", "UA 1545 never left"),
                ("dlq.source.topic", "flights"),
                ("dlq.source.partition", "3"),
                ("dlq.source.offset", "42"),
                ("dlq.source.group", "departures"),
            ]
        );
    }
}
