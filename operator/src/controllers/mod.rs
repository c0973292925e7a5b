//! One file for each kind: watches, maps, concurrency, and a reconcile that reads as the arrow in the crate's documentation.
