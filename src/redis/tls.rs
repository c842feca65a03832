//! TLS for the runtime lane: rustls with the `ring` provider, TLS 1.2 or newer, names always verified
//! unless the caller has said the loud option.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::config::{Tls, TlsVersion, wrong};
use crate::error::Error;

/// Decodes the settings. Done once for each target, so that a wrong PEM is reported before anything is dialled.
///
/// # Errors
/// [`Code::Config`](crate::error::Code::Config) naming the option that cannot be used.
pub(super) fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let (lowest, highest) = tls.versions;
    let offered: Vec<_> = [(TlsVersion::V12, &TLS12), (TlsVersion::V13, &TLS13)]
        .into_iter()
        .filter_map(|(version, offer)| (lowest..=highest).contains(&version).then_some(offer))
        .collect();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&offered)
        .map_err(|_| wrong("tls", "is not available"))?;
    let builder = if tls.accept_invalid_certificates {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
    } else {
        builder.with_root_certificates(roots(tls.ca.as_deref())?)
    };
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates("tls.cert", cert)?;
            let key = PrivateKeyDer::from_pem_slice(key.expose())
                .map_err(|_| wrong("tls.key", "holds no unencrypted private key in PEM"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|_| wrong("tls.key", "does not fit tls.cert, or is of a kind that cannot be used"))?
        }
    };
    config.alpn_protocols = tls.alpn_protocols.iter().map(|name| name.clone().into_bytes()).collect();
    Ok(Arc::new(config))
}

/// The name that the server's certificate must carry.
///
/// # Errors
/// [`Code::Config`](crate::error::Code::Config) when it is neither a DNS name nor an IP address.
pub(super) fn server_name(chosen: Option<&str>, host: &str) -> Result<ServerName<'static>, Error> {
    let (path, name) = chosen.map_or(("host", host), |name| ("tls.servername", name));
    ServerName::try_from(name.to_owned()).map_err(|_| wrong(path, "is neither a DNS name nor an IP address"))
}

fn roots(ca: Option<&[u8]>) -> Result<Arc<RootCertStore>, Error> {
    /// Reading the system's store takes milliseconds and its content is the same for every target.
    static COMMON: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let Some(ca) = ca else { return Ok(Arc::clone(COMMON.get_or_init(|| Arc::new(common_roots())))) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls.ca", ca)? {
        roots
            .add(certificate)
            .map_err(|_| wrong("tls.ca", "holds a certificate that cannot be used as a root"))?;
    }
    Ok(Arc::new(roots))
}

/// The bundled roots, the system's, and those that Node would add. Unreadable ones are left out:
/// a system without a store is ordinary, and a server that needed them is refused by name anyway.
fn common_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = std::env::var_os("NODE_EXTRA_CA_CERTS").and_then(|path| std::fs::read(path).ok()) {
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    }
    roots
}

fn certificates(path: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| wrong(path, "holds no certificate in PEM"))
}

/// Behind `tls.dangerouslyAcceptInvalidCertificates` only. Signatures are still checked, so that at
/// least the peer holds the key of the certificate that it shows.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_pem_is_named() {
        let tls = Tls { ca: Some(b"nonsense".to_vec()), ..Tls::default() };
        assert_eq!(client_config(&tls).expect_err("refused").message, "tls.ca: holds no certificate in PEM");
        let identity = Some((b"nonsense".to_vec(), b"nonsense".to_vec().into()));
        let tls = Tls { identity, ..Tls::default() };
        assert_eq!(
            client_config(&tls).expect_err("refused").message,
            "tls.cert: holds no certificate in PEM"
        );
    }

    #[test]
    fn the_name_is_the_host_unless_told() {
        let name = |chosen| server_name(chosen, "10.0.0.1").expect("valid").to_str().into_owned();
        assert_eq!(name(None), "10.0.0.1");
        assert_eq!(name(Some("cache.example")), "cache.example");
        assert!(server_name(Some("no name"), "h").is_err());
    }
}
