//! From the options a caller gives to a [`Target`] (where, and as whom) and a [`Config`] (how).
//!
//! Errors name the path of the option, as in `tls.ca`, and never show a value.

mod encryption;
mod login;
mod servers;

use std::time::Duration;

pub use self::encryption::{RawTls, Tls, TlsVersion};
pub use self::login::{Family, Login, Protocol};
pub use self::servers::{Address, Cluster, RawAddress, Sentinels, Servers};
pub(super) use self::servers::{SENTINEL_PORT, of_sentinels, tcp};
use super::secret::Secret;
use super::url;
use crate::error::{Code, Error};

const MIB: f64 = 1024.0 * 1024.0;
/// No option may ask for a longer wait: one day.
const LONGEST_WAIT: f64 = 86_400_000.0;

/// What the caller gave, unchecked. Times are in milliseconds, sizes in bytes.
#[derive(Clone, Debug, Default)]
pub struct RawOptions {
    /// A `redis:`, `rediss:`, `valkey:`, `valkeys:`, `unix:` or `redis+sentinel:` URL, or one of their variants.
    pub url: Option<Secret>,
    /// Host name or address; `localhost` by default.
    pub host: Option<String>,
    /// TCP port; 6379 by default.
    pub port: Option<f64>,
    /// Path of a unix socket, instead of host and port.
    pub path: Option<String>,
    /// ACL user. Empty counts as absent.
    pub username: Option<String>,
    /// Password. Empty counts as absent.
    pub password: Option<Secret>,
    /// Database number; 0 by default.
    pub db: Option<f64>,
    /// 4 or 6: addresses of this family only; 0 for any.
    pub family: Option<f64>,
    /// Whether a replica of a cluster may answer reads.
    pub read_only: Option<bool>,
    /// TLS settings; all absent still means that TLS is on.
    pub tls: Option<RawTls>,
    /// 2 or 3.
    pub protocol: Option<f64>,
    /// What `CLIENT LIST` shows.
    pub client_name: Option<String>,
    /// See [`Config::connect_timeout`].
    pub connect_timeout: Option<f64>,
    /// See [`Config::call_deadline`].
    pub call_timeout: Option<f64>,
    /// See [`Config::bulk_deadline`].
    pub bulk_timeout: Option<f64>,
    /// See [`Config::max_in_flight`].
    pub max_in_flight: Option<f64>,
    /// See [`Config::max_queued_bytes`].
    pub max_queued_bytes: Option<f64>,
    /// See [`Config::max_reply_bytes`].
    pub max_reply_bytes: Option<f64>,
    /// See [`Config::fail_fast`].
    pub fail_fast: Option<bool>,
    /// `auto`, `loop` or `runtime`.
    pub lane: Option<String>,
    /// Sentinels to ask for the server, instead of its address; port 26379 by default.
    pub sentinels: Option<Vec<RawAddress>>,
    /// The name by which the sentinels know the master.
    pub sentinel_name: Option<String>,
    /// ACL user of the sentinels.
    pub sentinel_username: Option<String>,
    /// Password of the sentinels.
    pub sentinel_password: Option<Secret>,
    /// TLS settings of the connections to the sentinels.
    pub sentinel_tls: Option<RawTls>,
    /// Nodes of a cluster to begin with, instead of the server's address; port 6379 by default.
    pub cluster: Option<Vec<RawAddress>>,
    /// Where to dial instead, for a `host:port` that the sentinels or the cluster name.
    pub nat_map: Option<Vec<(String, RawAddress)>>,
}

/// Where a connection goes and as whom. Two equal targets can share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The server, or who knows it.
    pub servers: Servers,
    /// As whom.
    pub login: Login,
}

/// Which lane carries the calls of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The loop lane wherever it can work.
    Auto,
    /// The socket on the thread of JavaScript.
    Loop,
    /// The socket on the runtime thread.
    Runtime,
}

/// How a connection behaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// For name resolution, connecting, TLS and handshake together; 5 s by default.
    pub connect_timeout: Duration,
    /// For one call; 10 s by default.
    pub call_deadline: Duration,
    /// For one bulk or listing call; 30 s by default.
    pub bulk_deadline: Duration,
    /// Calls written and not yet answered; 16384 by default.
    pub max_in_flight: usize,
    /// Bytes of calls that wait; 64 MiB by default.
    pub max_queued_bytes: usize,
    /// Bytes of one reply; 64 MiB by default, at most 512 MiB.
    pub max_reply_bytes: usize,
    /// Whether a call beyond the limits, or without a connection, is rejected at once instead of waiting.
    pub fail_fast: bool,
    /// Which lane to use.
    pub lane: Lane,
    /// Pause between the heartbeats of a subscriber; 5 s. Two in a row without a sign of life end the connection.
    pub heartbeat: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            call_deadline: Duration::from_secs(10),
            bulk_deadline: Duration::from_secs(30),
            max_in_flight: 16_384,
            max_queued_bytes: 64 << 20,
            max_reply_bytes: 64 << 20,
            fail_fast: false,
            lane: Lane::Auto,
            heartbeat: Duration::from_secs(5),
        }
    }
}

