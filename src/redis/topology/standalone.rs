//! One server at one address. Its name is resolved for every connection, so that a name that is moved
//! to another server is followed.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Link, Purpose};
use crate::error::{Code, Error};
use crate::redis::advice::Credentials;
use crate::redis::config::{Config, Target};
use crate::redis::dial::Dialler;
use crate::redis::handshake::handshake;

/// A single server.
#[derive(Clone, Debug)]
pub struct Standalone {
    target: Target,
    dialler: Dialler,
    timeout: Duration,
}

impl Standalone {
    /// The server at the target's address. Opens nothing.
    ///
    /// # Errors
    /// As [`Dialler::new`].
    pub fn new(target: Target, config: &Config) -> Result<Self, Error> {
        Ok(Self { dialler: Dialler::new(&target)?, target, timeout: config.connect_timeout })
    }

    /// Dials and shakes hands within the connect timeout.
    ///
    /// # Errors
    /// As [`Topology::connect`](super::Topology::connect).
    pub async fn connect(&self, purpose: Purpose, credentials: Option<Credentials>) -> Result<Link, Error> {
        let deadline = Instant::now() + self.timeout;
        let mut stream = self.dialler.dial(deadline).await?;
        let target = credentials
            .map_or(Cow::Borrowed(&self.target), |as_whom| Cow::Owned(self.target.seen_by(as_whom)));
        let facts = timeout_at(deadline, handshake(&mut stream, &target, purpose.protocol()))
            .await
            .map_err(|_| Error::new(Code::Connection, "the server did not answer in time").retryable())??;
        Ok(Link { stream, facts })
    }
}
