use super::{Draft, State, reasons};

/// `Ready` out of the conditions that count: False if one of them is, else Unknown if one of them is, else True.
/// It takes over the reason and the message of the first that stands in the way (Cluster API's summary).
pub fn ready(parts: &[Draft]) -> Draft {
    let blocking = |state| parts.iter().find(|part| part.state == state);
    match blocking(State::False).or_else(|| blocking(State::Unknown)) {
        Some(part) => Draft {
            kind: "Ready",
            ..part.clone()
        },
        None => Draft::yes("Ready", reasons::READY, "everything is as the spec says"),
    }
}
