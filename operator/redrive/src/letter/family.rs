use super::Header;

/// Which of several headers of one name counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    First,
    Last,
}

/// The headers that one kind of writer of dead letters sets.
#[derive(Debug)]
pub(super) struct Family {
    /// What the names of all of them begin with. None of them goes home with the letter.
    pub(super) prefix: &'static str,
    /// The headers that give the reason, the most telling first. Of several of one name the last counts.
    pub(super) reasons: &'static [&'static str],
    /// The headers that give the topic, the partition and the offset the letter was read from.
    pub(super) topic: &'static str,
    pub(super) partition: &'static str,
    pub(super) offset: &'static str,
    /// Which of several topics, partitions and offsets counts.
    pub(super) pick: Pick,
    /// Whether numbers may be big-endian integers of 4 or 8 bytes. Otherwise they are text.
    pub(super) binary: bool,
}

/// The families in use, the most telling first.
///
/// - Millrace's plain one, which any program can write.
/// - Kafka Connect (KIP-298).
/// - Kafka Streams (KIP-1034).
/// - Share groups (KIP-1191).
/// - Spring Kafka, whose recoverer appends its headers at every turn: the first topic is where the letter comes from, the last
///   exception is why it is dead.
pub(super) const FAMILIES: [Family; 5] = [
    Family {
        prefix: "dlq.",
        reasons: &["dlq.reason"],
        topic: "dlq.source.topic",
        partition: "dlq.source.partition",
        offset: "dlq.source.offset",
        pick: Pick::First,
        binary: false,
    },
    Family {
        prefix: "__connect.errors.",
        reasons: &["__connect.errors.exception.class.name"],
        topic: "__connect.errors.topic",
        partition: "__connect.errors.partition",
        offset: "__connect.errors.offset",
        pick: Pick::Last,
        binary: false,
    },
    Family {
        prefix: "__streams.errors.",
        reasons: &["__streams.errors.exception"],
        topic: "__streams.errors.topic",
        partition: "__streams.errors.partition",
        offset: "__streams.errors.offset",
        pick: Pick::Last,
        binary: false,
    },
    Family {
        prefix: "__dlq.errors.",
        reasons: &["__dlq.errors.message"],
        topic: "__dlq.errors.topic",
        partition: "__dlq.errors.partition",
        offset: "__dlq.errors.offset",
        pick: Pick::Last,
        binary: false,
    },
    Family {
        prefix: "kafka_dlt-",
        reasons: &[
            "kafka_dlt-exception-cause-fqcn",
            "kafka_dlt-exception-fqcn",
            "kafka_dlt-key-exception-fqcn",
        ],
        topic: "kafka_dlt-original-topic",
        partition: "kafka_dlt-original-partition",
        offset: "kafka_dlt-original-offset",
        pick: Pick::First,
        binary: true,
    },
];

/// The value of the header `name` that counts. Empty values say nothing.
pub(super) fn value<'a>(
    name: &str,
    pick: Pick,
    headers: impl DoubleEndedIterator<Item = Header<'a>>,
) -> Option<&'a [u8]> {
    let mut values = headers
        .filter(|header| header.name == name)
        .filter_map(|header| header.value)
        .filter(|value| !value.is_empty());
    match pick {
        Pick::First => values.next(),
        Pick::Last => values.next_back(),
    }
}
