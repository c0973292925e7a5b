use crate::status::{Draft, State};

/// Why a resource cannot be made true as it is written. It becomes a condition, an event or the webhook's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// A word for programs, from [`crate::status::reasons`].
    pub reason: &'static str,
    /// A sentence for people: what is wrong with which object and what to do.
    pub message: String,
    /// `False` where the resource is at fault, `Unknown` where it only cannot be told yet.
    pub state: State,
}

impl Rejection {
    /// The resource is at fault.
    pub fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            state: State::False,
        }
    }

    /// It cannot be told yet: something it refers to is not there or not ready.
    pub fn unknown(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            state: State::Unknown,
        }
    }

    /// The rejection as a condition of the given type.
    pub fn draft(&self, kind: &'static str) -> Draft {
        Draft {
            kind,
            state: self.state,
            reason: self.reason,
            message: self.message.clone(),
        }
    }
}
