//! Which servers the options name: one by its address, or the master that sentinels know.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use super::{Login, whole, wrong};
use crate::error::Error;

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 6379;
pub(in crate::redis) const SENTINEL_PORT: u16 = 26379;

/// The servers of a target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Servers {
    /// One address.
    One(Address),
    /// Whichever server is the master at the time.
    Sentinel(Box<Sentinels>),
    /// The nodes of a cluster, each for its keys.
    Cluster(Cluster),
}

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A TCP port; the host is resolved anew for every connection.
    Tcp {
        /// Name or address, IPv6 without brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// A unix socket.
    Unix(PathBuf),
}

/// Sentinels, and what to ask them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sentinels {
    /// Where they are, in the order in which they are asked.
    pub addresses: Vec<Address>,
    /// The name by which they know the master.
    pub name: String,
    /// As whom they are spoken to.
    pub login: Login,
    /// Where to dial instead, for addresses that only hold in the servers' own network.
    pub nat_map: BTreeMap<Address, Address>,
}

/// A Redis Cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Nodes that are asked for the others.
    pub nodes: Vec<Address>,
    /// Where to dial instead, for addresses that only hold in the servers' own network.
    pub nat_map: BTreeMap<Address, Address>,
}

/// A host and port as the caller gave them.
#[derive(Clone, Debug, Default)]
pub struct RawAddress {
    /// Name or address.
    pub host: Option<String>,
    /// TCP port.
    pub port: Option<f64>,
}

/// All that says which servers are meant.
pub(super) struct Given {
    pub host: Option<String>,
    pub port: Option<f64>,
    pub path: Option<String>,
    pub url: Option<Servers>,
    pub sentinels: Option<Vec<RawAddress>>,
    pub sentinel_name: Option<String>,
    pub sentinel_login: Login,
    pub cluster: Option<Vec<RawAddress>>,
    pub nat_map: Option<Vec<(String, RawAddress)>>,
}

impl Given {
    /// # Errors
    /// [`Code::Config`](crate::error::Code::Config) naming the option at fault.
    pub fn resolve(self) -> Result<Servers, Error> {
        let placed = self.host.is_some() || self.port.is_some() || self.path.is_some();
        if self.url.is_some() && placed {
            return Err(wrong("url", "cannot be combined with host, port or path"));
        }
        if let Some(nodes) = self.cluster {
            if placed || self.url.is_some() || self.sentinels.is_some() || self.sentinel_name.is_some() {
                return Err(wrong(
                    "cluster",
                    "cannot be combined with url, host, port, path or a sentinel option",
                ));
            }
            let nodes = addresses("cluster", nodes, DEFAULT_PORT)?;
            return Ok(Servers::Cluster(Cluster {
                nodes,
                nat_map: nat_map(self.nat_map.unwrap_or_default())?,
            }));
        }
        let name = self.sentinel_name.filter(|name| !name.is_empty());
        let mut sentinels = match (self.sentinels, self.url) {
            (Some(_), Some(_)) => return Err(wrong("sentinels", "cannot be combined with url")),
            (Some(_), None) if placed => {
                return Err(wrong("sentinels", "cannot be combined with host, port or path"));
            }
            (Some(given), None) => {
                let name = name.ok_or_else(|| wrong("sentinelName", "is missing beside sentinels"))?;
                Sentinels::named(name, addresses("sentinels", given, SENTINEL_PORT)?)
            }
            (None, Some(Servers::Sentinel(sentinels))) => {
                Sentinels { name: name.unwrap_or(sentinels.name), ..*sentinels }
            }
            (None, url) => {
                let login = &self.sentinel_login;
                let needless = [
                    ("sentinelName", name.is_some()),
                    ("sentinelUsername", login.username.is_some()),
                    ("sentinelPassword", login.password.is_some()),
                    ("sentinelTls", login.tls.is_some()),
                    ("natMap", self.nat_map.is_some()),
                ];
                if let Some((option, _)) = needless.into_iter().find(|(_, given)| *given) {
                    let problem =
                        if option == "natMap" { "needs sentinels or cluster" } else { "needs sentinels" };
                    return Err(wrong(option, problem));
                }
                return url.map_or_else(|| one(self.host, self.port, self.path).map(Servers::One), Ok);
            }
        };
        sentinels.login = self.sentinel_login;
        sentinels.nat_map = nat_map(self.nat_map.unwrap_or_default())?;
        Ok(Servers::Sentinel(Box::new(sentinels)))
    }
}

