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
