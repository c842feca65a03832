//! One server at one address. Its name is resolved for every connection, so that a name that is moved
//! to another server is followed.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Purpose;
use crate::error::{Code, Error};
use crate::redis::advice::Credentials;
use crate::redis::config::{Address, Login};
use crate::redis::dial::{Dialler, Stream};
use crate::redis::handshake::{Facts, handshake};

/// A single server.
#[derive(Clone, Debug)]
pub struct Standalone {
    login: Login,
    dialler: Dialler,
    timeout: Duration,
}

impl Standalone {
    /// The server at `address`, where each connection has `timeout` to come about. Opens nothing.
    ///
    /// # Errors
    /// As [`Dialler::new`].
    pub fn new(address: Address, login: Login, timeout: Duration) -> Result<Self, Error> {
        Ok(Self { dialler: Dialler::new(address, login.family, login.tls.as_ref())?, login, timeout })
    }

    /// The server at another address, spoken to in the same way.
    ///
    /// # Errors
    /// As [`Dialler::at`].
    pub fn at(&self, address: Address) -> Result<Self, Error> {
        Ok(Self { login: self.login.clone(), dialler: self.dialler.at(address)?, timeout: self.timeout })
    }

    /// Dials and shakes hands within the connect timeout.
    ///
    /// # Errors
    /// As [`Topology::connect`](super::Topology::connect).
    pub async fn connect(
        &self,
        purpose: Purpose,
        credentials: Option<Credentials>,
    ) -> Result<(Stream, Facts), Error> {
        let deadline = Instant::now() + self.timeout;
        let mut stream = self.dialler.dial(deadline).await?;
        let login =
            credentials.map_or(Cow::Borrowed(&self.login), |as_whom| Cow::Owned(self.login.seen_by(as_whom)));
        let facts = timeout_at(deadline, handshake(&mut stream, &login, purpose.protocol()))
            .await
            .map_err(|_| Error::new(Code::Connection, "the server did not answer in time").retryable())??;
        Ok((stream, facts))
    }
}
