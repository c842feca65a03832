//! The two ways of a request to the server, behind one face.

use super::loop_lane::LoopLane;
use super::runtime_lane::RuntimeLane;
use crate::error::Error;
use crate::redis::{Posted, Repeat, Request, Ticket};

/// A connection's lane.
pub enum Lane {
    /// The socket is on this thread.
    Loop(Box<LoopLane>),
    /// The socket is on the runtime thread.
    Runtime(RuntimeLane),
}

/// What the event loop says of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// There is something to read, or the end.
    Readable,
    /// There is room for more, and nothing to read.
    Writable,
    /// The connection broke. What came before that may still be read.
    Failed,
}

impl Lane {
    /// Encodes a request straight into the lane's buffer.
    ///
    /// # Errors
    /// What `build` returns; nothing was queued then.
    pub fn submit(
        &mut self,
        ticket: Ticket,
        repeat: Repeat,
        deadline: u64,
        build: impl FnOnce(&mut Request) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Loop(lane) => lane.mux.submit(ticket, repeat, deadline, build),
            Self::Runtime(lane) => lane.submit(ticket, repeat, deadline, build),
        }
    }

    /// Queues a request that has a buffer of its own.
    pub fn enqueue(&mut self, ticket: Ticket, deadline: u64, request: Request) {
        let (commands, repeat, unanswered) = (request.commands(), request.repeat(), request.left_out());
        let bytes = request.into_bytes();
        let mut posted = Posted::new(ticket, commands, bytes.len(), repeat, deadline);
        posted.unanswered = unanswered;
        match self {
            Self::Loop(lane) => lane.mux.enqueue(&bytes, [posted]),
            Self::Runtime(lane) => lane.enqueue(&bytes, posted),
        }
    }

    /// Whether it leads to a cluster.
    pub const fn is_to_cluster(&self) -> bool {
        matches!(self, Self::Runtime(lane) if lane.is_to_cluster())
    }

    /// Bytes that wait for their answer.
    pub fn queued_bytes(&self) -> usize {
        match self {
            Self::Loop(lane) => lane.mux.queued_bytes(),
            Self::Runtime(lane) => lane.queued_bytes(),
        }
    }
}
