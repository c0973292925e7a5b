//! What came out, for people: tables, the goals and whether they were met, plots.

mod goals;
mod plot;
mod table;

pub use goals::Goals;
pub use plot::{curves, trade_off};
pub use table::{all, brief};
