//! Which server a connection goes to. One variant for each way of running servers, so that the lanes,
//! the subscriber and the multiplexer above stay as they are when another way is added.

mod standalone;

use super::backoff::Backoff;
use super::config::{Config, Protocol, Target};
use super::dial::Stream;
use super::handshake::Facts;
use crate::error::{Code, Error};

pub use standalone::Standalone;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Calls. RESP2 unless the target says otherwise: its replies are flat.
    Calls,
    /// Subscriptions. RESP3 unless the target says otherwise: pushes are told apart from replies.
    Events,
}

impl Purpose {
    const fn protocol(self) -> Protocol {
        match self {
            Self::Calls => Protocol::Resp2,
            Self::Events => Protocol::Resp3,
        }
    }
}

/// A connection that is ready for use.
#[derive(Debug)]
pub struct Link {
    /// The socket; nothing has been read beyond the handshake.
    pub stream: Stream,
    /// What the server said of itself.
    pub facts: Facts,
}

/// Finds servers and connects to them.
///
/// A demoted server needs no call of its own: whoever meets `READONLY` drops the link and connects
/// again, and every connect looks for the server anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Topology {
    /// One address.
    Standalone(Standalone),
}

impl Topology {
    /// The topology that `target` asks for. Opens nothing.
    ///
    /// # Errors
    /// [`Code::Config`] or [`Code::Unsupported`] for a target that cannot be dialled.
    pub fn new(target: Target, config: &Config) -> Result<Self, Error> {
        Standalone::new(target, config).map(Self::Standalone)
    }

    /// Makes one attempt, within the connect timeout.
    ///
    /// # Errors
    /// As [`handshake`](super::handshake()) and [`Dialler::dial`](super::Dialler::dial).
    pub async fn connect(&self, purpose: Purpose) -> Result<Link, Error> {
        match self {
            Self::Standalone(standalone) => standalone.connect(purpose).await,
        }
    }

    /// Tries for ever, after the pauses that `backoff` says; the caller resets it once the link has
    /// proved itself. Every failure goes to `on_fault`, also those that will not mend by themselves:
    /// credentials and databases are corrected on servers too.
    pub async fn connect_forever(
        &self,
        purpose: Purpose,
        backoff: &mut Backoff,
        mut on_fault: impl FnMut(Error),
    ) -> Link {
        loop {
            tokio::time::sleep(backoff.pause()).await;
            match self.connect(purpose).await {
                Ok(link) => return link,
                Err(error) => {
                    if matches!(error.code, Code::Auth | Code::Config) {
                        backoff.refused();
                    }
                    on_fault(error);
                }
            }
        }
    }
}
