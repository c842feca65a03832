//! What the queue consists of and gives out.

use crate::error::Error;
use crate::redis::Repeat;

/// The caller's own number for a request.
pub type Ticket = u32;

/// How a connection is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// With a request written and no byte heard for so long (ms), the connection counts as dead.
    pub silence: u64,
    /// An idle connection is asked for a sign of life after so long (ms).
    pub heartbeat: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self { silence: 5_000, heartbeat: 10_000 }
    }
}

/// A request as the queue sees it.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    /// Whose it is; `None` for one that nobody waits for any more.
    pub ticket: Option<Ticket>,
    /// How many replies it gets.
    pub commands: u32,
    /// Length of its encoding.
    pub bytes: usize,
    /// Whether it may be written again after a lost reply.
    pub repeat: Repeat,
    /// When it is rejected.
    pub deadline: u64,
    /// Leading replies that are left out of the answer unless they are errors: see [`Request::leave_out`].
    ///
    /// [`Request::leave_out`]: crate::redis::Request::leave_out
    pub unanswered: u32,
    /// How often it was put back into the queue.
    pub(super) attempts: u8,
}

impl Posted {
    /// A request that is queued for the first time.
    #[must_use]
    pub const fn new(ticket: Ticket, commands: u32, bytes: usize, repeat: Repeat, deadline: u64) -> Self {
        Self { ticket: Some(ticket), commands, bytes, repeat, deadline, unanswered: 0, attempts: 0 }
    }

    /// How often it was put back into the queue.
    #[must_use]
    pub const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// What befell it so far was no fault of its own.
    pub const fn excuse(&mut self) {
        self.attempts = 0;
    }
}

/// A complete answer, as a range of the input buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose it is.
    pub ticket: Ticket,
    /// Where its first frame begins.
    pub start: usize,
    /// Where its last frame ends.
    pub end: usize,
    /// How many frames it has.
    pub frames: u32,
}

/// A request that failed.
#[derive(Debug)]
pub struct Failure {
    /// Whose it was.
    pub ticket: Ticket,
    /// Why.
    pub error: Error,
}

/// A request that this connection gives up to whoever owns several.
#[derive(Debug)]
pub struct Returned {
    /// The request.
    pub posted: Posted,
    /// Its encoding.
    pub bytes: Vec<u8>,
    /// The server's words that sent it elsewhere, if it was that.
    pub redirect: Option<Vec<u8>>,
}

/// A request that the server did not execute and that is sent again later.
#[derive(Debug)]
pub struct Parked {
    pub posted: Posted,
    pub bytes: Vec<u8>,
    pub due: u64,
    /// What the caller hears if the deadline comes first.
    pub error: Error,
}
