use std::fmt;

/// First byte of a framing by number, and of one by GUID.
const NUMBER: u8 = 0;
const GUID: u8 = 1;
/// Most bytes of a varint of 32 bits.
const VARINT: usize = 5;

/// Names a schema in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaId {
    /// The registry's number. Those of records come from anywhere, so it may be less than 1.
    Number(i32),
    /// The fingerprint of the schema, as Confluent's registry has it since version 8.
    Guid([u8; 16]),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Guid(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    let dash = if [4, 6, 8, 10].contains(&at) { "-" } else { "" };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// How a record's key or value names its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It is null, and needs none.
    Null,
    /// It names none.
    Bare,
    /// It names one.
    Framed {
        /// Which.
        id: SchemaId,
        /// Whether the message indexes follow that Protobuf has behind the id.
        indexed: bool,
    },
}

/// How a key or value (`body`) names its schema, with the value of the last header `__key_schema_id` or `__value_schema_id` beside it, if
/// there is one.
///
/// As Confluent's deserializers read it (`DualSchemaIdDeserializer` and `SchemaId` of its clients): a header that is not null counts, and else
/// the body. Either begins with byte 0 and a number of four bytes, or with byte 1 and the sixteen bytes of a GUID.
pub fn framing(body: Option<&[u8]>, header: Option<&[u8]>) -> Framing {
    let Some(body) = body else {
        return Framing::Null;
    };
    match id(header.unwrap_or(body)) {
        None => Framing::Bare,
        Some((id, rest)) => Framing::Framed {
            id,
            indexed: has_indexes(rest),
        },
    }
}

/// The id at the beginning, and what follows it.
fn id(bytes: &[u8]) -> Option<(SchemaId, &[u8])> {
    match bytes.split_first()? {
        (&NUMBER, rest) => {
            let (number, rest) = rest.split_first_chunk()?;
            Some((SchemaId::Number(i32::from_be_bytes(*number)), rest))
        }
        (&GUID, rest) => {
            let (guid, rest) = rest.split_first_chunk()?;
            Some((SchemaId::Guid(*guid), rest))
        }
        _ => None,
    }
}

/// Whether a list of message indexes begins here: their count and each of them, as zigzag varints. A count of 0 means the first message.
fn has_indexes(bytes: &[u8]) -> bool {
    let Some((count, mut rest)) = varint(bytes).filter(|(count, _)| *count >= 0) else {
        return false;
    };
    for _ in 0..count {
        match varint(rest) {
            Some((index, behind)) if index >= 0 => rest = behind,
            _ => return false,
        }
    }
    true
}

fn varint(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(VARINT).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let raw = u32::try_from(value).ok()?;
            let zigzag = (raw >> 1).cast_signed() ^ -(raw & 1).cast_signed();
            return Some((zigzag, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    const AN_ID: [u8; 17] = [
        1, 0xcc, 0x0e, 0x0e, 0x0e, 0x53, 0xc1, 0x4a, 0x1a, 0x8f, 0x1a, 0, 0, 0, 0, 0, 1,
    ];

    fn number(number: i32, indexed: bool) -> Framing {
        let id = SchemaId::Number(number);
        Framing::Framed { id, indexed }
    }

    fn of(body: &[u8]) -> Framing {
        framing(Some(body), None)
    }

    fn guid() -> SchemaId {
        let Framing::Framed { id, .. } = of(&AN_ID) else {
            panic!("not framed")
        };
        id
    }

    #[test]
    fn a_number_is_four_bytes_behind_a_zero() {
        assert_eq!(of(&[0, 0, 0, 1, 2]), number(258, false));
        assert_eq!(of(&[0, 0xff, 0xff, 0xff, 0xff, 9]), number(-1, false));
        for bare in [&[][..], &[0], &[0, 0, 0, 1], &[2, 0, 0, 0, 1], b"{}"] {
            assert_eq!(of(bare), Framing::Bare, "{bare:?}");
        }
    }

    #[test]
    fn a_guid_is_sixteen_bytes_behind_a_one() {
        assert_eq!(guid().to_string(), "cc0e0e0e-53c1-4a1a-8f1a-000000000001");
        assert_eq!(of(&AN_ID[..16]), Framing::Bare);
    }

    #[test]
    fn a_header_counts_before_the_body_and_one_that_is_no_id_is_none() {
        let body = Some(&b"bare"[..]);
        let (id, indexed) = (guid(), false);
        assert_eq!(framing(body, Some(&AN_ID)), Framing::Framed { id, indexed });
        let numbered = framing(body, Some(&[0, 0, 0, 0, 4]));
        assert_eq!(numbered, number(4, false), "a header may have a number too");
        let framed = Some(&[0, 0, 0, 0, 7][..]);
        assert_eq!(framing(framed, Some(b"x")), Framing::Bare);
        assert_eq!(framing(framed, None), number(7, false));
    }

    #[test]
    fn what_is_null_needs_no_id() {
        assert_eq!(framing(None, None), Framing::Null);
        assert_eq!(framing(None, Some(&AN_ID)), Framing::Null);
    }

    #[test]
    fn message_indexes_are_counted_zigzag_varints() {
        let with = |indexes: &[u8]| of(&[&[0, 0, 0, 0, 1], indexes].concat());
        for whole in [&[0][..], &[2, 0], &[4, 2, 6, 0xde], &[2, 0x80, 1]] {
            assert_eq!(with(whole), number(1, true), "{whole:?}");
        }
        // Cut off, less than 0, and longer than a number of 32 bits is.
        for broken in [&[][..], &[2], &[1], &[2, 1], &[0x80; 6]] {
            assert_eq!(with(broken), number(1, false), "{broken:?}");
        }
        let header = [&AN_ID[..], &[0]].concat();
        let (id, indexed) = (guid(), true);
        let framed = framing(Some(&[]), Some(&header));
        assert_eq!(framed, Framing::Framed { id, indexed });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end_at_most(
            body in option::of(vec(any::<u8>(), 0..64)),
            header in option::of(vec(any::<u8>(), 0..64)),
        ) {
            let found = framing(body.as_deref(), header.as_deref());
            prop_assert_eq!(found == Framing::Null, body.is_none());
        }

        #[test]
        fn what_is_framed_is_read_back(number: i32, rest in vec(any::<u8>(), 0..32)) {
            let body = [&[0][..], &number.to_be_bytes(), &rest].concat();
            let Framing::Framed { id, indexed } = of(&body) else {
                panic!("not framed")
            };
            prop_assert_eq!(id, SchemaId::Number(number));
            prop_assert_eq!(indexed, has_indexes(&rest));
        }

        #[test]
        fn a_count_of_indexes_beyond_the_bytes_ends_with_them(count in 65i32..) {
            let zigzag = u64::from(count.cast_unsigned()) << 1;
            let mut bytes: Vec<u8> = (0..5).map(|at| (zigzag >> (7 * at)) as u8 | 0x80).collect();
            bytes[4] &= 0x0f;
            bytes.extend([0; 64]);
            prop_assert!(!has_indexes(&bytes));
        }
    }
}
