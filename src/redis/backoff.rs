//! How long to wait before dialling again.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
/// A server that refuses credentials is asked at most this often: it may lock the account.
const REFUSED: Duration = Duration::from_secs(1);
/// A connection that lasts so long is no accident of a server that accepts and drops.
const STOOD: Duration = Duration::from_millis(20);
/// A connection that lasts so long has proved itself.
const PROVED: Duration = Duration::from_secs(5);

/// Doubling pauses with full jitter, so that clients that lost the same server do not return together.
///
/// It outlives the connections it is used for and begins anew only after one that lasted, so that a
/// server that accepts and drops is not dialled in a tight loop. After one that stood for a moment it begins
/// with the first pause: whoever cuts connections time and again must not keep a client away for seconds.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
    refused: bool,
    has_connected: bool,
    connected_at: Option<Instant>,
}

impl Backoff {
    /// The pause before the next attempt: none before the first, then anything up to 50 ms, doubling up
    /// to 2 s.
    pub fn pause(&mut self) -> Duration {
        match self.connected_at.take().map(|since| since.elapsed()) {
            Some(lasted) if lasted >= PROVED => self.attempts = 0,
            Some(lasted) if lasted >= STOOD => self.attempts = 1,
            _ => {}
        }
        let ceiling = match self.attempts {
            0 => Duration::ZERO,
            failed => FIRST.saturating_mul(1 << failed.min(7).saturating_sub(1)).min(LONGEST),
        };
        self.attempts = self.attempts.saturating_add(1);
        let floor = if std::mem::take(&mut self.refused) { REFUSED } else { Duration::ZERO };
        floor + ceiling.mul_f64(fastrand::f64())
    }

    /// The server refused the connection for a reason that will not pass by itself:
    /// the next pause is at least 1 s.
    pub const fn refused(&mut self) {
        self.refused = true;
    }

    /// Whether there ever was a connection.
    #[must_use]
    pub const fn has_connected(&self) -> bool {
        self.has_connected
    }

    /// There is a connection now.
    pub fn connected(&mut self) {
        self.has_connected = true;
        self.connected_at = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_cap() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.pause(), Duration::ZERO, "the first attempt is made at once");
        assert!(backoff.pause() <= FIRST);
        assert!(backoff.pause() <= FIRST * 2);
        let pauses: Vec<_> = (0..1000).map(|_| backoff.pause()).collect();
        assert!(pauses.iter().all(|pause| *pause <= LONGEST));
        assert!(pauses.iter().any(|pause| *pause > LONGEST / 2), "the cap is reached");
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_connection_that_lasted_begins_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            backoff.pause();
            backoff.connected();
        }
        assert!((0..100).any(|_| backoff.pause() > FIRST), "accepted and dropped, again and again");
        backoff.connected();
        tokio::time::advance(PROVED).await;
        assert_eq!(backoff.pause(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_are_cut_time_and_again_are_replaced_soon() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            assert!(backoff.pause() <= FIRST);
            backoff.connected();
            tokio::time::advance(STOOD).await;
        }
    }

    #[test]
    fn a_refusal_slows_the_next_attempt_down() {
        let mut backoff = Backoff::default();
        backoff.pause();
        backoff.refused();
        assert!(backoff.pause() >= REFUSED);
        assert!(backoff.pause() <= FIRST * 2, "only that one");
    }
}