impl RawOptions {
    /// Checks the options and fills in the defaults. An option given beside the URL goes before the
    /// URL's part, except for the address, which may be given only once.
    ///
    /// # Errors
    /// [`Code::Config`] naming the option at fault.
    pub fn resolve(self) -> Result<(Target, Config), Error> {
        let config = self.config()?;
        let url = self.url.as_ref().map(url::parse).transpose()?.unwrap_or_default();
        let protocol = match self.protocol {
            None => url.protocol,
            Some(2.0) => Some(Protocol::Resp2),
            Some(3.0) => Some(Protocol::Resp3),
            Some(_) => return Err(wrong("protocol", "must be 2 or 3")),
        };
        let db =
            self.db.map(|db| whole("db", db, 0.0, f64::from(u32::MAX))).transpose()?.or(url.db).unwrap_or(0);
        if self.client_name.as_ref().is_some_and(|name| name.bytes().any(|byte| !byte.is_ascii_graphic())) {
            return Err(wrong("clientName", "must be printable ASCII without spaces"));
        }
        let family = match self.family {
            None | Some(0.0) => Family::Any,
            Some(4.0) => Family::V4,
            Some(6.0) => Family::V6,
            Some(_) => return Err(wrong("family", "must be 0, 4 or 6")),
        };
        let tls = match self.tls {
            Some(tls) => Some(tls.resolve()?),
            None => url.tls.then(Tls::default),
        };
        let client_name = self.client_name.filter(|name| !name.is_empty());
        let given = servers::Given {
            host: self.host,
            port: self.port,
            path: self.path,
            url: url.servers,
            sentinels: self.sentinels,
            sentinel_name: self.sentinel_name,
            sentinel_login: Login {
                tls: self.sentinel_tls.map(|tls| tls.resolve().map_err(of_sentinels)).transpose()?,
                username: self.sentinel_username.filter(|name| !name.is_empty()),
                password: self.sentinel_password.filter(|password| !password.expose().is_empty()),
                client_name: client_name.clone(),
                family,
                ..Login::default()
            },
            cluster: self.cluster,
            nat_map: self.nat_map,
        };
        let servers = given.resolve()?;
        if tls.is_some() && matches!(servers, Servers::One(Address::Unix(_))) {
            return Err(wrong("tls", "does not apply to a unix socket"));
        }
        if db != 0 && matches!(servers, Servers::Cluster(_)) {
            return Err(wrong("db", "must be 0 in a cluster"));
        }
        let login = Login {
            family,
            read_only: self.read_only == Some(true),
            tls,
            username: self.username.filter(|name| !name.is_empty()).or(url.username),
            password: self.password.filter(|password| !password.expose().is_empty()).or(url.password),
            db,
            protocol,
            client_name,
        };
        Ok((Target { servers, login }, config))
    }

    fn config(&self) -> Result<Config, Error> {
        let default = Config::default();
        Ok(Config {
            connect_timeout: duration("connectTimeout", self.connect_timeout, default.connect_timeout)?,
            call_deadline: duration("callTimeout", self.call_timeout, default.call_deadline)?,
            bulk_deadline: duration("bulkTimeout", self.bulk_timeout, default.bulk_deadline)?,
            max_in_flight: size("maxInFlight", self.max_in_flight, default.max_in_flight, 1.0, 1e6)?,
            max_queued_bytes: size(
                "maxQueuedBytes",
                self.max_queued_bytes,
                default.max_queued_bytes,
                1024.0,
                2048.0 * MIB,
            )?,
            max_reply_bytes: size(
                "maxReplyBytes",
                self.max_reply_bytes,
                default.max_reply_bytes,
                1024.0,
                512.0 * MIB,
            )?,
            fail_fast: self.fail_fast.unwrap_or(default.fail_fast),
            lane: match self.lane.as_deref() {
                None | Some("auto") => Lane::Auto,
                Some("loop") => Lane::Loop,
                Some("runtime") => Lane::Runtime,
                Some(_) => return Err(wrong("lane", "must be auto, loop or runtime")),
            },
            heartbeat: default.heartbeat,
        })
    }
}

impl Target {
    /// Whether one plain socket carries all calls, so that another event loop can take it.
    #[must_use]
    pub const fn is_for_loop_lane(&self) -> bool {
        self.login.tls.is_none() && !matches!(self.servers, Servers::Cluster(_))
    }

