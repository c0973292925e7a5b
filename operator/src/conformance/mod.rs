//! Whether records carry the ids of schemas that are registered under a subject: pure functions from bytes to a framing.
//!
//! Architecture invariant: no client, no clock.

mod framing;

pub use framing::{Framing, SchemaId, framing};
