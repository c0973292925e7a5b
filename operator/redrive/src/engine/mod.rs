//! Carries a Redrive out: reads the letters, writes the copies, and commits both in one transaction.
//!
//! ```text
//! Run::start ─► thread ─► session ─► [ read ─► decide ─► copy ─► offsets and bookmarks ─► commit ]*
//! ```
//!
//! What has been done is in Kafka alone: the committed offsets of the group of this Redrive, with a bookmark each. They are
//! committed with the copies, so a process that dies anywhere leaves both or neither. The transactional id is that of the Redrive:
//! a process that takes over ends what the one before it had begun, and fences it.
//!
//! Of keys, values and headers nothing is logged and nothing is kept beyond the transaction they are in.
//!
//! Architecture invariant: rdkafka is named here, and nowhere else in this crate.

mod body;
mod book;
mod carrier;
mod copies;
mod effort;
mod job;
mod originals;
mod positions;
mod progress;
mod reached;
mod read;
mod run;
mod session;
mod settings;
mod tail;
mod trouble;
mod writer;

pub use job::{Job, group_id, transactional_id};
pub use positions::ends;
pub use progress::{End, Phase, Progress, Stretch};
pub use read::headers;
pub use run::{Run, Wish};
pub use trouble::Trouble;
