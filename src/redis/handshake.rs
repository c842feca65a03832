//! The first exchange on a new connection: protocol, credentials, name and database in one flight.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::config::{Login, Protocol};
use super::{Class, Limits, Repeat, Request, Scanner, Value, classify, error_of};
use crate::error::{Code, Error};

/// The greeting is a few hundred bytes; a server that sends more is none.
const LIMITS: Limits = Limits { bytes: 64 << 10, elements: 1024, depth: 8 };

/// What the handshake found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The protocol that the connection speaks now.
    pub protocol: Protocol,
    /// The server's version, if it told.
    pub version: Option<String>,
    /// Whether it is a replica, if it told.
    pub is_replica: Option<bool>,
}

/// Makes a fresh connection ready for use. `preferred` is the protocol wanted where the login does not say;
/// a server without HELLO is spoken to in RESP2.
///
/// The server must be ready too: while it loads its data this fails with a retryable error.
///
/// # Errors
/// [`Code::Auth`] when the credentials are refused, [`Code::Config`] for a database that the server does not
/// have, [`Code::Connection`] when it is not ready or gone, [`Code::Protocol`] when it is no Redis.
pub async fn handshake<S>(stream: &mut S, login: &Login, preferred: Protocol) -> Result<Facts, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let protocol = login.protocol.unwrap_or(preferred);
    let mut replies = Replies::new();
    let mut flight = Flight::hello(login, protocol);
    replies.exchange(stream, &flight).await?;
    if let Value::Error(text) = replies.first()
        && lacks_hello(text)
    {
        flight = Flight::plain(login);
        replies.exchange(stream, &flight).await?;
    }
    let mut facts = Facts { protocol: Protocol::Resp2, version: None, is_replica: None };
    for (step, reply) in flight.steps.iter().zip(replies.iter()) {
        match reply {
            Value::Error(text) => step.check(text)?,
            reply if *step == Step::Hello => facts.learn(reply),
            _ => {}
        }
    }
    Ok(facts)
}

/// What a command of the flight is for, which says what its refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hello,
    Auth,
    /// Nice to have: the name in `CLIENT LIST`.
    Name,
    /// Nice to have: reads from a replica. Servers that are no part of a cluster refuse it.
    ReadOnly,
    Select,
    /// Tells a loading server apart, which answers all the others.
    Ping,
}

impl Step {
    /// Whether the connection is of use although this step was refused.
    fn check(self, text: &[u8]) -> Result<(), Error> {
        if !matches!(self, Self::Name | Self::ReadOnly) && matches!(word(text), b"LOADING" | b"MASTERDOWN") {
            let mut error = error_of(text);
            error.code = Code::Connection;
            return Err(error);
        }
        match self {
            // MISCONF, BUSY, NOPERM: a server that answers is there.
            Self::Name | Self::ReadOnly | Self::Ping => Ok(()),
            Self::Hello | Self::Auth => {
                // A password beside a server that wants none is ordinary in development.
                if contains(text, b"without any password configured") || contains(text, b"no password is set")
                {
                    return Ok(());
                }
                let mut error = error_of(text);
                if !error.retryable {
                    error.code = Code::Auth;
                }
                Err(error)
            }
            Self::Select => {
                let mut error = error_of(text);
                if error.code == Code::Reply && classify(text) == Class::Final {
                    error.code = Code::Config;
                    error.message = format!("db: {}", error.message);
                }
                Err(error)
            }
        }
    }
}

/// Commands sent together.
struct Flight {
    /// Holds the password.
    bytes: Zeroizing<Vec<u8>>,
    steps: Vec<Step>,
}

impl Flight {
    /// For servers that know HELLO, which all of Redis 6 and later and of Valkey do.
    fn hello(login: &Login, protocol: Protocol) -> Self {
        let (credentials, name) = (credentials(login), login.client_name.as_deref());
        Self::build(login, |request, steps| {
            let args = 1 + if credentials.is_some() { 3 } else { 0 } + if name.is_some() { 2 } else { 0 };
            request.command("HELLO", args).int(if protocol == Protocol::Resp3 { 3 } else { 2 });
            if let Some((user, password)) = credentials {
                request.arg(b"AUTH").arg(user).arg(password);
            }
            if let Some(name) = name {
                request.arg(b"SETNAME").arg(name.as_bytes());
            }
            steps.push(Step::Hello);
        })
    }

