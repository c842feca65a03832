//! Servers that the integration tests start for themselves.

#![allow(dead_code, reason = "each test crate uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ferrodis::error::Error;
use ferrodis::redis::{
    Config, Limits, Link, Purpose, RawOptions, Repeat, Request, Scanner, Secret, Topology, Value,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

mod port;
pub use port::free_port;

/// A Redis or Valkey of our own on a free port, gone when dropped.
pub struct Server {
    pub port: u16,
    pub directory: PathBuf,
    args: Vec<String>,
    process: Child,
}

impl Server {
    /// Starts one with further arguments, such as `["--requirepass", "secret"]`.
    pub async fn start<S: AsRef<str>>(args: &[S]) -> Self {
        let port = free_port();
        let directory = std::env::temp_dir().join(format!("ferrodis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory");
        let args = args.iter().map(|arg| arg.as_ref().to_owned()).collect::<Vec<_>>();
        let process = spawn(port, &directory, &args);
        let server = Self { port, directory, args, process };
        server.accepts().await;
        server
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// `redis://` with the given credentials, such as `user:password@`, and what follows the port.
    pub fn url(&self, credentials: &str, rest: &str) -> String {
        format!("redis://{credentials}127.0.0.1:{}{rest}", self.port)
    }

    /// Ends the process at once, as a crash does.
    pub fn kill(&mut self) {
        self.process.kill().expect("running");
        self.process.wait().expect("running");
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.process = spawn(self.port, &self.directory, &self.args);
        self.accepts().await;
    }

    /// `STOP` freezes the process, `CONT` lets it go on.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.process.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for an answer, of whatever kind: connections are taken before the server has opened all its sockets.
    async fn accepts(&self) {
        for _ in 0..1200 {
            if let Ok(mut socket) = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await {
                socket.write_all(b"PING\r\n").await.ok();
                if socket.read_u8().await.is_ok() {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the server did not start; see {}", self.path("log").display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

fn spawn(port: u16, directory: &Path, args: &[String]) -> Child {
    let from_env = std::env::var("REDIS_SERVER_BIN").ok();
    let candidates =
        from_env.as_deref().map_or_else(|| vec!["redis-server", "valkey-server"], |binary| vec![binary]);
    let log = directory.join("log");
    candidates
        .iter()
        .find_map(|binary| {
            Command::new(binary)
                .args([
                    "--port",
                    &port.to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ])
                .arg("--dir")
                .arg(directory)
                .arg("--logfile")
                .arg(&log)
                .args(args)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        })
        .expect("redis-server or valkey-server on PATH, or REDIS_SERVER_BIN")
}

/// Options from a URL.
pub fn options(url: &str) -> RawOptions {
    RawOptions { url: Some(Secret::from(url.to_owned())), ..RawOptions::default() }
}

/// A topology with a connect timeout that suits tests.
pub fn topology(options: RawOptions) -> Result<Topology, Error> {
    let (target, config) = options.resolve()?;
    Topology::new(target, &Config { connect_timeout: Duration::from_secs(5), ..config })
}

/// One attempt to connect for calls.
pub async fn connect(options: RawOptions) -> Result<Link, Error> {
    topology(options)?.connect(Purpose::Calls).await
}

/// Sends one command and returns its reply: text, a number as text, a list joined by spaces, or `-error`.
pub async fn ask(link: &mut Link, words: &[&str]) -> String {
    let mut request = Request::new(Repeat::Freely);
    let (name, args) = words.split_first().expect("a command");
    request.command(name, args.len());
    for arg in args {
        request.arg(arg.as_bytes());
    }
    link.stream.write_all(request.encoded()).await.expect("sent");
    link.stream.flush().await.expect("sent");
    let (mut bytes, mut scanner) = (Vec::new(), Scanner::new(Limits::default()));
    while scanner.scan(&bytes).expect("RESP").is_none() {
        assert_ne!(link.stream.read_buf(&mut bytes).await.expect("open"), 0, "the server hung up");
    }
    show(Value::parse(&bytes))
}

fn show(value: Value<'_>) -> String {
    match value {
        Value::Nil => "nil".into(),
        Value::Int(n) => n.to_string(),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Error(text) => format!("-{}", String::from_utf8_lossy(text)),
        Value::List(list) => list.map(show).collect::<Vec<_>>().join(" "),
    }
}
