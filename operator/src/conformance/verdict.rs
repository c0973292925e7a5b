use std::collections::BTreeMap;

use millrace_crds::SchemaType;

use super::{Framing, SchemaId};

/// Where a schema id is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Under the subject.
    Here,
    /// Under other subjects only.
    Elsewhere,
    /// Under none.
    Nowhere,
    /// The registry cannot be asked.
    NotTold,
}

/// What is to be said of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It has an id of the subject, or is null.
    Conforming,
    /// It has no id, or what cannot be read as one.
    NotFramed,
    /// The registry does not know its id.
    UnknownId,
    /// Its id is registered, but not under the subject.
    OtherSubject,
    /// Its id was not looked up.
    Unchecked,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Conforming,
        Self::NotFramed,
        Self::UnknownId,
        Self::OtherSubject,
        Self::Unchecked,
    ];

    /// Whether it is one against the record.
    pub fn is_violation(self) -> bool {
        matches!(self, Self::NotFramed | Self::UnknownId | Self::OtherSubject)
    }

    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conforming => "conforming",
            Self::NotFramed => "not_framed",
            Self::UnknownId => "unknown_id",
            Self::OtherSubject => "other_subject",
            Self::Unchecked => "unchecked",
        }
    }
}

impl Framing {
    /// The id by which a reader of this language finds the schema. None where there is none to find: in Protobuf, also where the message indexes
    /// are missing.
    pub fn id(self, language: SchemaType) -> Option<SchemaId> {
        match self {
            Self::Framed { id, indexed } if indexed || language != SchemaType::Protobuf => Some(id),
            _ => None,
        }
    }
}

/// What is to be said of a key or value of this language. An id of which nothing is `registered` was not looked up.
pub fn verdict(
    framing: Framing,
    language: SchemaType,
    registered: &BTreeMap<SchemaId, Registration>,
) -> Verdict {
    if framing == Framing::Null {
        return Verdict::Conforming;
    }
    let Some(id) = framing.id(language) else {
        return Verdict::NotFramed;
    };
    match registered.get(&id) {
        Some(Registration::Here) => Verdict::Conforming,
        Some(Registration::Elsewhere) => Verdict::OtherSubject,
        Some(Registration::Nowhere) => Verdict::UnknownId,
        Some(Registration::NotTold) | None => Verdict::Unchecked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_judged_by_what_is_known_of_its_id() {
        let registered = BTreeMap::from([
            (SchemaId::Number(1), Registration::Here),
            (SchemaId::Number(2), Registration::Elsewhere),
            (SchemaId::Number(3), Registration::Nowhere),
            (SchemaId::Guid([9; 16]), Registration::NotTold),
        ]);
        let of = |id| {
            let indexed = false;
            let framing = Framing::Framed { id, indexed };
            verdict(framing, SchemaType::Avro, &registered)
        };
        assert_eq!(of(SchemaId::Number(1)), Verdict::Conforming);
        assert_eq!(of(SchemaId::Number(2)), Verdict::OtherSubject);
        assert_eq!(of(SchemaId::Number(3)), Verdict::UnknownId);
        assert_eq!(of(SchemaId::Guid([9; 16])), Verdict::Unchecked);
        assert_eq!(of(SchemaId::Number(4)), Verdict::Unchecked, "not looked up");
        let none = BTreeMap::new();
        let bare = verdict(Framing::Bare, SchemaType::Json, &none);
        assert_eq!(bare, Verdict::NotFramed);
        let null = verdict(Framing::Null, SchemaType::Json, &none);
        assert_eq!(null, Verdict::Conforming);
    }

    #[test]
    fn protobuf_needs_its_message_indexes_and_the_others_have_none() {
        let id = SchemaId::Number(1);
        let registered = BTreeMap::from([(id, Registration::Here)]);
        let of = |language, indexed| {
            let framing = Framing::Framed { id, indexed };
            verdict(framing, language, &registered)
        };
        assert_eq!(of(SchemaType::Protobuf, true), Verdict::Conforming);
        assert_eq!(of(SchemaType::Protobuf, false), Verdict::NotFramed);
        assert_eq!(of(SchemaType::Avro, false), Verdict::Conforming);
        assert_eq!(of(SchemaType::Json, true), Verdict::Conforming);
    }
}
