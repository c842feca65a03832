//! One connection of a subscriber: asks for every channel, waits for every answer, keeps a heartbeat.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::desired::{Desired, State};
use super::{Command, SubscriberEvent};
use crate::error::{Code, Error};
use crate::redis::{Class, Config, Limits, Notices, Repeat, Request, Scanner, Value, classify, error_of};

/// How long a connection without a wanted channel is kept: until the next store opens, as in tests and reloads.
const GRACE: Duration = Duration::from_secs(5);
/// When to ask a server again that is busy or loading.
const LATER: Duration = Duration::from_millis(500);
/// Room made for each read.
const READ: usize = 64 << 10;
/// An empty buffer larger than this, left by one large message, is given back.
const KEEP: usize = 1 << 20;

/// Why a session ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The subscriber was dropped.
    Closed,
    /// No channel is wanted any more.
    Idle,
    /// The connection is of no more use.
    Lost(Error),
}

/// What was asked of the server, in order; its answers come in the same order.
#[derive(Debug)]
struct Asked {
    what: Ask,
    at: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Ask {
    Subscribe(Arc<str>),
    Unsubscribe(Arc<str>),
    Ping,
}

pub(super) struct Session<'a, F> {
    desired: &'a mut Desired,
    sink: &'a mut F,
    heartbeat: Duration,
    scanner: Scanner,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// Whether bytes may still be on their way through the encryption.
    unflushed: bool,
    asked: VecDeque<Asked>,
    /// When to ask again for the channels that are [`State::Later`].
    again_at: Option<Instant>,
    /// When the server was last heard, in milliseconds since 1970.
    heard_at: u64,
    /// Whether messages were told since the last [`SubscriberEvent::Drained`].
    told: bool,
}

