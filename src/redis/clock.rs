//! One monotonic clock for all threads, in milliseconds.

use std::sync::OnceLock;
use std::time::Instant;

/// Milliseconds since the process first asked.
#[must_use]
pub fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}
