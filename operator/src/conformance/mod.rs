//! Whether records carry the ids of schemas that are registered under a subject: pure functions from bytes to a framing, and from the ends of
//! partitions to what a sample reads.
//!
//! Architecture invariant: no client, no clock.

mod framing;
mod places;

pub use framing::{Framing, SchemaId, framing};
pub use places::Places;
