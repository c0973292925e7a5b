/// What is said where the headers say nothing.
pub const UNKNOWN: &str = "Unknown";
/// Longest reason or source, in characters.
const LONGEST: usize = 200;

/// Why a letter is dead, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The reason, or the class of the exception.
    pub reason: String,
    /// The topic it was read from.
    pub source: String,
}

/// The headers that give the reason, the most telling first. Which of several of one name counts is the second part.
const REASONS: [(&str, Pick); 7] = [
    ("dlq.reason", Pick::Last),
    ("__connect.errors.exception.class.name", Pick::Last),
    ("__streams.errors.exception", Pick::Last),
    ("__dlq.errors.message", Pick::Last),
    ("kafka_dlt-exception-cause-fqcn", Pick::Last),
    ("kafka_dlt-exception-fqcn", Pick::Last),
    ("kafka_dlt-key-exception-fqcn", Pick::Last),
];

/// The headers that give the source.
const SOURCES: [(&str, Pick); 5] = [
    ("dlq.source.topic", Pick::First),
    ("__connect.errors.topic", Pick::Last),
    ("__streams.errors.topic", Pick::Last),
    ("__dlq.errors.topic", Pick::Last),
    ("kafka_dlt-original-topic", Pick::First),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pick {
    First,
    Last,
}

/// Reads the headers of the families in use: Millrace's plain `dlq.*`, Kafka Connect (KIP-298), Kafka Streams (KIP-1034), share groups
/// (KIP-1191) and Spring Kafka, which appends its headers at every turn: the first topic is where the letter comes from, the last
/// exception is why it is dead. All of these are text.
pub fn origin(headers: &[(&str, &[u8])]) -> Origin {
    Origin {
        reason: text(&REASONS, headers),
        source: text(&SOURCES, headers),
    }
}

fn text(wanted: &[(&str, Pick)], headers: &[(&str, &[u8])]) -> String {
    let value = |(name, pick): &(&str, Pick)| {
        let mut values = headers
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty());
        let (_, value) = if *pick == Pick::First {
            values.next()
        } else {
            values.next_back()
        }?;
        Some(printable(value))
    };
    wanted
        .iter()
        .find_map(value)
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

fn printable(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim()
        .chars()
        .take(LONGEST)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> (String, String) {
        let bytes: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let found = origin(&bytes);
        (found.reason, found.source)
    }

    fn pair(reason: &str, source: &str) -> (String, String) {
        (reason.to_owned(), source.to_owned())
    }

    #[test]
    fn each_family_is_understood() {
        assert_eq!(
            of(&[
                ("dlq.reason", "NoDepartureTime"),
                ("dlq.source.topic", "flights")
            ]),
            pair("NoDepartureTime", "flights")
        );
        assert_eq!(
            of(&[
                ("__connect.errors.topic", "in"),
                ("__connect.errors.exception.class.name", "a.DataException")
            ]),
            pair("a.DataException", "in")
        );
        assert_eq!(
            of(&[
                ("__streams.errors.exception", "a.E"),
                ("__streams.errors.topic", "in")
            ]),
            pair("a.E", "in")
        );
        assert_eq!(
            of(&[
                ("__dlq.errors.message", "delivery count"),
                ("__dlq.errors.topic", "in")
            ]),
            pair("delivery count", "in")
        );
    }

    #[test]
    fn spring_repeats_its_headers_and_the_first_topic_and_the_last_exception_count() {
        let headers = [
            ("kafka_dlt-original-topic", "orders"),
            (
                "kafka_dlt-exception-fqcn",
                "org.springframework.kafka.listener.ListenerExecutionFailedException",
            ),
            ("kafka_dlt-exception-cause-fqcn", "a.First"),
            ("kafka_dlt-original-topic", "orders-retry-0"),
            ("kafka_dlt-exception-cause-fqcn", "a.Last"),
        ];
        assert_eq!(of(&headers), pair("a.Last", "orders"));
    }

    #[test]
    fn nothing_said_is_unknown() {
        assert_eq!(
            of(&[("trace", "1"), ("dlq.reason", "")]),
            pair(UNKNOWN, UNKNOWN)
        );
    }

    #[test]
    fn long_and_odd_values_are_tamed() {
        let (reason, _) = of(&[("dlq.reason", &format!("a\nb{}", "x".repeat(5_000)))]);
        assert_eq!((reason.chars().count(), &reason[..3]), (LONGEST, "a b"));
        let bytes = origin(&[("dlq.reason", &[0xff, 0xfe])]);
        assert_eq!(bytes.reason, "\u{fffd}\u{fffd}");
    }
}