impl<'a, F: FnMut(SubscriberEvent<'_>)> Session<'a, F> {
    pub fn new(config: &Config, desired: &'a mut Desired, sink: &'a mut F) -> Self {
        Self {
            desired,
            sink,
            heartbeat: config.heartbeat,
            scanner: Scanner::new(Limits { bytes: config.max_reply_bytes, ..Limits::default() }),
            inbox: Vec::new(),
            outbox: Vec::new(),
            unflushed: false,
            asked: VecDeque::new(),
            again_at: None,
            heard_at: now_ms(),
            told: false,
        }
    }

    /// Serves the connection until it ends.
    pub async fn run(
        mut self,
        stream: impl AsyncRead + AsyncWrite,
        notices: Notices,
        commands: &mut UnboundedReceiver<Command>,
    ) -> Ended {
        let ended = match self.serve(stream, notices, commands).await {
            Ok(ended) => ended,
            Err(error) => Ended::Lost(error),
        };
        self.desired.lost(self.heard_at);
        ended
    }

    async fn serve(
        &mut self,
        stream: impl AsyncRead + AsyncWrite,
        mut notices: Notices,
        commands: &mut UnboundedReceiver<Command>,
    ) -> Result<Ended, Error> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut replaced = pin!(notices.replaced());
        let mut beats = interval_at(Instant::now() + self.heartbeat, self.heartbeat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.ask_for(State::Open);
        self.ask_for(State::Refused);
        let mut idle_at = None;
        loop {
            let (again_at, unsent) = (self.again_at, self.unflushed || !self.outbox.is_empty());
            self.inbox.reserve(READ);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.apply(command),
                    None => return Ok(Ended::Closed),
                },
                read = reader.read_buf(&mut self.inbox) => {
                    if read.map_err(|error| lost(&error))? == 0 {
                        return Err(lost(&io::ErrorKind::UnexpectedEof.into()));
                    }
                    self.heard_at = now_ms();
                    self.take_in()?;
                }
                sent = send(&mut writer, &mut self.outbox, &mut self.unflushed), if unsent => sent.map_err(|error| lost(&error))?,
                moved = &mut replaced => return Err(moved),
                _ = beats.tick() => self.beat()?,
                () = at(again_at), if again_at.is_some() => {
                    self.again_at = None;
                    self.ask_for(State::Later);
                }
                () = at(idle_at), if idle_at.is_some() => return Ok(Ended::Idle),
            }
            idle_at =
                if self.desired.is_empty() { idle_at.or_else(|| Some(Instant::now() + GRACE)) } else { None };
        }
    }

    fn apply(&mut self, command: Command) {
        match &command {
            Command::Subscribe(channel) => match self.desired.get_mut(channel).map(|entry| entry.state) {
                Some(State::Ready) => (self.sink)(SubscriberEvent::Ready { channel }),
                Some(State::Open | State::Later) => {}
                Some(State::Refused) | None => self.ask(Ask::Subscribe(Arc::clone(channel))),
            },
            Command::Unsubscribe(channel) if self.desired.get_mut(channel).is_some() => {
                self.ask(Ask::Unsubscribe(Arc::clone(channel)));
            }
            Command::Unsubscribe(_) => {}
        }
        self.desired.apply(command);
    }

    /// Asks for each channel by itself, so that a refusal says which one it means.
    fn ask_for(&mut self, state: State) {
        for channel in self.desired.in_state(state) {
            self.ask(Ask::Subscribe(channel));
        }
    }

    fn ask(&mut self, what: Ask) {
        let mut request = Request::over(std::mem::take(&mut self.outbox), Repeat::Freely);
        match &what {
            Ask::Subscribe(channel) => request.command("SUBSCRIBE", 1).arg(channel.as_bytes()),
            Ask::Unsubscribe(channel) => request.command("UNSUBSCRIBE", 1).arg(channel.as_bytes()),
            Ask::Ping => request.command("PING", 0),
        };
        self.outbox = request.into_bytes();
        self.asked.push_back(Asked { what, at: Instant::now() });
    }

    /// Asks for a sign of life, unless one is overdue: then two beats went by without an answer.
    fn beat(&mut self) -> Result<(), Error> {
        if self.asked.front().is_some_and(|oldest| oldest.at.elapsed() > self.heartbeat.mul_f64(1.5)) {
            return Err(
                Error::new(Code::Connection, "the subscriber connection gave no sign of life").retryable()
            );
        }
        self.ask_for(State::Refused);
        self.ask(Ask::Ping);
        Ok(())
    }

    fn take_in(&mut self) -> Result<(), Error> {
        let mut inbox = std::mem::take(&mut self.inbox);
        let taken = self.take_all(&inbox);
        if std::mem::take(&mut self.told) {
            (self.sink)(SubscriberEvent::Drained);
        }
        let taken = taken?;
        if taken == inbox.len() && inbox.capacity() > KEEP {
            inbox = Vec::new();
        } else {
            inbox.drain(..taken);
        }
        self.inbox = inbox;
        Ok(())
    }

    /// Takes what is complete, and returns how many bytes that were.
    fn take_all(&mut self, inbox: &[u8]) -> Result<usize, Error> {
        let mut taken = 0;
        while let Some(length) = self.scanner.scan(&inbox[taken..])? {
            self.take(Value::parse(&inbox[taken..]))?;
            taken += length;
        }
        Ok(taken)
    }

    /// One reply or push. A list that is not understood is a push of another kind, and none of ours.
    fn take(&mut self, value: Value<'_>) -> Result<(), Error> {
        match value {
            Value::List(mut items) => {
                let mut next = || items.next().and_then(Value::text).unwrap_or_default();
                match (next(), next(), next()) {
                    (b"message", channel, payload) => self.message(channel, payload),
                    (b"subscribe", channel, _) => self.confirmed(channel),
                    (b"unsubscribe", channel, _) => self.left(channel),
                    (b"pong", ..) => self.answered_ping()?,
                    _ => {}
                }
                Ok(())
            }
            Value::Text(b"PONG") => self.answered_ping(),
            Value::Error(text) => self.refused(text),
            _ => Err(unasked()),
        }
    }

    fn message(&mut self, channel: &[u8], payload: &[u8]) {
        if let Some(channel) = text(channel)
            && self.desired.get_mut(channel).is_some()
        {
            self.told = true;
            (self.sink)(SubscriberEvent::Message { channel, payload });
        }
    }

    fn confirmed(&mut self, channel: &[u8]) {
        let Some(channel) = text(channel) else { return };
        let is_next = matches!(self.asked.front(), Some(Asked { what: Ask::Subscribe(next), .. }) if **next == *channel);
        if !is_next {
            return;
        }
        self.asked.pop_front();
        // Left and wanted again meanwhile: the last answer counts.
        let is_last = !self.asked.iter().any(
            |asked| matches!(&asked.what, Ask::Subscribe(later) | Ask::Unsubscribe(later) if **later == *channel),
        );
        if is_last && let Some(entry) = self.desired.get_mut(channel) {
            entry.state = State::Ready;
            let gap = entry.heard_until.take();
            (self.sink)(SubscriberEvent::Ready { channel });
            if let Some(from_ms) = gap {
                (self.sink)(SubscriberEvent::Gap { channel, from_ms, to_ms: now_ms() });
            }
        }
    }

    fn left(&mut self, channel: &[u8]) {
        if matches!(self.asked.front(), Some(Asked { what: Ask::Unsubscribe(next), .. }) if next.as_bytes() == channel)
        {
            self.asked.pop_front();
        }
    }

    fn answered_ping(&mut self) -> Result<(), Error> {
        match self.asked.pop_front() {
            Some(Asked { what: Ask::Ping, .. }) => Ok(()),
            _ => Err(unasked()),
        }
    }

    fn refused(&mut self, text: &[u8]) -> Result<(), Error> {
        match self.asked.pop_front().map(|asked| asked.what) {
            Some(Ask::Subscribe(channel)) => {
                let Some(entry) = self.desired.get_mut(&channel) else { return Ok(()) };
                if classify(text) == Class::Wait {
                    entry.state = State::Later;
                    self.again_at.get_or_insert_with(|| Instant::now() + LATER);
                } else if entry.state != State::Refused {
                    entry.state = State::Refused;
                    (self.sink)(SubscriberEvent::Refused { channel: &channel, error: error_of(text) });
                }
                Ok(())
            }
            // A server that answers is alive.
            Some(Ask::Ping) => Ok(()),
            // Nothing leaves a channel for certain except a new connection.
            Some(Ask::Unsubscribe(_)) | None => Err(error_of(text)),
        }
    }
}

/// Sends all of `bytes`. Its progress is in its arguments, so that it may be dropped half-way and begun again.
async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &mut Vec<u8>,
    unflushed: &mut bool,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = writer.write(bytes).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes.drain(..written);
        *unflushed = true;
    }
    writer.flush().await?;
    *unflushed = false;
    Ok(())
}

async fn at(instant: Option<Instant>) {
    if let Some(instant) = instant {
        sleep_until(instant).await;
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn lost(error: &io::Error) -> Error {
    Error::new(Code::Connection, format!("the subscriber connection broke: {}", error.kind())).retryable()
}

fn unasked() -> Error {
    Error::new(Code::Protocol, "the server answered what was not asked").retryable()
}

#[cfg(test)]
mod tests;
