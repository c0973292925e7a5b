use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::{
    Message,
    message::{BorrowedMessage, Headers},
};

use crate::letter::{Header, Letter};

/// A record as a letter. None where the name of a header is not text, which Kafka permits and the library answers with a panic.
pub(super) fn letter<'a>(record: &'a BorrowedMessage<'_>) -> Option<Letter<'a>> {
    Some(Letter {
        partition: record.partition(),
        offset: record.offset(),
        timestamp: record.timestamp().to_millis(),
        key: record.key(),
        value: record.payload(),
        headers: headers(record)?,
    })
}

/// The headers of a record. None where the name of one is not text.
pub fn headers<M: Message>(record: &M) -> Option<Vec<Header<'_>>> {
    let Some(headers) = record.headers() else {
        return Some(Vec::new());
    };
    let read = || {
        headers
            .iter()
            .map(|header| Header {
                name: header.key,
                value: header.value,
            })
            .collect()
    };
    catch_unwind(AssertUnwindSafe(read)).ok()
}
