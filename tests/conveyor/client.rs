//! Drives operations over one socket and counts what they cost: the lanes' job, without their concerns.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ferrodis::conveyor::OPERATIONS;
use ferrodis::error::Error;
use ferrodis::redis::script;
use ferrodis::redis::{Args, Frames, Limits, Repeat, Request, Run, Scanner, Series, Value};

use crate::server::Server;

/// A reply that owns its text.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Nil,
    Int(i64),
    Text(String),
    List(Vec<Self>),
}

impl Reply {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Int(n) => Self::Int(n),
            Value::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            Value::Error(text) => panic!("an error inside a reply: {}", String::from_utf8_lossy(text)),
            Value::List(list) => Self::List(list.map(Self::of).collect()),
        }
    }

    pub fn int(&self) -> i64 {
        match self {
            Self::Int(n) => *n,
            Self::Text(text) => text.parse().unwrap(),
            other => panic!("{other:?} is no integer"),
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            other => panic!("{other:?} is no list"),
        }
    }

    pub fn texts(&self) -> Vec<String> {
        self.list().iter().map(|item| item.text().to_owned()).collect()
    }
}

/// One connection with every script loaded.
pub struct Client {
    stream: TcpStream,
    scanner: Scanner,
    unread: Vec<u8>,
    /// Bursts sent since the connection was made.
    pub round_trips: usize,
}

impl Client {
    pub fn connect(server: &Server) -> Self {
        let scanner = Scanner::new(Limits::default());
        let mut client = Self { stream: server.connect(), scanner, unread: Vec::new(), round_trips: 0 };
        for script in script::ALL {
            let sha = client.command(&["SCRIPT", "LOAD", script.source]);
            assert_eq!(sha.text(), script.sha, "{}", script.name);
        }
        client
    }

    /// Sends a plain command.
    pub fn command(&mut self, words: &[&str]) -> Reply {
        self.try_command(words).unwrap()
    }

    pub fn try_command(&mut self, words: &[&str]) -> Result<Reply, Error> {
        let mut request = Request::new(Repeat::Freely);
        request.command(words[0], words.len() - 1);
        for word in &words[1..] {
            request.arg(word.as_bytes());
        }
        let frames = self.exchange(vec![request]).remove(0);
        Ok(Reply::of(frames.first()?))
    }

    /// Carries out an operation, named without its ecosystem.
    pub fn call(&mut self, operation: &str, args: Args) -> Result<Reply, Error> {
        let name = format!("conveyor.{operation}");
        let operation =
            OPERATIONS.iter().find(|operation| operation.name == name).expect("a known operation");
        match operation.run {
            Run::Once(encode) => {
                let mut request = Request::new(operation.repeat);
                encode(&args, &mut request)?;
                let frames = self.exchange(vec![request]).remove(0);
                let mut replies: Vec<_> = frames.all()?.map(Reply::of).collect();
                Ok(if replies.len() == 1 { replies.remove(0) } else { Reply::List(replies) })
            }
            Run::Steps(start) => {
                let mut series = Series::default();
                let id = series.begin(|caller| start(args, caller));
                loop {
                    if let Some(reply) = series.poll(id) {
                        let bytes = reply?.into_bytes();
                        return Ok(Reply::of(Value::parse(&bytes)));
                    }
                    let outgoing: Vec<_> = std::iter::from_fn(|| series.outgoing()).collect();
                    assert!(!outgoing.is_empty(), "{name} waits for nothing");
                    let (requests, waiting): (Vec<_>, Vec<_>) =
                        outgoing.into_iter().map(|outgoing| (outgoing.request, outgoing.reply_to)).unzip();
                    for (reply_to, frames) in waiting.into_iter().zip(self.exchange(requests)) {
                        reply_to.fill(Ok(frames));
                    }
                }
            }
        }
    }

    /// One round trip: all requests in one burst.
    fn exchange(&mut self, requests: Vec<Request>) -> Vec<Frames> {
        self.round_trips += 1;
        let commands: Vec<_> = requests.iter().map(|request| request.commands() as usize).collect();
        for request in requests {
            self.stream.write_all(&request.into_bytes()).unwrap();
        }
        commands.into_iter().map(|count| self.frames(count)).collect()
    }

    fn frames(&mut self, count: usize) -> Frames {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let end = loop {
                if let Some(end) = self.scanner.scan(&self.unread).unwrap() {
                    break end;
                }
                let mut chunk = [0; 16_384];
                let read = self.stream.read(&mut chunk).unwrap();
                assert!(read > 0, "the server closed the connection");
                self.unread.extend_from_slice(&chunk[..read]);
            };
            bytes.extend(self.unread.drain(..end));
        }
        Frames::new(bytes, count)
    }
}
