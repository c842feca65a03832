//! From an [`Address`] to an open socket: name resolution, TCP or unix socket, TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::config::{Address, Family, Tls};
use super::tls;
use crate::error::{Code, Error};

/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);
/// Pause between such questions.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// Unanswered questions that end the connection.
const KEEPALIVE_MISSES: u32 = 3;
/// How long written bytes may stay unacknowledged.
#[cfg(any(target_os = "linux", target_os = "android"))]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials one address, again and again. Its TLS settings are decoded once.
#[derive(Clone, Debug)]
pub struct Dialler {
    address: Address,
    family: Family,
    tls: Option<Encryption>,
}

#[derive(Clone, Debug)]
struct Encryption {
    config: Arc<ClientConfig>,
    /// What the certificate must carry.
    name: ServerName<'static>,
    /// Whether the caller chose the name, rather than the address.
    fixed: bool,
}

impl Dialler {
    /// Checks what can be checked without dialling.
    ///
    /// # Errors
    /// [`Code::Config`] for a PEM or a name that cannot be used, [`Code::Unsupported`] for a unix
    /// socket where there are none.
    pub fn new(address: Address, family: Family, tls: Option<&Tls>) -> Result<Self, Error> {
        if cfg!(not(unix)) && matches!(address, Address::Unix(_)) {
            return Err(Error::new(Code::Unsupported, "path: this platform has no unix sockets"));
        }
        let tls = match (tls, &address) {
            (Some(tls), Address::Tcp { host, .. }) => Some(Encryption {
                config: tls::client_config(tls)?,
                name: tls::server_name(tls.servername.as_deref(), host)?,
                fixed: tls.servername.is_some(),
            }),
            _ => None,
        };
        Ok(Self { address, family, tls })
    }

    /// The same for another address. Unless the caller chose a name, the certificate must carry the new one.
    ///
    /// # Errors
    /// [`Code::Config`] for a name that no certificate can carry.
    pub fn at(&self, address: Address) -> Result<Self, Error> {
        let mut tls = self.tls.clone();
        if let (Some(tls), Address::Tcp { host, .. }) = (&mut tls, &address)
            && !tls.fixed
        {
            tls.name = tls::server_name(None, host)?;
        }
        Ok(Self { address, family: self.family, tls })
    }