    /// For servers and proxies that do not, and users who may not.
    fn plain(login: &Login) -> Self {
        Self::build(login, |request, steps| {
            if let Some((user, password)) = credentials(login) {
                match login.username {
                    Some(_) => request.command("AUTH", 2).arg(user).arg(password),
                    None => request.command("AUTH", 1).arg(password),
                };
                steps.push(Step::Auth);
            }
            if let Some(name) = &login.client_name {
                request.command("CLIENT", 2).arg(b"SETNAME").arg(name.as_bytes());
                steps.push(Step::Name);
            }
        })
    }

    fn build(login: &Login, greet: impl FnOnce(&mut Request, &mut Vec<Step>)) -> Self {
        // Large enough never to move, which would leave a copy of the password behind.
        let secret = login.password.as_ref().map_or(0, |password| password.expose().len());
        let named =
            [&login.username, &login.client_name].into_iter().flatten().map(String::len).sum::<usize>();
        let mut request = Request::over(Vec::with_capacity(256 + secret + named), Repeat::Freely);
        let mut steps = Vec::with_capacity(4);
        greet(&mut request, &mut steps);
        if login.db != 0 {
            request.command("SELECT", 1).int(i64::from(login.db));
            steps.push(Step::Select);
        }
        if login.read_only {
            request.command("READONLY", 0);
            steps.push(Step::ReadOnly);
        }
        request.command("PING", 0);
        steps.push(Step::Ping);
        Self { bytes: Zeroizing::new(request.into_bytes()), steps }
    }
}

/// The replies to one flight.
struct Replies {
    bytes: Vec<u8>,
    /// Where each reply begins.
    starts: Vec<usize>,
}

impl Replies {
    const fn new() -> Self {
        Self { bytes: Vec::new(), starts: Vec::new() }
    }

    /// Sends the flight and reads exactly its replies.
    async fn exchange<S>(&mut self, stream: &mut S, flight: &Flight) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.bytes.clear();
        self.starts.clear();
        stream.write_all(&flight.bytes).await.map_err(|error| lost(&error))?;
        stream.flush().await.map_err(|error| lost(&error))?;
        let mut scanner = Scanner::new(LIMITS);
        let mut position = 0;
        while self.starts.len() < flight.steps.len() {
            if let Some(length) = scanner.scan(&self.bytes[position..]).map_err(|_| no_redis())? {
                self.starts.push(position);
                position += length;
            } else if stream.read_buf(&mut self.bytes).await.map_err(|error| lost(&error))? == 0 {
                // A server that is full says so and hangs up.
                return Err(match self.iter().last() {
                    Some(Value::Error(text)) => error_of(text),
                    _ => lost(&std::io::ErrorKind::UnexpectedEof.into()),
                });
            }
        }
        if position < self.bytes.len() {
            return Err(no_redis());
        }
        Ok(())
    }

    fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        self.starts.iter().map(|&start| Value::parse(&self.bytes[start..]))
    }

    fn first(&self) -> Value<'_> {
        self.iter().next().unwrap_or(Value::Nil)
    }
}

impl Facts {
    fn learn(&mut self, greeting: Value<'_>) {
        let mut entries = greeting.list();
        while let (Some(Value::Text(key)), Some(value)) = (entries.next(), entries.next()) {
            let text = value.text().map(|text| String::from_utf8_lossy(text).into_owned());
            match key {
                b"proto" if value.int() == Some(3) => self.protocol = Protocol::Resp3,
                b"version" => self.version = text,
                b"role" => self.is_replica = text.map(|role| role != "master"),
                _ => {}
            }
        }
    }
}

/// User and password to send. A user without a password may exist; a password alone is the default user's.
fn credentials(login: &Login) -> Option<(&[u8], &[u8])> {
    let password = login.password.as_ref().map(super::Secret::expose);
    match (&login.username, password) {
        (None, None) => None,
        (user, password) => {
            Some((user.as_deref().unwrap_or("default").as_bytes(), password.unwrap_or_default()))
        }
    }
}

/// Whether HELLO itself was refused, as opposed to the credentials in it.
fn lacks_hello(text: &[u8]) -> bool {
    matches!(word(text), b"NOPROTO" | b"NOPERM")
        || contains(text, b"unknown command")
        || contains(text, b"wrong number of arguments")
        || contains(text, b"syntax error")
}

fn word(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b' ').next().unwrap_or_default()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

fn lost(error: &std::io::Error) -> Error {
    Error::new(Code::Connection, format!("the connection broke in the handshake: {}", error.kind()))
        .retryable()
}

