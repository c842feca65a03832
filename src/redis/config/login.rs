//! As whom a server is spoken to.

use super::encryption::Tls;
use crate::redis::advice::Credentials;
use crate::redis::secret::Secret;

/// As whom a server is spoken to, and in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Login {
    /// Which addresses of a host name are tried.
    pub family: Family,
    /// Whether READONLY is sent, so that a replica of a cluster answers reads. A server without a cluster ignores it.
    pub read_only: bool,
    /// TLS, when the connection is to be encrypted.
    pub tls: Option<Tls>,
    /// ACL user; absent means the default user.
    pub username: Option<String>,
    /// Password; absent means none is sent.
    pub password: Option<Secret>,
    /// Database number.
    pub db: u32,
    /// The protocol that the caller insists on.
    pub protocol: Option<Protocol>,
    /// What `CLIENT LIST` shows.
    pub client_name: Option<String>,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Whatever the name resolves to.
    #[default]
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A version of the Redis protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RESP2: flat replies.
    Resp2,
    /// RESP3: maps, sets and pushes.
    Resp3,
}

impl Login {
    /// The same, for somebody else.
    #[must_use]
    pub fn seen_by(&self, Credentials { username, password }: Credentials) -> Self {
        Self { username, password, ..self.clone() }
    }

    /// What the owner of the process should be told, if anything.
    pub(super) const fn warning(&self, remote: bool) -> Option<&'static str> {
        match &self.tls {
            Some(tls) if tls.accept_invalid_certificates => {
                Some("tls.dangerouslyAcceptInvalidCertificates is on: the server is not verified")
            }
            None if remote && self.password.is_some() => {
                Some("the password is sent to another host without TLS; use a rediss:// URL or tls: true")
            }
            _ => None,
        }
    }
}
