use rdkafka::message::{self, OwnedHeaders};

use crate::letter::{Header, Letter, added, is_kept};

/// What is written for a letter beside its headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<i64>,
}

impl<'a> Body<'a> {
    pub(super) fn of(letter: &Letter<'a>) -> Self {
        Self {
            key: letter.key,
            value: letter.value,
            timestamp: letter.timestamp,
        }
    }

    /// Bytes of key and value.
    pub(super) fn size(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }
}

/// The headers a letter goes home with: those of `kept` that tell nothing of the failure, and Millrace's own. `letter` has the
/// headers of the dead letter, which are those of `kept` too unless it was read again from where it came.
pub(super) fn homeward(
    kept: &[Header<'_>],
    letter: &[Header<'_>],
    redrive: &str,
    attempt: u32,
) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new_with_capacity(kept.len() + 3);
    for header in kept.iter().filter(|header| is_kept(header.name)) {
        headers = insert(headers, header.name, header.value);
    }
    for (name, value) in added(letter, kept, redrive, attempt) {
        headers = insert(headers, name, Some(value.as_bytes()));
    }
    headers
}

/// The headers as they are.
pub(super) fn unchanged(kept: &[Header<'_>]) -> OwnedHeaders {
    kept.iter().fold(
        OwnedHeaders::new_with_capacity(kept.len()),
        |headers, header| insert(headers, header.name, header.value),
    )
}

fn insert(headers: OwnedHeaders, name: &str, value: Option<&[u8]>) -> OwnedHeaders {
    headers.insert(message::Header { key: name, value })
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Headers;

    use super::*;

    const LETTER: [Header<'static>; 8] = [
        header("trace", Some(b"1")),
        header("dlq.reason", Some(b"NoPrice")),
        header("tenant", Some(&[0xff, 0x00, 0xfe])),
        header("trace", Some(b"2")),
        header("empty", Some(b"")),
        header("none", None),
        header("dlq.source.topic", Some(b"orders")),
        header("", Some(b"nameless")),
    ];

    const fn header(name: &'static str, value: Option<&'static [u8]>) -> Header<'static> {
        Header { name, value }
    }

    fn written(headers: &OwnedHeaders) -> Vec<(String, Option<Vec<u8>>)> {
        let headers = headers.iter();
        headers
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    }

    fn expected(headers: &[Header<'_>]) -> Vec<(String, Option<Vec<u8>>)> {
        let headers = headers.iter();
        headers
            .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    }

    #[test]
    fn a_letter_goes_home_with_each_header_of_its_own_byte_for_byte_in_its_place() {
        let [first, _, tenant, second, empty, none, _, nameless] = LETTER;
        let ours = [
            header("millrace.redrive.id", Some(b"uid")),
            header("millrace.redrive.attempt", Some(b"2")),
            header("millrace.redrive.origin", Some(b"orders")),
        ];
        let kept = [first, tenant, second, empty, none, nameless];
        assert_eq!(
            written(&homeward(&LETTER, &LETTER, "uid", 2)),
            [expected(&kept), expected(&ours)].concat()
        );
    }

    #[test]
    fn a_letter_goes_to_quarantine_with_all_its_headers_byte_for_byte() {
        assert_eq!(written(&unchanged(&LETTER)), expected(&LETTER));
    }

    #[test]
    fn a_letter_without_a_value_and_one_with_an_empty_one_stay_what_they_are() {
        let letter = |value| Letter {
            partition: 0,
            offset: 7,
            timestamp: Some(-1),
            key: Some(&[0xff, 0x00][..]),
            value,
            headers: Vec::new(),
        };
        let (none, empty) = (letter(None), letter(Some(&b""[..])));
        let bodies = [Body::of(&none), Body::of(&empty)];
        assert_eq!(bodies.map(|body| body.value), [None, Some(&b""[..])]);
        assert!(
            bodies
                .iter()
                .all(|body| body.key == Some(&[0xff, 0x00][..]) && body.timestamp == Some(-1))
        );
    }
}
