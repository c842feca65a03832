//! The master that sentinels know. They are asked for every connection, the one that helped last first, and what
//! they name is believed only once the server itself says that it is a master: a sentinel may be behind, and a
//! master that comes back after a failover is told only seconds later that it is none.
//!
//! The connection to the sentinel that was asked stays open beside the link, subscribed to the news of failovers.

mod notices;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;

pub use self::notices::Notices;
use super::standalone::Standalone;
use super::{Link, Purpose};
use crate::error::{Code, Error};
use crate::redis::advice::Credentials;
use crate::redis::config::{Address, Login, Sentinels, of_sentinels, tcp};
use crate::redis::dial::Stream;
use crate::redis::dialogue::Dialogue;
use crate::redis::handshake::Facts;
use crate::redis::{Config, Repeat, Request, Value};

/// How often news of a failover may interrupt one attempt to connect.
const INTERRUPTIONS: usize = 3;

/// A master and its sentinels. Clones share what was learned about the sentinels.
#[derive(Clone, Debug)]
pub struct Sentinel(Arc<Known>);

#[derive(Debug)]
struct Known {
    sentinels: Vec<Standalone>,
    settings: Sentinels,
    /// Every master that was named is dialled as this one, at its own address.
    master: Standalone,
    /// The sentinel that helped last.
    first: AtomicUsize,
    /// For one sentinel to answer.
    patience: Duration,
    heartbeat: Duration,
}

/// What one sentinel said.
#[derive(Debug)]
struct Named {
    /// The master's address as the sentinel sees it.
    address: Address,
    /// The connection to that sentinel, subscribed to news.
    dialogue: Dialogue,
}

impl Sentinel {
    /// Opens nothing.
    ///
    /// # Errors
    /// [`Code::Config`] for TLS settings that cannot be used.
    pub fn new(settings: Sentinels, login: Login, config: &Config) -> Result<Self, Error> {
        // A sentinel that does not answer must leave time for the others.
        let patience = config.connect_timeout / u32::try_from(settings.addresses.len()).unwrap_or(u32::MAX);
        let sentinels = settings
            .addresses
            .iter()
            .map(|address| Standalone::new(address.clone(), settings.login.clone(), patience))
            .collect::<Result<_, _>>()
            .map_err(of_sentinels)?;
        // Stands for the masters to come: it is never dialled itself.
        let somewhere = settings.addresses.first().cloned().unwrap_or(tcp(None, None)?);
        let master = Standalone::new(somewhere, login, config.connect_timeout)?;
        let (first, heartbeat) = (AtomicUsize::new(0), config.heartbeat);
        Ok(Self(Arc::new(Known { sentinels, settings, master, first, patience, heartbeat })))
    }

    /// Asks the sentinels in turn, until one names a server that is reached and is a master.
    ///
    /// # Errors
    /// As [`Topology::connect`](super::Topology::connect). [`Code::Config`] when no sentinel knows the name.
    pub async fn connect(&self, purpose: Purpose, credentials: Option<Credentials>) -> Result<Link, Error> {
        let mut failure = None;
        let mut tried = Vec::new();
        let mut interruptions = 0;
        let mut asked = 0;
        while asked < self.0.sentinels.len() {
            let index = self.0.nth(asked);
            asked += 1;
            let named = match self.0.ask(index).await {
                // A server that failed a moment ago is not dialled again because another sentinel names it too.
                Ok(named) if tried.contains(&named.address) => continue,
                Ok(named) => named,
                Err(error) => {
                    failure = Some(worse(failure, error));
                    continue;
                }
            };
            let server = named.address.clone();
            tried.push(server.clone());
            let mut notices = Notices::new(self.clone(), index, named);
            let reached = tokio::select! {
                reached = self.0.reach(&server, purpose, credentials.clone()) => reached,
                news = notices.replaced() => {
                    interruptions += 1;
                    if interruptions < INTERRUPTIONS {
                        (tried, asked) = (Vec::new(), 0);
                    }
                    Err(news)
                }
            };
            match reached {
                Ok((stream, facts)) => {
                    self.0.helped(index);
                    return Ok(Link { stream, facts, notices: notices.into() });
                }
                // That of the server itself says more than what befell the sentinels before.
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error::new(Code::Connection, "no sentinel was asked").retryable()))
    }
}

impl Known {
    /// The sentinel to ask after `asked` others.
    fn nth(&self, asked: usize) -> usize {
        (self.first.load(Ordering::Relaxed) + asked) % self.sentinels.len()
    }

    fn helped(&self, index: usize) {
        self.first.store(index, Ordering::Relaxed);
    }

