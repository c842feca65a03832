//! From options to a connection, against a real server.

#![cfg(unix)]

mod support;

use std::time::Duration;

use ferrodis::error::Code;
use ferrodis::redis::{
    Config, Link, PlainSocket, Protocol, RawOptions, RawTls, Secret, Subscriber, SubscriberEvent,
};
use support::{Server, ask, connect, options, topology};

#[tokio::test]
async fn credentials_name_and_database() {
    let server = Server::start(&["--requirepass", "se:cr@t"]).await;
    let mut admin = connect(options(&server.url(":se%3Acr%40t@", ""))).await.expect("the default user");
    let created = ask(&mut admin, &["ACL", "SETUSER", "ann", "on", ">pw", "~*", "+@all", "-ping"]).await;
    assert_eq!(created, "OK");

    let named = RawOptions { client_name: Some("worker-1".into()), ..options(&server.url("ann:pw@", "/3")) };
    let mut link = connect(named).await.expect("a user who may not even PING");
    assert_eq!(ask(&mut link, &["ACL", "WHOAMI"]).await, "ann");
    let info = ask(&mut link, &["CLIENT", "INFO"]).await;
    assert!(info.contains("name=worker-1") && info.contains("db=3"), "{info}");
    assert_eq!((link.facts.protocol, link.facts.is_replica), (Protocol::Resp2, Some(false)));
    assert!(link.facts.version.is_some());

    for wrong in ["", ":wrong@", "ann:wrong@", "nobody:pw@"] {
        let error = connect(options(&server.url(wrong, ""))).await.expect_err(wrong);
        assert_eq!((error.code, error.retryable), (Code::Auth, false), "{wrong}: {error}");
    }
    let error = connect(options(&server.url("ann:pw@", "/99"))).await.expect_err("no such database");
    assert_eq!(error.code, Code::Config);
    assert!(error.message.starts_with("db: "), "{error}");
}

#[tokio::test]
async fn both_protocols_and_a_server_without_hello() {
    let server = Server::start(&["--requirepass", "pw"]).await;
    let resp3 = connect(options(&server.url(":pw@", "?protocol=3"))).await.expect("RESP3");
    assert_eq!(resp3.facts.protocol, Protocol::Resp3);

    let old = Server::start(&["--requirepass", "pw", "--rename-command", "HELLO", ""]).await;
    let mut link = connect(options(&old.url(":pw@", "/2?protocol=3"))).await.expect("RESP2 instead");
    assert_eq!(link.facts.protocol, Protocol::Resp2);
    assert!(ask(&mut link, &["CLIENT", "INFO"]).await.contains("db=2"));
    let error = connect(options(&old.url(":no@", ""))).await.expect_err("refused");
    assert_eq!(error.code, Code::Auth);

    let mute = Server::start(&["--rename-command", "HELLO", "", "--rename-command", "AUTH", ""]).await;
    let error = connect(options(&mute.url(":s3cret@", ""))).await.expect_err("no way to say who we are");
    assert_eq!(error.code, Code::Auth);
    assert!(!error.message.contains("s3cret"), "the server quotes what it does not know: {error}");
}

#[tokio::test]
async fn unix_sockets_and_names_with_several_addresses() {
    let path = std::env::temp_dir().join(format!("ferrodis-{}.sock", std::process::id()));
    let server = Server::start(&["--unixsocket", path.to_str().expect("text")]).await;
    let mut link = connect(options(&format!("unix://{}?db=1", path.display()))).await.expect("by socket");
    assert!(ask(&mut link, &["CLIENT", "INFO"]).await.contains("db=1"));
    assert!(matches!(link.stream.into_plain(), Ok(PlainSocket::Unix(_))));

    // May resolve to ::1 first, where nothing listens.
    let by_name = RawOptions {
        host: Some("localhost".into()),
        port: Some(server.port.into()),
        ..RawOptions::default()
    };
    assert!(matches!(connect(by_name).await.expect("by name").stream.into_plain(), Ok(PlainSocket::Tcp(_))));
}

#[tokio::test]
async fn a_frozen_server_costs_the_connect_timeout() {
    let server = Server::start::<&str>(&[]).await;
    server.signal("STOP");
    let begun = std::time::Instant::now();
    let error = connect(options(&server.url("", ""))).await.expect_err("frozen");
    server.signal("CONT");
    assert_eq!((error.code, error.retryable), (Code::Connection, true));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn dialling_goes_on_until_the_server_is_there() {
    let mut server = Server::start::<&str>(&[]).await;
    server.kill();
    let topology = topology(options(&server.url("", ""))).expect("valid");
    let (tell, mut refused) = tokio::sync::mpsc::unbounded_channel();
    let dialling = tokio::spawn(async move {
        let tell = |_| tell.send(()).expect("the test listens");
        topology.connect_forever(ferrodis::redis::Purpose::Calls, tell).await
    });
    for _ in 0..2 {
        refused.recv().await.expect("another attempt");
    }
    server.restart().await;
    let mut link = dialling.await.expect("connected");
    assert_eq!(ask(&mut link, &["PING"]).await, "PONG");
}

/// A certificate authority, and a certificate it signed for 127.0.0.1 and a client.
struct Pems {
    ca: String,
    cert: String,
    key: String,
}

fn pems() -> Pems {
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("valid");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, "ferrodis test authority");
    let ca_pem = ca.self_signed(&ca_key).expect("signed").pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let names = vec!["127.0.0.1".into(), "cache.example".into()];
    let cert = rcgen::CertificateParams::new(names).expect("valid").signed_by(&key, &issuer).expect("signed");
    Pems { ca: ca_pem, cert: cert.pem(), key: key.serialize_pem() }
}