fn no_redis() -> Error {
    Error::new(Code::Protocol, "the server did not answer the handshake as a Redis server does").retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{RawOptions, Secret};

    /// Shakes hands with a server that answers the flights it gets with `answers`, one by one.
    async fn with(url: &str, answers: &[&str]) -> (Result<Facts, Error>, Vec<String>) {
        let options = RawOptions { url: Some(Secret::from(url.to_owned())), ..RawOptions::default() };
        let (target, _) = options.resolve().expect("valid");
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        let server = async {
            let mut flights = Vec::new();
            for answer in answers {
                let mut flight = vec![0; 4096];
                let length = theirs.read(&mut flight).await.expect("a flight");
                flights.push(String::from_utf8_lossy(&flight[..length]).into_owned());
                theirs.write_all(answer.as_bytes()).await.expect("answered");
            }
            drop(theirs);
            flights
        };
        tokio::join!(handshake(&mut ours, &target.login, Protocol::Resp2), server)
    }

    const HELLO: &str =
        "*6\r\n$7\r\nversion\r\n$5\r\n8.0.1\r\n$5\r\nproto\r\n:2\r\n$4\r\nrole\r\n$7\r\nreplica\r\n";

    #[tokio::test]
    async fn everything_goes_in_one_flight() {
        let answer = format!("{HELLO}+OK\r\n+PONG\r\n");
        let (facts, flights) = with("redis://u:p@h/3", &[&answer]).await;
        let facts = facts.expect("ready");
        assert_eq!(facts.version.as_deref(), Some("8.0.1"));
        assert_eq!(facts.is_replica, Some(true));
        assert_eq!(
            flights,
            ["*5\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n\
              *2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*1\r\n$4\r\nPING\r\n"]
        );
    }

    #[tokio::test]
    async fn a_replica_of_a_cluster_is_asked_for_reads_and_others_may_refuse() {
        let options = RawOptions { read_only: Some(true), ..RawOptions::default() };
        let login = options.resolve().expect("valid").0.login;
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        let answer = format!("{HELLO}-ERR This instance has cluster support disabled\r\n+PONG\r\n");
        theirs.write_all(answer.as_bytes()).await.expect("answered");
        assert!(handshake(&mut ours, &login, Protocol::Resp2).await.is_ok());
        let mut flight = vec![0; 4096];
        let length = theirs.read(&mut flight).await.expect("a flight");
        assert!(flight[..length].ends_with(b"*1\r\n$8\r\nREADONLY\r\n*1\r\n$4\r\nPING\r\n"));
    }

    #[tokio::test]
    async fn a_server_without_hello_is_spoken_to_in_resp2() {
        let refusal = "-ERR unknown command 'HELLO', with args beginning with: '3' \r\n-NOAUTH Authentication required.\r\n";
        let (facts, flights) = with("redis://:p@h?protocol=3", &[refusal, "+OK\r\n+PONG\r\n"]).await;
        assert_eq!(facts.expect("ready").protocol, Protocol::Resp2);
        assert_eq!(flights[1], "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n*1\r\n$4\r\nPING\r\n");
        let needless =
            "-ERR AUTH <password> called without any password configured for the default user.\r\n+PONG\r\n";
        assert!(with("redis://:p@h", &[refusal, needless]).await.0.is_ok());
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let error = async |url, answer: String| with(url, &[&answer]).await.0.expect_err("refused");
        let auth =
            error("redis://:no@h", "-WRONGPASS invalid username-password pair\r\n-NOAUTH x\r\n".into()).await;
        assert_eq!((auth.code, auth.retryable), (Code::Auth, false));
        let db = error("redis://h/99", format!("{HELLO}-ERR DB index is out of range\r\n+PONG\r\n")).await;
        assert_eq!((db.code, db.message.as_str()), (Code::Config, "db: ERR DB index is out of range"));
        let busy =
            error("redis://h/1", format!("{HELLO}-BUSY Redis is busy running a script.\r\n-BUSY x\r\n"))
                .await;
        assert_eq!((busy.code, busy.retryable), (Code::Reply, true));
        let loading =
            error("redis://h", format!("{HELLO}-LOADING Redis is loading the dataset in memory\r\n")).await;
        assert_eq!((loading.code, loading.retryable), (Code::Connection, true));
        let full = error("redis://h", "-ERR max number of clients reached\r\n".into()).await;
        assert!(full.retryable);
        assert_eq!(error("redis://h", "HTTP/1.1 400 Bad Request\r\n\r\n".into()).await.code, Code::Protocol);
        assert_eq!(error("redis://h", format!("{HELLO}+PONG\r\n+more\r\n")).await.code, Code::Protocol);
        assert_eq!(error("redis://h", String::new()).await.code, Code::Connection);
    }

    #[tokio::test]
    async fn a_server_that_answers_anything_else_is_there() {
        let answer = format!("{HELLO}-MISCONF Redis is configured to save RDB snapshots\r\n");
        assert!(with("redis://h", &[&answer]).await.0.is_ok());
    }
}
