//! TLS settings: what the caller gave, and what it comes to.

use super::wrong;
use crate::error::Error;
use crate::redis::secret::Secret;

/// The caller's TLS settings, unchecked.
#[derive(Clone, Debug, Default)]
pub struct RawTls {
    /// Certificates to trust, in PEM.
    pub ca: Option<Vec<u8>>,
    /// Our certificate chain, in PEM.
    pub cert: Option<Vec<u8>>,
    /// The private key of `cert`, in PEM, not encrypted.
    pub key: Option<Secret>,
    /// The name the server's certificate must carry; the dialled host by default.
    pub servername: Option<String>,
    /// Only `true` is accepted: see [`RawTls::dangerously_accept_invalid_certificates`].
    pub reject_unauthorized: Option<bool>,
    /// Accepts any certificate, so that anybody on the way can read and change everything.
    pub dangerously_accept_invalid_certificates: Option<bool>,
    /// That of another client of this process, which connects without verification already: nothing is weakened.
    pub as_another_client: Option<bool>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub min_version: Option<String>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub max_version: Option<String>,
    /// Application protocols to offer.
    pub alpn_protocols: Option<Vec<String>>,
}

/// Checked TLS settings; the PEM texts are decoded when the dialler is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Certificates to trust instead of the built-in and the system's, in PEM.
    pub ca: Option<Vec<u8>>,
    /// Our certificate chain and its private key, in PEM.
    pub identity: Option<(Vec<u8>, Secret)>,
    /// The name to verify instead of the dialled host.
    pub servername: Option<String>,
    /// Whether any certificate is accepted.
    pub accept_invalid_certificates: bool,
    /// Versions that are offered: from 1.2 to 1.3 by default.
    pub versions: (TlsVersion, TlsVersion),
    /// Application protocols that are offered.
    pub alpn_protocols: Vec<String>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

impl RawTls {
    /// # Errors
    /// [`Code::Config`](crate::error::Code::Config) naming the option at fault.
    pub(super) fn resolve(self) -> Result<Tls, Error> {
        let accept_invalid_certificates = self.dangerously_accept_invalid_certificates == Some(true);
        if self.reject_unauthorized == Some(false) && !accept_invalid_certificates {
            return Err(wrong(
                "tls.rejectUnauthorized",
                "cannot be switched off; give tls.ca, or say tls.dangerouslyAcceptInvalidCertificates",
            ));
        }
        if accept_invalid_certificates && self.as_another_client != Some(true) {
            let env = |name| std::env::var(name).ok();
            allow_invalid_certificates(env("NODE_ENV").as_deref(), env(REPEATED_IN_ENV).as_deref())?;
        }
        let identity = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return Err(wrong("tls.key", "is missing beside tls.cert")),
            (None, Some(_)) => return Err(wrong("tls.cert", "is missing beside tls.key")),
        };
        let servername = self.servername.filter(|name| !name.is_empty());
        let default = Tls::default();
        let lowest = tls_version("tls.minVersion", self.min_version.as_deref(), default.versions.0)?;
        let highest = tls_version("tls.maxVersion", self.max_version.as_deref(), default.versions.1)?;
        if lowest > highest {
            return Err(wrong("tls.minVersion", "is above tls.maxVersion"));
        }
        Ok(Tls {
            ca: self.ca,
            identity,
            servername,
            accept_invalid_certificates,
            versions: (lowest, highest),
            alpn_protocols: self.alpn_protocols.unwrap_or_default(),
        })
    }
}

fn tls_version(path: &str, text: Option<&str>, default: TlsVersion) -> Result<TlsVersion, Error> {
    match text {
        None => Ok(default),
        Some("TLSv1.2") => Ok(TlsVersion::V12),
        Some("TLSv1.3") => Ok(TlsVersion::V13),
        Some(_) => Err(wrong(path, "must be TLSv1.2 or TLSv1.3")),
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca: None,
            identity: None,
            servername: None,
            accept_invalid_certificates: false,
            versions: (TlsVersion::V12, TlsVersion::V13),
            alpn_protocols: Vec::new(),
        }
    }
}

/// In production, switching verification off in the code alone is not enough.
const REPEATED_IN_ENV: &str = "FERRODIS_ACCEPT_INVALID_CERTIFICATES";

fn allow_invalid_certificates(node_env: Option<&str>, repeated: Option<&str>) -> Result<(), Error> {
    if node_env == Some("production") && repeated != Some("1") {
        return Err(wrong(
            "tls.dangerouslyAcceptInvalidCertificates",
            "needs FERRODIS_ACCEPT_INVALID_CERTIFICATES=1 in the environment when NODE_ENV is production",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tls: RawTls) -> String {
        tls.resolve().expect_err("refused").message
    }

    #[test]
    fn verification_is_not_switched_off_by_habit() {
        let tls = RawTls { reject_unauthorized: Some(false), ..RawTls::default() };
        assert!(message(tls).starts_with("tls.rejectUnauthorized: "));
        assert!(allow_invalid_certificates(Some("production"), None).is_err());
        assert!(allow_invalid_certificates(Some("production"), Some("1")).is_ok());
        assert!(allow_invalid_certificates(None, None).is_ok());
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let tls = RawTls { cert: Some(b"PEM".to_vec()), ..RawTls::default() };
        assert_eq!(message(tls), "tls.key: is missing beside tls.cert");
    }

    #[test]
    fn versions_are_a_range() {
        let between = |min: &str, max: &str| RawTls {
            min_version: Some(min.into()),
            max_version: Some(max.into()),
            ..RawTls::default()
        };
        let only = between("TLSv1.3", "TLSv1.3").resolve().expect("valid").versions;
        assert_eq!(only, (TlsVersion::V13, TlsVersion::V13));
        assert_eq!(RawTls::default().resolve().expect("valid"), Tls::default());
        assert_eq!(message(between("TLSv1.3", "TLSv1.2")), "tls.minVersion: is above tls.maxVersion");
        assert_eq!(message(between("TLSv1.1", "TLSv1.2")), "tls.minVersion: must be TLSv1.2 or TLSv1.3");
    }
}
