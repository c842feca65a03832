//! A connection that is spoken to one question at a time: for asking servers about servers.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Frames, Limits, Request, Scanner, Stream};
use crate::error::{Code, Error};

/// Answers about servers are a few kilobytes.
const LIMITS: Limits = Limits { bytes: 4 << 20, elements: 1 << 20, depth: 16 };

/// See the module's text.
#[derive(Debug)]
pub struct Dialogue {
    stream: Stream,
    scanner: Scanner,
    bytes: Vec<u8>,
}

impl Dialogue {
    /// Takes a connection over that is ready for use.
    pub fn new(stream: Stream) -> Self {
        Self { stream, scanner: Scanner::new(LIMITS), bytes: Vec::new() }
    }

    /// Gives the connection on. Nothing may be on its way.
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    /// Sends the commands of `request`; [`Dialogue::next`] gives their replies one by one.
    ///
    /// # Errors
    /// [`Code::Connection`], retryable.
    pub async fn send(&mut self, request: &Request) -> Result<(), Error> {
        self.stream.write_all(request.encoded()).await.map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))
    }

    /// The next reply or push. May be dropped while it waits; nothing is lost then.
    ///
    /// # Errors
    /// [`Code::Connection`] or [`Code::Protocol`], retryable.
    pub async fn next(&mut self) -> Result<Frames, Error> {
        loop {
            if let Some(length) = self.scanner.scan(&self.bytes)? {
                return Ok(Frames::new(self.bytes.drain(..length).collect(), 1));
            }
            if self.stream.read_buf(&mut self.bytes).await.map_err(|error| lost(&error))? == 0 {
                return Err(lost(&std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

fn lost(error: &std::io::Error) -> Error {
    Error::new(Code::Connection, format!("the connection broke: {}", error.kind())).retryable()
}
