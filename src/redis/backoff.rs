//! How long to wait before dialling again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
/// A server that refuses credentials is asked at most this often: it may lock the account.
const REFUSED: Duration = Duration::from_secs(1);

/// Doubling pauses with full jitter, so that clients that lost the same server do not return together.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause: anything up to 50 ms at first, up to 2 s after six failures.
    pub fn pause(&mut self) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.attempts.min(6)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        ceiling.mul_f64(fastrand::f64())
    }

    /// The pause after a refusal, which no number of attempts makes longer: between 1 s and 3 s.
    #[must_use]
    pub fn pause_after_refusal() -> Duration {
        REFUSED + LONGEST.mul_f64(fastrand::f64())
    }

    /// Begins anew after a success.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_begin_anew() {
        let mut backoff = Backoff::default();
        let longest = |backoff: &mut Backoff| (0..40).map(|_| backoff.pause()).max().unwrap_or_default();
        assert!(backoff.pause() <= FIRST);
        let pauses: Vec<_> = (0..1000).map(|_| backoff.pause()).collect();
        assert!(pauses.iter().all(|pause| *pause <= LONGEST));
        assert!(longest(&mut backoff) > LONGEST / 4, "the ceiling is reached");
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
        assert!(Backoff::pause_after_refusal() >= REFUSED);
    }
}