    /// Asks one sentinel where the master is, and for news from then on.
    async fn ask(&self, index: usize) -> Result<Named, Error> {
        // Replies outside of a subscription are pushes' company: RESP2 keeps them alike on all versions.
        let (stream, _) =
            self.sentinels[index].connect(Purpose::Calls, None).await.map_err(|mut error| {
                error.message = format!("a sentinel cannot be asked: {}", error.message);
                of_sentinels(error)
            })?;
        let mut dialogue = Dialogue::new(stream);
        let silent = |_| Error::new(Code::Connection, "a sentinel did not answer in time").retryable();
        let address = timeout(self.patience, self.question(&mut dialogue)).await.map_err(silent)??;
        Ok(Named { address, dialogue })
    }

    async fn question(&self, dialogue: &mut Dialogue) -> Result<Address, Error> {
        let mut request = Request::new(Repeat::Freely);
        request.command("SENTINEL", 2).arg(b"get-master-addr-by-name").arg(self.settings.name.as_bytes());
        // In one flight, so that no failover falls between the answer and the news.
        request.command("SUBSCRIBE", 1).arg(notices::CHANNEL);
        dialogue.send(&request).await?;
        let answer = dialogue.next().await?;
        let mut words = answer.first()?.list();
        let named = words.next().and_then(Value::text).zip(words.next().and_then(Value::int));
        let (host, port) = named.ok_or_else(|| {
            Error::new(Code::Config, "sentinelName: the sentinels know no master of this name")
        })?;
        // A user who may not subscribe hears no news; the connections to the old master end with it all the same.
        let _ = dialogue.next().await?;
        address(host, port)
    }

    /// Connects to the server at `address` and makes sure that it is a master.
    async fn reach(
        &self,
        address: &Address,
        purpose: Purpose,
        credentials: Option<Credentials>,
    ) -> Result<(Stream, Facts), Error> {
        let outside = self.settings.nat_map.get(address).unwrap_or(address);
        let (stream, mut facts) = self.master.at(outside.clone())?.connect(purpose, credentials).await?;
        let mut dialogue = Dialogue::new(stream);
        if facts.is_replica.is_none() {
            let silent = |_| Error::new(Code::Connection, "the server did not answer in time").retryable();
            facts.is_replica = timeout(self.patience, role(&mut dialogue)).await.map_err(silent)??;
        }
        if facts.is_replica == Some(true) {
            let message = "the server that the sentinels name is a replica at present";
            return Err(Error::new(Code::Connection, message).retryable());
        }
        Ok((dialogue.into_stream(), facts))
    }
}

/// Whether the server says that it is a replica; nothing when this user may not ask.
async fn role(dialogue: &mut Dialogue) -> Result<Option<bool>, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("ROLE", 0);
    dialogue.send(&request).await?;
    let answer = dialogue.next().await?;
    let role = answer.each().next().and_then(|role| role.list().next()).and_then(Value::text);
    Ok(role.map(|role| role != b"master"))
}

/// An address that a sentinel sent.
fn address(host: &[u8], port: i64) -> Result<Address, Error> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let named = std::str::from_utf8(host).ok().filter(|host| !host.is_empty()).zip(port);
    let address = named.and_then(|(host, port)| tcp(Some(host.to_owned()), Some(port)).ok());
    address.ok_or_else(|| Error::new(Code::Protocol, "a sentinel named an address that is none").retryable())
}

/// Which of two failures of sentinels to report. Refused credentials are for the caller to mend; that a name is
/// unknown is only certain when no sentinel was out of reach.
fn worse(before: Option<Error>, error: Error) -> Error {
    const fn weight(code: Code) -> u8 {
        match code {
            Code::Auth => 2,
            Code::Config => 0,
            _ => 1,
        }
    }
    before.filter(|before| weight(before.code) >= weight(error.code)).unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_taken_from_a_sentinel() {
        assert_eq!(
            address(b"10.0.0.7", 6379).expect("an address"),
            Address::Tcp { host: "10.0.0.7".into(), port: 6379 }
        );
        for (host, port) in
            [(&b""[..], 6379), (b"h", 0), (b"h", 70_000), (b"h", -1), (b"a b", 1), (b"\xff", 1)]
        {
            assert_eq!(address(host, port).expect_err("none").code, Code::Protocol);
        }
    }

    #[test]
    fn an_unknown_name_is_certain_only_when_all_have_answered() {
        let error = |code| Error::new(code, "x");
        let both = |a, b| worse(Some(error(a)), error(b)).code;
        assert_eq!(both(Code::Config, Code::Connection), Code::Connection);
        assert_eq!(both(Code::Connection, Code::Config), Code::Connection);
        assert_eq!(both(Code::Connection, Code::Auth), Code::Auth);
        assert_eq!(both(Code::Auth, Code::Config), Code::Auth);
        assert_eq!(worse(None, error(Code::Config)).code, Code::Config);
    }
}