    /// What the owner of the process should be told about this target, if anything.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        let asked = match &self.servers {
            Servers::Sentinel(sentinels) => sentinels.login.warning(self.servers.is_remote()),
            Servers::One(_) | Servers::Cluster(_) => None,
        };
        asked.or_else(|| self.login.warning(self.servers.is_remote()))
    }
}

/// An error about the option at `path`.
pub(super) fn wrong(path: &str, problem: &str) -> Error {
    Error::new(Code::Config, format!("{path}: {problem}"))
}

fn duration(path: &str, millis: Option<f64>, default: Duration) -> Result<Duration, Error> {
    match millis {
        None => Ok(default),
        Some(millis) if (1.0..=LONGEST_WAIT).contains(&millis) => {
            Ok(Duration::from_secs_f64(millis / 1000.0))
        }
        Some(_) => Err(wrong(path, "must be milliseconds from 1 to 86400000")),
    }
}

fn size(path: &str, value: Option<f64>, default: usize, min: f64, max: f64) -> Result<usize, Error> {
    value.map_or(Ok(default), |value| whole(path, value, min, max))
}

/// A whole number of the given range.
fn whole<T: TryFrom<u64>>(path: &str, value: f64, min: f64, max: f64) -> Result<T, Error> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "guarded: a whole number of a range that lies within u64"
    )]
    let fits = ((min..=max).contains(&value) && value.fract() == 0.0).then_some(value as u64);
    fits.and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| wrong(path, &format!("must be a whole number from {min} to {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_url(url: &str) -> RawOptions {
        RawOptions { url: Some(Secret::from(url.to_owned())), ..RawOptions::default() }
    }

    fn message(options: RawOptions) -> String {
        let error = options.resolve().expect_err("refused");
        assert_eq!(error.code, Code::Config);
        error.message
    }

    #[test]
    fn nothing_given_means_the_local_server() {
        let (target, config) = RawOptions::default().resolve().expect("defaults");
        assert_eq!(target.servers, Servers::One(Address::Tcp { host: "localhost".into(), port: 6379 }));
        assert_eq!(target.login, Login::default());
        assert_eq!(config, Config::default());
        assert_eq!(config.call_deadline, Duration::from_secs(10));
    }

    #[test]
    fn options_go_before_the_parts_of_the_url() {
        let options = RawOptions {
            username: Some("ann".into()),
            password: Some(Secret::from("p2".to_owned())),
            db: Some(5.0),
            ..from_url("rediss://bob:p1@cache.example:7000/2")
        };
        let login = options.resolve().expect("valid").0.login;
        assert_eq!(login.username.as_deref(), Some("ann"));
        assert_eq!(login.password.as_ref().map(Secret::expose), Some(&b"p2"[..]));
        assert_eq!(login.db, 5);
        assert_eq!(login.tls, Some(Tls::default()), "rediss stays encrypted");
    }

    #[test]
    fn errors_name_the_option_and_show_no_value() {
        let port = RawOptions { port: Some(70_000.5), ..RawOptions::default() };
        assert_eq!(message(port), "port: must be a whole number from 1 to 65535");
        let db = RawOptions { db: Some(-1.0), ..RawOptions::default() };
        assert!(message(db).starts_with("db: "));
        let nan = RawOptions { call_timeout: Some(f64::NAN), ..RawOptions::default() };
        assert!(message(nan).starts_with("callTimeout: "));
        let both = RawOptions { host: Some("h".into()), ..from_url("redis://h") };
        assert!(message(both).starts_with("url: "));
        let lane = RawOptions { lane: Some("fast".into()), ..RawOptions::default() };
        assert_eq!(message(lane), "lane: must be auto, loop or runtime");
    }

    #[test]
    fn printing_shows_no_secret() {
        let options = RawOptions {
            password: Some(Secret::from("s3cret".to_owned())),
            tls: Some(RawTls {
                cert: Some(b"PEM".to_vec()),
                key: Some(Secret::from("s3cret".to_owned())),
                ..RawTls::default()
            }),
            ..from_url("redis://:s3cret@10.1.2.3")
        };
        assert!(!format!("{options:?}").contains("s3cret"));
        let (target, _) = options.resolve().expect("valid");
        assert!(!format!("{target:?}").contains("s3cret"));
    }

    #[test]
    fn a_password_in_the_clear_is_pointed_out() {
        let warns = |url: &str| from_url(url).resolve().expect("valid").0.warning().is_some();
        assert!(warns("redis://:p@10.0.0.9"));
        assert!(!warns("redis://:p@127.0.0.1"));
        assert!(!warns("redis://:p@[::1]"));
        assert!(!warns("rediss://:p@10.0.0.9"));
        assert!(!warns("redis://10.0.0.9"));
    }
}
