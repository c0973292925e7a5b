use super::{
    Header,
    family::{FAMILIES, Pick, value},
};

/// What is said where the headers say nothing.
pub const UNKNOWN: &str = "Unknown";
/// Longest reason or source, in characters.
const LONGEST: usize = 200;

/// Why a letter is dead, and where it comes from, as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The reason, or the class of the exception. At most 200 characters, none of them a control character.
    pub reason: String,
    /// The topic it was read from. At most 200 characters, none of them a control character.
    pub source: String,
}

/// Reads the headers of the families in use; [`UNKNOWN`] stands for what none of them says.
pub fn origin(headers: &[Header<'_>]) -> Origin {
    let reasons = FAMILIES
        .iter()
        .flat_map(|family| family.reasons)
        .map(|name| (*name, Pick::Last));
    let sources = FAMILIES.iter().map(|family| (family.topic, family.pick));
    Origin {
        reason: text(reasons, headers),
        source: text(sources, headers),
    }
}

fn text(mut wanted: impl Iterator<Item = (&'static str, Pick)>, headers: &[Header<'_>]) -> String {
    wanted
        .find_map(|(name, pick)| printable(value(name, pick, headers.iter().copied())?))
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// A value as people are shown it; None where there is nothing to be seen of it.
fn printable(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    let shown: String = text
        .chars()
        .take(LONGEST)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> (String, String) {
        let headers: Vec<Header<'_>> = headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: Some(value.as_bytes()),
            })
            .collect();
        let found = origin(&headers);
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
        assert_eq!(
            of(&[
                ("dlq.reason", " \u{0}\t "),
                ("__streams.errors.exception", "a.E")
            ]),
            pair("a.E", UNKNOWN),
            "what cannot be seen says nothing"
        );
        let without_value = Header {
            name: "dlq.reason",
            value: None,
        };
        assert_eq!(origin(&[without_value]).reason, UNKNOWN);
    }

    #[test]
    fn long_and_odd_values_are_tamed() {
        let (reason, _) = of(&[("dlq.reason", &format!("a\nb{}", "x".repeat(5_000)))]);
        assert_eq!((reason.chars().count(), &reason[..3]), (LONGEST, "a b"));
        let bytes = origin(&[Header {
            name: "dlq.reason",
            value: Some(&[0xff, 0xfe]),
        }]);
        assert_eq!(bytes.reason, "\u{fffd}\u{fffd}");
    }
}