impl Servers {
    /// Whether passwords leave this machine.
    pub(super) fn is_remote(&self) -> bool {
        match self {
            Self::One(address) => address.is_remote(),
            Self::Sentinel(sentinels) => sentinels.addresses.iter().any(Address::is_remote),
            Self::Cluster(cluster) => cluster.nodes.iter().any(Address::is_remote),
        }
    }
}

impl Address {
    fn is_remote(&self) -> bool {
        match self {
            Self::Unix(_) => false,
            Self::Tcp { host, .. } => {
                host != "localhost" && !host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        }
    }
}

impl Sentinels {
    /// The name and addresses that a URL gives.
    pub(in crate::redis) fn named(name: String, addresses: Vec<Address>) -> Self {
        Self { addresses, name, login: Login::default(), nat_map: BTreeMap::new() }
    }
}

fn one(host: Option<String>, port: Option<f64>, path: Option<String>) -> Result<Address, Error> {
    match path.filter(|path| !path.is_empty()) {
        Some(path) if path.contains('\0') => Err(wrong("path", "must not contain a NUL")),
        Some(path) => Ok(Address::Unix(path.into())),
        None => tcp(host, port.map(|port| whole("port", port, 1.0, 65535.0)).transpose()?),
    }
}

fn addresses(option: &str, given: Vec<RawAddress>, default_port: u16) -> Result<Vec<Address>, Error> {
    if given.is_empty() {
        return Err(wrong(option, "must name at least one"));
    }
    given.into_iter().map(|raw| raw.resolve(option, default_port)).collect()
}

fn nat_map(given: Vec<(String, RawAddress)>) -> Result<BTreeMap<Address, Address>, Error> {
    given.into_iter().map(|(from, to)| Ok((known_as(&from)?, to.resolve("natMap", DEFAULT_PORT)?))).collect()
}

/// The address that a key of `natMap` means: `host:port`, where an IPv6 host may be bare or in brackets.
fn known_as(text: &str) -> Result<Address, Error> {
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parts
        .filter(|(host, port)| !host.is_empty() && *port != 0)
        .ok_or_else(|| wrong("natMap", "has a key that is not host:port"))?;
    tcp(Some(host.to_owned()), Some(port)).map_err(|_| wrong("natMap", "has a key that is not host:port"))
}

impl RawAddress {
    fn resolve(self, option: &str, default_port: u16) -> Result<Address, Error> {
        let port = match self.port {
            Some(port) => whole(&format!("{option}.port"), port, 1.0, 65535.0)?,
            None => default_port,
        };
        tcp(self.host, Some(port))
            .map_err(|_| wrong(&format!("{option}.host"), "is not a host name or address"))
    }
}

/// A TCP address with the defaults filled in.
pub(in crate::redis) fn tcp(host: Option<String>, port: Option<u16>) -> Result<Address, Error> {
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| DEFAULT_HOST.into());
    if host.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b' ' | b'/' | b'@')) {
        return Err(wrong("host", "is not a host name or address"));
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Ok(Address::Tcp { host: bare.unwrap_or(&host).to_owned(), port: port.unwrap_or(DEFAULT_PORT) })
}

