use super::{Draft, HasConditions, State, reasons};

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

/// Whether a status says that its resource is Ready.
pub fn is_ready<S: HasConditions>(status: Option<&S>) -> bool {
    says(status, "Ready", State::True)
}

/// Whether a status says this of a condition.
pub fn says<S: HasConditions>(status: Option<&S>, kind: &str, state: State) -> bool {
    let mut conditions = status.into_iter().flat_map(HasConditions::conditions);
    conditions.any(|condition| condition.type_ == kind && condition.status == state.as_str())
}