    /// Opens a socket before `deadline`. All addresses of the host are tried in turn, each with an
    /// equal share of the time that is left.
    ///
    /// # Errors
    /// [`Code::Connection`], retryable.
    pub async fn dial(&self, deadline: Instant) -> Result<Stream, Error> {
        match &self.address {
            Address::Tcp { host, port } => {
                let tcp = connect_any(&resolve(host, *port, self.family, deadline).await?, deadline).await?;
                tune(&tcp).map_err(|error| failed("cannot set up the socket", &error))?;
                match &self.tls {
                    None => Ok(Stream::Tcp(tcp)),
                    Some(tls) => encrypt(tcp, tls, deadline).await,
                }
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let unix = before(deadline, UnixStream::connect(path)).await;
                unix.map(Stream::Unix).map_err(|error| failed("cannot connect", &error))
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(Error::new(Code::Unsupported, "path: this platform has no unix sockets")),
        }
    }
}

async fn resolve(host: &str, port: u16, family: Family, deadline: Instant) -> Result<Vec<SocketAddr>, Error> {
    // The family chooses among the addresses of a name; what is an address already was chosen.
    let wanted = |address: &SocketAddr| match family {
        Family::V4 => address.is_ipv4() || host.parse::<IpAddr>().is_ok(),
        Family::V6 => address.is_ipv6() || host.parse::<IpAddr>().is_ok(),
        Family::Any => true,
    };
    let addresses: Vec<_> = before(deadline, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|error| failed("cannot resolve the host name", &error))?
        .filter(wanted)
        .collect();
    if addresses.is_empty() {
        return Err(Error::new(Code::Connection, "the host name has no address").retryable());
    }
    Ok(addresses)
}

async fn connect_any(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Error> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for (tried, address) in addresses.iter().enumerate() {
        let share = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let until = Instant::now() + deadline.saturating_duration_since(Instant::now()) / share;
        match before(until, TcpStream::connect(address)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failed("cannot connect", &last))
}

async fn encrypt(tcp: TcpStream, tls: &Encryption, deadline: Instant) -> Result<Stream, Error> {
    let handshake = TlsConnector::from(Arc::clone(&tls.config)).connect(tls.name.clone(), tcp);
    match before(deadline, handshake).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(failed("TLS failed", &error)),
    }
}

/// Small requests at once, and a peer that is gone noticed in seconds rather than in the kernel's hours.
fn tune(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        windows
    ))]
    let keepalive = keepalive.with_interval(KEEPALIVE_EVERY).with_retries(KEEPALIVE_MISSES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

async fn before<T>(deadline: Instant, action: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout_at(deadline, action).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The message has the kind of the failure and for TLS the reason, which is about certificates only;
/// never the address.
fn failed(what: &str, error: &io::Error) -> Error {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let why = reason.map_or_else(|| error.kind().to_string(), ToString::to_string);
    Error::new(Code::Connection, format!("{what}: {why}")).retryable()
}

/// An open connection of any kind.
#[derive(Debug)]
pub enum Stream {
    /// Plain TCP.
    Tcp(TcpStream),
    /// A unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A plain socket that belongs to no reactor; non-blocking.
#[derive(Debug)]
pub enum PlainSocket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// A unix socket.
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

impl Stream {
    /// Whether the bytes on the wire are ours as they are, so that another lane can take the socket.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        !matches!(self, Self::Tls(_))
    }

    /// Takes the socket out of the runtime, for another event loop.
    ///
    /// # Errors
    /// [`Code::Unsupported`] for TLS, [`Code::Connection`] when the runtime cannot give it up.
    pub fn into_plain(self) -> Result<PlainSocket, Error> {
        let socket = match self {
            Self::Tcp(tcp) => tcp.into_std().map(PlainSocket::Tcp),
            #[cfg(unix)]
            Self::Unix(unix) => unix.into_std().map(PlainSocket::Unix),
            Self::Tls(_) => return Err(Error::new(Code::Unsupported, "TLS needs the runtime lane")),
        };
        socket.map_err(|error| failed("cannot hand the socket over", &error))
    }
}

#[cfg(unix)]
impl From<PlainSocket> for std::os::fd::OwnedFd {
    fn from(socket: PlainSocket) -> Self {
        match socket {
            PlainSocket::Tcp(tcp) => tcp.into(),
            PlainSocket::Unix(unix) => unix.into(),
        }
    }
}

/// Runs the same expression on whichever stream it is.
macro_rules! each {
    ($self:expr, $stream:ident => $run:expr) => {
        match $self.get_mut() {
            Stream::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $run
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                let $stream = Pin::new(stream);
                $run
            }
            Stream::Tls(stream) => {
                let $stream = Pin::new(&mut **stream);
                $run
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, into))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{RawOptions, Secret, Servers};

    fn dialler(url: &str) -> Dialler {
        let options = RawOptions { url: Some(Secret::from(url.to_owned())), ..RawOptions::default() };
        let target = options.resolve().expect("valid").0;
        let Servers::One(address) = target.servers else { panic!("{url} is no single server") };
        Dialler::new(address, target.login.family, target.login.tls.as_ref()).expect("valid")
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[tokio::test]
    async fn a_refused_connection_is_a_retryable_error_without_the_address() {
        let error = dialler("redis://127.0.0.1:1").dial(soon()).await.expect_err("nothing listens there");
        assert_eq!((error.code, error.retryable), (Code::Connection, true));
        assert_eq!(error.message, "cannot connect: connection refused");
        let error = dialler("unix:/nowhere/redis.sock").dial(soon()).await.expect_err("no such socket");
        assert_eq!(error.message, "cannot connect: entity not found");
    }

    #[tokio::test]
    async fn a_family_chooses_among_the_addresses_of_a_name() {
        let at = async |host: &str, family| resolve(host, 6379, family, soon()).await;
        assert!(at("localhost", Family::V4).await.expect("some").iter().all(SocketAddr::is_ipv4));
        assert!(at("127.0.0.1", Family::V6).await.is_ok(), "an address stands for itself");
    }

    #[tokio::test]
    async fn a_peer_that_is_silent_in_the_tls_handshake_costs_the_deadline_and_no_more() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("bound").port();
        let deadline = Instant::now() + Duration::from_secs(1);
        let error = dialler(&format!("rediss://127.0.0.1:{port}")).dial(deadline).await.expect_err("silent");
        assert_eq!(error.message, "TLS failed: timed out");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_plain_socket_leaves_the_runtime_tuned() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("bound").port();
        let stream = dialler(&format!("redis://localhost:{port}")).dial(soon()).await.expect("open");
        assert!(stream.is_plain());
        let fd: std::os::fd::OwnedFd = stream.into_plain().expect("plain").into();
        let socket = socket2::Socket::from(fd);
        assert!(socket.tcp_nodelay().expect("readable"));
        assert!(socket.keepalive().expect("readable"));
        assert!(socket.nonblocking().expect("readable"));
    }
}
