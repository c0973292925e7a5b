//! A clock that nobody sets: the machine's own may be, by hours.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time by a clock that nobody sets, since this was first asked.
pub fn now() -> Duration {
    BEGAN.elapsed()
}
