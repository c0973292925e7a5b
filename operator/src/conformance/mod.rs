//! Whether records carry the ids of schemas that are registered under a subject: pure functions from bytes to a framing, from framings to
//! verdicts and counts, and from those to words.
//!
//! Architecture invariant: no client, no clock; what the registry says of an id, and what was found before, comes in with each sample.

mod findings;
mod framing;
mod places;
mod report;
mod verdict;

pub use findings::{Findings, Violation};
pub use framing::{Framing, SchemaId, framing};
pub use places::Places;
pub use report::{CONFORMANT, Shown, Trouble, draft, status, turned};
pub use verdict::{Registration, Verdict, verdict};
