//! Connection options as they cross, field for field as `ts/options.ts` checks and sends them.

use std::collections::HashMap;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::redis::{RawAddress, RawOptions, RawTls, Secret};

/// Connection options. Times are in milliseconds, sizes in bytes; what is absent has the default that
/// `ConnectionOptions` documents.
#[napi(object)]
pub struct NativeOptions {
    /// A `redis:`, `rediss:`, `unix:` or `redis+sentinel:` URL, or the like of `valkey`.
    pub url: Option<String>,
    /// Host name or address.
    pub host: Option<String>,
    /// TCP port.
    pub port: Option<f64>,
    /// Path of a unix socket.
    pub path: Option<String>,
    /// ACL user.
    pub username: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Database number.
    pub db: Option<f64>,
    /// TLS settings; present means on.
    pub tls: Option<NativeTls>,
    /// 4 or 6, or 0 for any.
    pub family: Option<f64>,
    /// Whether a replica of a cluster may answer reads.
    pub read_only: Option<bool>,
    /// 2 or 3.
    pub protocol: Option<f64>,
    /// What `CLIENT LIST` shows.
    pub client_name: Option<String>,
    /// For connecting.
    pub connect_timeout: Option<f64>,
    /// For a call.
    pub call_timeout: Option<f64>,
    /// For a bulk or listing call.
    pub bulk_timeout: Option<f64>,
    /// Calls that may be pending.
    pub max_in_flight: Option<f64>,
    /// Bytes that may wait.
    pub max_queued_bytes: Option<f64>,
    /// Bytes of one reply.
    pub max_reply_bytes: Option<f64>,
    /// Reject instead of waiting.
    pub fail_fast: Option<bool>,
    /// `auto`, `loop` or `runtime`.
    pub lane: Option<String>,
    /// Sentinels to ask for the server.
    pub sentinels: Option<Vec<NativeAddress>>,
    /// The master's name.
    pub sentinel_name: Option<String>,
    /// ACL user of the sentinels.
    pub sentinel_username: Option<String>,
    /// Password of the sentinels.
    pub sentinel_password: Option<String>,
    /// TLS settings for the sentinels; present means on.
    pub sentinel_tls: Option<NativeTls>,
    /// Nodes of a cluster.
    pub cluster: Option<Vec<NativeAddress>>,
    /// Where to dial for a `host:port` that the servers name.
    pub nat_map: Option<HashMap<String, NativeAddress>>,
}

/// A host and port.
#[napi(object)]
pub struct NativeAddress {
    /// Host name or address.
    pub host: Option<String>,
    /// TCP port.
    pub port: Option<f64>,
}

/// TLS settings.
#[napi(object)]
pub struct NativeTls {
    /// Trusted certificates, PEM.
    pub ca: Option<Uint8Array>,
    /// Own certificate chain, PEM.
    pub cert: Option<Uint8Array>,
    /// Own private key, PEM.
    pub key: Option<Uint8Array>,
    /// Name to verify.
    pub servername: Option<String>,
    /// Whether the server is verified.
    pub reject_unauthorized: Option<bool>,
    /// Accepts any certificate.
    pub dangerously_accept_invalid_certificates: Option<bool>,
    /// Because another client of the process does.
    pub as_another_client: Option<bool>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub min_version: Option<String>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub max_version: Option<String>,
    /// Application protocols.
    #[napi(js_name = "ALPNProtocols")]
    pub alpn_protocols: Option<Vec<String>>,
}

impl From<NativeOptions> for RawOptions {
    fn from(options: NativeOptions) -> Self {
        Self {
            url: options.url.map(Secret::from),
            host: options.host,
            port: options.port,
            path: options.path,
            username: options.username,
            password: options.password.map(Secret::from),
            db: options.db,
            tls: options.tls.map(RawTls::from),
            family: options.family,
            read_only: options.read_only,
            protocol: options.protocol,
            client_name: options.client_name,
            connect_timeout: options.connect_timeout,
            call_timeout: options.call_timeout,
            bulk_timeout: options.bulk_timeout,
            max_in_flight: options.max_in_flight,
            max_queued_bytes: options.max_queued_bytes,
            max_reply_bytes: options.max_reply_bytes,
            fail_fast: options.fail_fast,
            lane: options.lane,
            sentinels: options.sentinels.map(|list| list.into_iter().map(RawAddress::from).collect()),
            sentinel_name: options.sentinel_name,
            sentinel_username: options.sentinel_username,
            sentinel_password: options.sentinel_password.map(Secret::from),
            sentinel_tls: options.sentinel_tls.map(RawTls::from),
            cluster: options.cluster.map(|list| list.into_iter().map(RawAddress::from).collect()),
            nat_map: options
                .nat_map
                .map(|map| map.into_iter().map(|(from, to)| (from, RawAddress::from(to))).collect()),
        }
    }
}

impl From<NativeAddress> for RawAddress {
    fn from(address: NativeAddress) -> Self {
        Self { host: address.host, port: address.port }
    }
}

impl From<NativeTls> for RawTls {
    fn from(tls: NativeTls) -> Self {
        let bytes = |pem: Option<Uint8Array>| pem.map(|pem| pem.to_vec());
        Self {
            ca: bytes(tls.ca),
            cert: bytes(tls.cert),
            key: bytes(tls.key).map(Secret::from),
            servername: tls.servername,
            reject_unauthorized: tls.reject_unauthorized,
            dangerously_accept_invalid_certificates: tls.dangerously_accept_invalid_certificates,
            as_another_client: tls.as_another_client,
            min_version: tls.min_version,
            max_version: tls.max_version,
            alpn_protocols: tls.alpn_protocols,
        }
    }
}
