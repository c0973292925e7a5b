use std::fmt;

use super::{
    Header,
    family::{FAMILIES, Family, value},
};

/// Longest name of a topic in Kafka.
const LONGEST_TOPIC: usize = 249;

/// Where a letter was read from before it was dead, as far as its headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The topic. It is one that Kafka could have.
    pub topic: String,
    /// The partition, at least 0.
    pub partition: Option<i32>,
    /// The offset in the partition, at least 0; None too where the partition is not known.
    pub offset: Option<i64>,
}

impl fmt::Display for Address {
    /// `topic`, `topic/partition` or `topic/partition/offset`: as much as is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.topic)?;
        if let Some(partition) = self.partition {
            write!(f, "/{partition}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, "/{offset}")?;
        }
        Ok(())
    }
}

/// The address in the headers of the first family that names a topic. All of it is of that family: parts of different ones name
/// a record that never was. None where no family names a topic that Kafka could have.
pub fn return_address(headers: &[Header<'_>]) -> Option<Address> {
    FAMILIES.iter().find_map(|family| of(family, headers))
}

fn of(family: &Family, headers: &[Header<'_>]) -> Option<Address> {
    let said = |name| value(name, family.pick, headers.iter().copied());
    let topic = topic(said(family.topic)?)?;
    let number = |name| number(said(name)?, family.binary);
    let partition = number(family.partition).and_then(|number| i32::try_from(number).ok());
    let offset = partition.and(number(family.offset));
    Some(Address {
        topic,
        partition,
        offset,
    })
}

fn topic(value: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(value).ok()?.trim();
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let could_be = (1..=LONGEST_TOPIC).contains(&name.len())
        && name.chars().all(known)
        && !matches!(name, "." | "..");
    could_be.then(|| name.to_owned())
}

/// A number of at least 0. Digits are text even where binary numbers may stand: as a binary number they would be one beyond
/// anything that a partition or an offset is.
fn number(value: &[u8], binary: bool) -> Option<i64> {
    let text = std::str::from_utf8(value).ok().map(str::trim);
    if let Some(digits) = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
        return digits.parse().ok();
    }
    if !binary {
        return None;
    }
    let number = match value.len() {
        4 => i64::from(i32::from_be_bytes(value.try_into().ok()?)),
        8 => i64::from_be_bytes(value.try_into().ok()?),
        _ => return None,
    };
    (number >= 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(headers: &[(&'static str, &[u8])]) -> Option<String> {
        let headers: Vec<Header<'_>> = headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: Some(value),
            })
            .collect();
        return_address(&headers).map(|address| address.to_string())
    }

    fn some(address: &str) -> Option<String> {
        Some(address.to_owned())
    }

    #[test]
    fn text_families_give_topic_partition_and_offset() {
        for prefix in ["__connect.errors.", "__streams.errors.", "__dlq.errors."] {
            let names = ["topic", "partition", "offset"].map(|name| format!("{prefix}{name}"));
            let values: [&[u8]; 3] = [b"orders", b"3", b"1042"];
            let headers: Vec<Header<'_>> = names
                .iter()
                .zip(values)
                .map(|(name, value)| Header {
                    name,
                    value: Some(value),
                })
                .collect();
            let found = return_address(&headers).map(|address| address.to_string());
            assert_eq!(found, some("orders/3/1042"), "{prefix}");
        }
        assert_eq!(
            of(&[
                ("dlq.source.topic", b"flights"),
                ("dlq.source.partition", b"0"),
                ("dlq.source.offset", b"7")
            ]),
            some("flights/0/7")
        );
    }

    #[test]
    fn spring_writes_binary_numbers_and_the_first_of_each_counts() {
        let partition = 1_i32.to_be_bytes();
        let (first, last) = (70_000_000_000_i64.to_be_bytes(), 5_i64.to_be_bytes());
        assert_eq!(
            of(&[
                ("kafka_dlt-original-topic", b"orders"),
                ("kafka_dlt-original-partition", &partition),
                ("kafka_dlt-original-offset", &first),
                ("kafka_dlt-original-topic", b"orders-retry-0"),
                ("kafka_dlt-original-offset", &last),
            ]),
            some("orders/1/70000000000")
        );
        assert_eq!(
            of(&[
                ("kafka_dlt-original-topic", b"orders"),
                ("kafka_dlt-original-partition", b"1234"),
                ("kafka_dlt-original-offset", b"12345678"),
            ]),
            some("orders/1234/12345678"),
            "some write text"
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let minus_one = (-1_i32).to_be_bytes();
        assert_eq!(
            of(&[
                ("kafka_dlt-original-topic", b"orders"),
                ("kafka_dlt-original-partition", &minus_one),
                ("kafka_dlt-original-offset", b"9"),
            ]),
            some("orders")
        );
        assert_eq!(
            of(&[
                ("__connect.errors.topic", b"orders"),
                ("__connect.errors.partition", &[0, 0, 0, 1]),
            ]),
            some("orders"),
            "Connect writes text"
        );
        assert_eq!(
            of(&[
                ("__connect.errors.topic", b"orders"),
                ("__connect.errors.partition", b"2"),
                ("__connect.errors.offset", b"-1"),
            ]),
            some("orders/2")
        );
        assert_eq!(of(&[("trace", b"orders")]), None);
    }

    #[test]
    fn a_name_kafka_forbids_is_no_address() {
        let long = "x".repeat(250);
        for name in ["", ".", "..", "a b", "a/b", "\u{fc}", long.as_str()] {
            assert_eq!(of(&[("dlq.source.topic", name.as_bytes())]), None, "{name}");
        }
        assert_eq!(of(&[("dlq.source.topic", &[0xff])]), None);
    }

    #[test]
    fn parts_of_different_families_are_not_put_together() {
        assert_eq!(
            of(&[
                ("dlq.source.topic", b"orders"),
                ("__connect.errors.partition", b"2"),
                ("__connect.errors.offset", b"3"),
            ]),
            some("orders")
        );
    }

    proptest! {
        #[test]
        fn any_headers_give_an_address_or_none(values in prop::collection::vec((0_usize..6, prop::collection::vec(any::<u8>(), 0..12)), 0..12)) {
            let names = [
                "dlq.source.topic", "dlq.source.partition", "kafka_dlt-original-topic",
                "kafka_dlt-original-partition", "kafka_dlt-original-offset", "other",
            ];
            let headers: Vec<Header<'_>> = values
                .iter()
                .map(|(name, value)| Header { name: names[*name], value: Some(value) })
                .collect();
            if let Some(address) = return_address(&headers) {
                prop_assert!(!address.topic.is_empty());
                prop_assert!(address.partition.is_none_or(|partition| partition >= 0));
                prop_assert!(address.offset.is_none_or(|offset| offset >= 0));
            }
        }
    }
}