struct TlsServer {
    server: Server,
    pems: Pems,
}

impl TlsServer {
    /// A server that speaks TLS only and wants a client certificate, or not.
    async fn start(clients: &str) -> Self {
        let pems = pems();
        let port = support::free_port();
        let directory = std::env::temp_dir().join(format!("ferrodis-tls-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory");
        let file = |name: &str, pem: &str| {
            let path = directory.join(name);
            std::fs::write(&path, pem).expect("written");
            path.display().to_string()
        };
        let (ca, cert, key) =
            (file("ca.pem", &pems.ca), file("cert.pem", &pems.cert), file("key.pem", &pems.key));
        let tls_port = port.to_string();
        let mut server = Server::start(&[
            "--tls-port",
            &tls_port,
            "--tls-ca-cert-file",
            &ca,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-auth-clients",
            clients,
        ])
        .await;
        server.port = port;
        std::fs::remove_dir_all(&directory).ok();
        Self { server, pems }
    }

    async fn connect(&self, tls: RawTls) -> Result<Link, ferrodis::error::Error> {
        let url = format!("rediss://127.0.0.1:{}", self.server.port);
        connect(RawOptions { tls: Some(tls), ..options(&url) }).await
    }

    fn trusting(&self) -> RawTls {
        RawTls { ca: Some(self.pems.ca.clone().into_bytes()), ..RawTls::default() }
    }
}

#[tokio::test]
async fn tls_verifies_the_server() {
    let tls = TlsServer::start("no").await;
    let mut link = tls.connect(tls.trusting()).await.expect("trusted");
    assert_eq!(ask(&mut link, &["PING"]).await, "PONG");
    assert!(!link.stream.is_plain());
    assert_eq!(link.stream.into_plain().expect_err("not plain").code, Code::Unsupported);

    let named = RawTls { servername: Some("cache.example".into()), ..tls.trusting() };
    assert!(tls.connect(named).await.is_ok());
    let misnamed = RawTls { servername: Some("other.example".into()), ..tls.trusting() };
    let error = tls.connect(misnamed).await.expect_err("another name");
    assert!(error.message.contains("certificate"), "{error}");
    let error = tls.connect(RawTls::default()).await.expect_err("an unknown authority");
    assert!(error.message.contains("certificate"), "{error}");
    let stranger = RawTls { ca: Some(pems().ca.into_bytes()), ..RawTls::default() };
    assert!(tls.connect(stranger).await.is_err());
    let loud = RawTls { dangerously_accept_invalid_certificates: Some(true), ..RawTls::default() };
    assert!(tls.connect(loud).await.is_ok());
}

#[tokio::test]
async fn tls_shows_our_certificate() {
    let tls = TlsServer::start("yes").await;
    assert!(tls.connect(tls.trusting()).await.is_err(), "the server wants a certificate");
    let identified = RawTls {
        cert: Some(tls.pems.cert.clone().into_bytes()),
        key: Some(Secret::from(tls.pems.key.clone())),
        ..tls.trusting()
    };
    let mut link = tls.connect(identified).await.expect("both trusted");
    assert_eq!(ask(&mut link, &["PING"]).await, "PONG");
    let mismatch = RawTls {
        cert: Some(tls.pems.cert.clone().into_bytes()),
        key: Some(Secret::from(pems().key)),
        ..tls.trusting()
    };
    let error = tls.connect(mismatch).await.expect_err("another key");
    assert_eq!(error.code, Code::Config);
    assert!(error.message.starts_with("tls.key: "), "{error}");
}

#[tokio::test]
async fn subscriptions_work_over_tls() {
    let tls = TlsServer::start("no").await;
    let url = format!("rediss://127.0.0.1:{}", tls.server.port);
    let raw = RawOptions { tls: Some(tls.trusting()), ..options(&url) };
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let sink = move |event: SubscriberEvent<'_>| match event {
        SubscriberEvent::Ready { .. } => tell.send(0).expect("the test listens"),
        SubscriberEvent::Message { payload, .. } => tell.send(payload.len()).expect("the test listens"),
        SubscriberEvent::Drained => {}
        other => panic!("{other:?}"),
    };
    let (subscriber, task) = Subscriber::new(topology(raw).expect("valid"), &Config::default(), sink);
    tokio::spawn(task);
    subscriber.subscribe("news");
    assert_eq!(heard.recv().await, Some(0));
    let mut link = tls.connect(tls.trusting()).await.expect("trusted");
    assert_eq!(ask(&mut link, &["PUBLISH", "news", &"x".repeat(1 << 20)]).await, "1");
    assert_eq!(heard.recv().await, Some(1 << 20));
}
