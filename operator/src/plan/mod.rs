//! What has to be done: pure, total functions from what is desired and what is observed to a list of steps.
//!
//! Architecture invariant: no client, no clock, no randomness. Applying a plan and planning again gives nothing.

mod access;
mod kafka_step;
mod kept_offsets;
mod moves;
mod offset_reset;
mod progress;
mod quotas;
mod redrive_turn;
mod roll;
mod schema;
mod schema_drift;
mod schema_sentences;
mod sentence;
mod topic;

pub use access::{access, producers};
pub use kafka_step::{Blocked, KafkaStep, Plan};
pub use kept_offsets::{Kept, kept_offsets};
pub use moves::{Limits, Memory, Moves, THROTTLED, WantedLayout, moves, ongoing};
pub use offset_reset::{
    Bounds, ResetStep, Situation, Targets, completed, failed, holds_workload, in_scope, is_due,
    offset_reset, offsets, planned, sent_back, targets, without_state,
};
pub use progress::{Sample, progress};
pub use quotas::quotas;
pub use redrive_turn::{Turn, earlier_redrives, is_over, redrive_turn};
pub use roll::{Roll, roll};
pub use schema::{
    BREAKS, SchemaPlan, SchemaStep, SubjectObservation, against, allows_all_of, asks, breaks,
    refuses_all_of, schema,
};
pub use schema_drift::{LEVEL_KEPT, schema_drift};
pub use schema_sentences::schema_sentences;
pub use sentence::sentences;
pub use topic::topic;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod convergence;

#[cfg(test)]
mod moves_converge;

#[cfg(test)]
pub(crate) use schema::{SUBJECT, condition, converge, desired, visit};
