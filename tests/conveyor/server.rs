//! A Redis or Valkey server of our own for one test, on a free port and without persistence.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::port::free_port;

/// A running server; it ends when this is dropped.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts the server that `REDIS_SERVER_BIN` names, else the first of `redis-server` and `valkey-server` on `PATH`.
    pub fn start() -> Self {
        let binary = binary().expect("a test needs redis-server or valkey-server: set REDIS_SERVER_BIN");
        let port = free_port();
        let child = Command::new(binary)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the server does not answer");
            assert_eq!(server.child.try_wait().unwrap(), None, "the server ended");
            thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// A new connection.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> Option<PathBuf> {
    let named = env::var_os("REDIS_SERVER_BIN").map(PathBuf::from);
    named.or_else(|| {
        let path = env::var_os("PATH")?;
        let found =
            |name: &str| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
        found("redis-server").or_else(|| found("valkey-server"))
    })
}
