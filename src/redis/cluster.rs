//! A Redis Cluster: which nodes there are, and how they are reached. `router` sends each request to the node that
//! serves its slot, `node` is the connection to one of them.

mod node;
mod router;
mod slots;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

pub use self::router::route;
use self::slots::Map;
pub use self::slots::tag_of;
use super::advice::{Advisor, Attempt, Credentials};
use super::config::{Address, Cluster as Settings, Login};
use super::dialogue::Dialogue;
use super::topology::{Link, Notices, Purpose, Standalone};
use super::{Config, Repeat, Request};
use crate::error::{Code, Error};

/// The least time that one node has to answer before another is asked.
const PATIENCE: Duration = Duration::from_millis(250);

/// A cluster. Clones share what was learned about it.
#[derive(Clone, Debug)]
pub struct Cluster {
    known: Arc<Known>,
    advisor: Option<Advisor>,
}

#[derive(Debug)]
struct Known {
    settings: Settings,
    /// Every node is dialled as this one, at its own address.
    any: Standalone,
    /// The nodes of the last map.
    nodes: Mutex<Vec<Address>>,
    /// Whom to ask first: anyone, so that clients spread, and another one each time, since any may be mistaken.
    turn: AtomicUsize,
    timeout: Duration,
}

impl Cluster {
    /// Opens nothing.
    ///
    /// # Errors
    /// [`Code::Config`] for settings that cannot be used.
    pub fn new(settings: Settings, login: Login, config: &Config) -> Result<Self, Error> {
        let nodes = Mutex::new(settings.nodes.clone());
        let first = settings
            .nodes
            .first()
            .cloned()
            .ok_or_else(|| Error::new(Code::Config, "cluster: names no node"))?;
        let any = Standalone::new(first, login, config.connect_timeout)?;
        let known = Known {
            settings,
            any,
            nodes,
            turn: AtomicUsize::new(fastrand::usize(..1024)),
            timeout: config.connect_timeout,
        };
        Ok(Self { known: Arc::new(known), advisor: None })
    }

    /// The same, asking `advisor` as whom to speak to a node. When to is the router's own affair.
    pub fn advised_by(self, advisor: Advisor) -> Self {
        Self { advisor: Some(advisor), ..self }
    }

    /// One attempt to connect to any node, for events: each hears what is published on every other.
    ///
    /// # Errors
    /// As [`Topology::connect`](super::Topology::connect).
    pub async fn connect(&self, purpose: Purpose, credentials: Option<Credentials>) -> Result<Link, Error> {
        self.first_of_all(|cluster, address| {
            let credentials = credentials.clone();
            async move {
                let (stream, facts) = cluster.server(&address)?.connect(purpose, credentials).await?;
                Ok(Link { stream, facts, notices: Notices::default() })
            }
        })
        .await
    }

    /// Asks the nodes in turn which of them serves which slot.
    async fn discover(self) -> Result<Map, Error> {
        let map = self.first_of_all(|cluster, address| async move { cluster.ask(&address).await }).await?;
        *self.known.nodes.lock().unwrap_or_else(PoisonError::into_inner) = map.nodes().cloned().collect();
        Ok(map)
    }

    async fn ask(&self, address: &Address) -> Result<Map, Error> {
        let mut dialogue = Dialogue::new(self.dial(address).await?.stream);
        let mut request = Request::new(Repeat::Freely);
        request.command("CLUSTER", 1).arg(b"SLOTS");
        dialogue.send(&request).await?;
        let answer = dialogue.next().await?;
        let ranges = answer.first().map_err(|mut error| {
            if error.code == Code::Reply && !error.retryable {
                error.code = Code::Config;
                error.message = format!("cluster: {}", error.message);
            }
            error
        })?;
        let map = Map::read(ranges.list(), host(address))?;
        if map.is_empty() {
            return Err(Error::new(Code::Connection, "the cluster serves no slot at present").retryable());
        }
        Ok(map)
    }

    /// One attempt to connect to the node at an address, for calls.
    async fn dial(&self, address: &Address) -> Result<Link, Error> {
        let server = self.server(address)?;
        let credentials = match &self.advisor {
            Some(advisor) => advisor.advice(Attempt { purpose: Purpose::Calls, number: 0 }).await.credentials,
            None => None,
        };
        let (stream, facts) = server.connect(Purpose::Calls, credentials).await?;
        Ok(Link { stream, facts, notices: Notices::default() })
    }

    /// The node at an address, as the cluster names it.
    fn server(&self, address: &Address) -> Result<Standalone, Error> {
        self.known.any.at(self.known.settings.nat_map.get(address).unwrap_or(address).clone())
    }

    /// Tries the nodes that are known and those of the options, until one succeeds. Each has its share of the time.
    async fn first_of_all<T, F>(&self, attempt: impl Fn(Self, Address) -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let mut nodes = self.known.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let turn = self.known.turn.fetch_add(1, Ordering::Relaxed) % nodes.len().max(1);
        nodes.rotate_left(turn);
        for seed in &self.known.settings.nodes {
            if !nodes.contains(seed) {
                nodes.push(seed.clone());
            }
        }
        let patience = (self.known.timeout / u32::try_from(nodes.len()).unwrap_or(u32::MAX)).max(PATIENCE);
        let mut failure = Error::new(Code::Connection, "no node of the cluster is known").retryable();
        for node in nodes {
            let silent = |_| Err(Error::new(Code::Connection, "a node did not answer in time").retryable());
            match timeout(patience, attempt(self.clone(), node)).await.unwrap_or_else(silent) {
                Ok(found) => return Ok(found),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// The host of a node, which is meant where a node names none.
fn host(address: &Address) -> &str {
    match address {
        Address::Tcp { host, .. } => host,
        Address::Unix(_) => "localhost",
    }
}
