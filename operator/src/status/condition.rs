use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// `status` of a metav1 Condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// It cannot be told now.
    Unknown,
}

impl State {
    /// The word of the API conventions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A condition before it has a time: what a decision may return, since decisions know no clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Type of the condition, such as `Synced`.
    pub kind: &'static str,
    /// Whether it holds.
    pub state: State,
    /// A word for programs, from [`super::reasons`].
    pub reason: &'static str,
    /// A sentence for people: what happened to which object, why, what to do.
    pub message: String,
}

impl Draft {
    /// The condition holds.
    pub fn yes(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            state: State::True,
            reason,
            message: message.into(),
        }
    }

    /// The condition does not hold.
    pub fn no(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            state: State::False,
            reason,
            message: message.into(),
        }
    }

    /// Whether the condition holds cannot be told now.
    pub fn unknown(kind: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            state: State::Unknown,
            reason,
            message: message.into(),
        }
    }
}

/// The conditions of `drafts`, sorted by type. `lastTransitionTime` moves only when `status` does (metav1.Condition).
pub fn merge(
    old: &[Condition],
    drafts: &[Draft],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = drafts
        .iter()
        .map(|draft| {
            let since = old
                .iter()
                .find(|c| c.type_ == draft.kind && c.status == draft.state.as_str())
                .map_or(Time(now), |c| c.last_transition_time.clone());
            Condition {
                type_: draft.kind.to_owned(),
                status: draft.state.as_str().to_owned(),
                reason: draft.reason.to_owned(),
                message: draft.message.clone(),
                last_transition_time: since,
                observed_generation: generation,
            }
        })
        .collect();
    conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    conditions
}
