//! Brings dead letters home: which of them, where to and how fast, and each exactly once.
//!
//! ```text
//! letter ─► decision::decide ─► Decision ─► tally::Tally ─► bookmark, written with the letters' copies
//!                                  └─► engine: carries it out, in transactions
//! ```
//!
//! Architecture invariant: outside of [`engine`] there is no client, no clock and no chance. What a letter comes to is a function
//! of the letter and the rules, and what a run has done is a function of the letters it has passed.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bookmark;
pub mod decision;
pub mod engine;
pub mod gaps;
pub mod letter;
pub mod pace;
pub mod returns;
pub mod speed;
pub mod tally;