/// An error about `tls` or a part of it, when the settings are those of the sentinels.
pub(in crate::redis) fn of_sentinels(mut error: Error) -> Error {
    if let Some(part) = error.message.strip_prefix("tls") {
        error.message = format!("sentinelTls{part}");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{RawOptions, RawTls, Secret};

    fn at(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.into(), port }
    }

    fn raw(host: &str, port: impl Into<Option<f64>>) -> RawAddress {
        RawAddress { host: Some(host.into()), port: port.into() }
    }

    fn three() -> RawOptions {
        RawOptions {
            sentinels: Some(vec![raw("s1", None), raw("s2", 5000.0), raw("[::1]", None)]),
            sentinel_name: Some("orders".into()),
            ..RawOptions::default()
        }
    }

    fn sentinels(options: RawOptions) -> Sentinels {
        match options.resolve().expect("valid").0.servers {
            Servers::Sentinel(sentinels) => *sentinels,
            other => panic!("no sentinels: {other:?}"),
        }
    }

    fn message(options: RawOptions) -> String {
        options.resolve().expect_err("refused").message
    }

    #[test]
    fn sentinels_and_where_they_send_us() {
        let nat_map = vec![
            ("10.0.0.1:6379".to_owned(), raw("outside", 7001.0)),
            ("[fe80::1]:6380".to_owned(), raw("h", None)),
        ];
        let found = sentinels(RawOptions { nat_map: Some(nat_map), ..three() });
        assert_eq!(found.addresses, [at("s1", 26379), at("s2", 5000), at("::1", 26379)]);
        assert_eq!(found.name, "orders");
        assert_eq!(found.nat_map.get(&at("10.0.0.1", 6379)), Some(&at("outside", 7001)));
        assert_eq!(found.nat_map.get(&at("fe80::1", 6380)), Some(&at("h", 6379)));
    }

    #[test]
    fn the_sentinels_have_credentials_of_their_own() {
        let options = RawOptions { password: Some(Secret::from("data".to_owned())), ..three() };
        assert_eq!(sentinels(options).login, Login::default(), "the data password stays with the data");
        let options = RawOptions {
            sentinel_username: Some("watcher".into()),
            sentinel_password: Some(Secret::from("asks".to_owned())),
            db: Some(3.0),
            ..three()
        };
        let login = sentinels(options).login;
        assert_eq!((login.username.as_deref(), login.db), (Some("watcher"), 0));
    }

    #[test]
    fn a_cluster_is_known_by_some_of_its_nodes() {
        let nodes =
            || RawOptions { cluster: Some(vec![raw("a", None), raw("b", 7001.0)]), ..RawOptions::default() };
        let nat_map = Some(vec![("10.0.0.1:6379".to_owned(), raw("outside", 7001.0))]);
        let target = RawOptions { nat_map, ..nodes() }.resolve().expect("valid").0;
        assert!(!target.is_for_loop_lane());
        let Servers::Cluster(cluster) = target.servers else { panic!("no cluster") };
        assert_eq!(cluster.nodes, [at("a", 6379), at("b", 7001)]);
        assert_eq!(cluster.nat_map.len(), 1);
        assert_eq!(message(RawOptions { db: Some(1.0), ..nodes() }), "db: must be 0 in a cluster");
        assert!(message(RawOptions { host: Some("h".into()), ..nodes() }).starts_with("cluster: "));
        assert!(message(RawOptions { cluster: nodes().cluster, ..three() }).starts_with("cluster: "));
        assert_eq!(
            message(RawOptions { cluster: Some(vec![]), ..nodes() }),
            "cluster: must name at least one"
        );
    }

    #[test]
    fn errors_name_the_option() {
        let nameless = RawOptions { sentinel_name: None, ..three() };
        assert_eq!(message(nameless), "sentinelName: is missing beside sentinels");
        assert_eq!(
            message(RawOptions { sentinels: Some(vec![]), ..three() }),
            "sentinels: must name at least one"
        );
        assert!(message(RawOptions { host: Some("h".into()), ..three() }).starts_with("sentinels: "));
        let url = Some(Secret::from("redis://h".to_owned()));
        assert!(message(RawOptions { url, ..three() }).starts_with("sentinels: "));
        let alone = RawOptions { sentinel_name: Some("orders".into()), ..RawOptions::default() };
        assert_eq!(message(alone), "sentinelName: needs sentinels");
        let alone = RawOptions { sentinel_tls: Some(RawTls::default()), ..RawOptions::default() };
        assert_eq!(message(alone), "sentinelTls: needs sentinels");
        let port = RawOptions { sentinels: Some(vec![raw("s1", 0.5)]), ..three() };
        assert_eq!(message(port), "sentinels.port: must be a whole number from 1 to 65535");
        let map = RawOptions { nat_map: Some(vec![("h".into(), raw("h", None))]), ..three() };
        assert_eq!(message(map), "natMap: has a key that is not host:port");
        let tls = RawTls { cert: Some(b"PEM".to_vec()), ..RawTls::default() };
        let tls = RawOptions { sentinel_tls: Some(tls), ..three() };
        assert_eq!(message(tls), "sentinelTls.key: is missing beside tls.cert");
    }
}
