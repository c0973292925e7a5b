//! What decides how many replicas there are.

mod keda;
mod millrace;
mod oracle;

pub use keda::{Keda, KedaSetting};
pub use millrace::{Millrace, POLICY};
pub use oracle::oracle;

use crate::group::Group;

/// Decides second by second.
pub trait Scaler {
    /// How many replicas there shall be from now on; None leaves them as they are.
    fn decide(&mut self, group: &Group) -> Option<i32>;
}

/// Always as many.
pub struct Static;

impl Scaler for Static {
    fn decide(&mut self, _: &Group) -> Option<i32> {
        None
    }
}
