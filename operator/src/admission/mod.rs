//! The validating webhook: what `resolve` or the schema registry would refuse later is refused at `kubectl apply`, in the same words.
//!
//! It only ever helps: what it cannot judge it admits, with a warning, and the controllers decide (`failurePolicy: Ignore`).
//! It reads and never writes, so a dry run is judged like anything else. Every replica answers; the leader keeps the certificate.

mod answer;
mod certificate;
mod foresight;
mod intake;
mod judge;
mod keeper;
mod review;
mod server;

pub use answer::{NOTHING, PLAN};
pub use judge::Judge;
pub use keeper::keep_certificate;
pub use server::serve;
