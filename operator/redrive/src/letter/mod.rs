//! A dead letter, and what its headers say of it.

mod address;
mod copy;
mod family;
mod origin;

pub use address::{Address, return_address};
pub use copy::{ATTEMPT, FIRST_ORIGIN, REDRIVE, added, attempts, is_kept};
pub use origin::{Origin, UNKNOWN, origin};

/// A header of a record. Kafka tells a header without a value from one whose value is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// A record of a dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The partition of the dead-letter topic it lies in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970. None where it has none.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; None is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, in their order.
    pub headers: Vec<Header<'a>>,
}

impl Letter<'_> {
    /// Whether it has neither key nor value: a share group that does not copy its records writes such letters (KIP-1191).
    pub fn has_no_body(&self) -> bool {
        self.key.is_none() && self.value.is_none()
    }
}
