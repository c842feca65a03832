//! Which server a connection goes to. One variant of `Servers` for each way of running them, so
//! that the lanes, the subscriber and the multiplexer above stay as they are when another way is added.

mod sentinel;
mod standalone;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::advice::{Advice, Advisor, Attempt, Credentials};
use super::backoff::Backoff;
use super::cluster::Cluster;
use super::config::{self, Config, Protocol, Target};
use super::dial::Stream;
use super::handshake::Facts;
use crate::error::{Code, Error};

use sentinel::Sentinel;
pub(super) use standalone::Standalone;

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
    /// Tells when another server has taken over.
    pub notices: Notices,
}

/// News about the server of a link.
#[derive(Debug, Default)]
pub struct Notices(Option<Box<sentinel::Notices>>);

impl Notices {
    /// Waits, for ever if need be, until the link must be replaced because another server has taken over.
    pub async fn replaced(&mut self) -> Error {
        match &mut self.0 {
            Some(notices) => notices.replaced().await,
            None => pending().await,
        }
    }

    /// Whether there can be any news at all.
    #[must_use]
    pub const fn are_expected(&self) -> bool {
        self.0.is_some()
    }
}

impl From<sentinel::Notices> for Notices {
    fn from(notices: sentinel::Notices) -> Self {
        Self(Some(Box::new(notices)))
    }
}

/// Finds the servers of one target and connects to them. Clones share the pace of dialling.
///
/// A demoted server needs no call of its own: whoever meets `READONLY` drops the link and connects
/// again, and every connect looks for the server anew.
#[derive(Clone, Debug)]
pub struct Topology {
    servers: Servers,
    pace: Arc<Pace>,
    advisor: Option<Advisor>,
}

#[derive(Clone, Debug)]
enum Servers {
    /// One address.
    Standalone(Arc<Standalone>),
    /// A master that may move.
    Sentinel(Sentinel),
    /// Nodes that share the keys.
    Cluster(Cluster),
}

#[derive(Debug, Default)]
struct Pace {
    calls: Mutex<Backoff>,
    events: Mutex<Backoff>,
}

impl Topology {
    /// The topology that `target` asks for. Opens nothing.
    ///
    /// # Errors
    /// [`Code::Config`] or [`Code::Unsupported`] for a target that cannot be dialled.
    pub fn new(target: Target, config: &Config) -> Result<Self, Error> {
        let servers = match target.servers {
            config::Servers::One(address) => {
                let standalone = Standalone::new(address, target.login, config.connect_timeout)?;
                Servers::Standalone(Arc::new(standalone))
            }
            config::Servers::Sentinel(sentinels) => {
                Servers::Sentinel(Sentinel::new(*sentinels, target.login, config)?)
            }
            config::Servers::Cluster(cluster) => {
                Servers::Cluster(Cluster::new(cluster, target.login, config)?)
            }
        };
        Ok(Self { servers, pace: Arc::default(), advisor: None })
    }

    /// The same, asking `advisor` before each attempt.
    #[must_use]
    pub fn advised_by(self, advisor: Advisor) -> Self {
        let servers = match self.servers {
            Servers::Cluster(cluster) => Servers::Cluster(cluster.advised_by(advisor.clone())),
            other => other,
        };
        Self { servers, advisor: Some(advisor), ..self }
    }

    /// The cluster, if it is one: its calls go to many connections.
    pub(super) const fn as_cluster(&self) -> Option<&Cluster> {
        match &self.servers {
            Servers::Cluster(cluster) => Some(cluster),
            _ => None,
        }
    }

    /// Whether the calls are spread over the nodes of a cluster.
    #[must_use]
    pub const fn is_cluster(&self) -> bool {
        self.as_cluster().is_some()
    }

    /// Makes one attempt, within the connect timeout.
    ///
    /// # Errors
    /// As [`handshake`](super::handshake()) and [`Dialler::dial`](super::Dialler::dial).
    pub async fn connect(&self, purpose: Purpose) -> Result<Link, Error> {
        self.connect_as(purpose, None).await
    }

    async fn connect_as(&self, purpose: Purpose, credentials: Option<Credentials>) -> Result<Link, Error> {
        match &self.servers {
            Servers::Standalone(standalone) => {
                let (stream, facts) = standalone.connect(purpose, credentials).await?;
                Ok(Link { stream, facts, notices: Notices::default() })
            }
            Servers::Sentinel(sentinel) => sentinel.connect(purpose, credentials).await,
            Servers::Cluster(cluster) => cluster.connect(purpose, credentials).await,
        }
    }

    /// Tries for ever, at a growing distance that begins anew only after a link that lasted. Every failure
    /// goes to `on_fault`, also those that will not mend by themselves: credentials and databases are
    /// corrected on servers too.
    pub async fn connect_forever(&self, purpose: Purpose, mut on_fault: impl FnMut(Error)) -> Link {
        let mut number = u32::from(self.pace(purpose).has_connected());
        loop {
            let advice = match &self.advisor {
                Some(advisor) => advisor.advice(Attempt { purpose, number }).await,
                None => Advice::default(),
            };
            let pace = self.pace(purpose).pause();
            tokio::time::sleep(advice.pause.unwrap_or(pace)).await;
            number = number.saturating_add(1);
            match self.connect_as(purpose, advice.credentials).await {
                Ok(link) => {
                    self.pace(purpose).connected();
                    return link;
                }
                Err(error) => {
                    if matches!(error.code, Code::Auth | Code::Config) {
                        self.pace(purpose).refused();
                    }
                    on_fault(error);
                }
            }
        }
    }

    fn pace(&self, purpose: Purpose) -> MutexGuard<'_, Backoff> {
        let pace = match purpose {
            Purpose::Calls => &self.pace.calls,
            Purpose::Events => &self.pace.events,
        };
        // Numbers only: there is no half-changed state that a panic could leave.
        pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
