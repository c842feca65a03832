//! The multiplexer of one pipelined connection, without the socket.
//!
//! Requests are queued here, written when there is a connection, matched with replies in order, and kept
//! until they are answered, so that a broken connection costs nothing that may be sent again. Whoever owns
//! the socket (the loop lane or the runtime lane) asks for [`Mux::unsent`], reports what it wrote and read,
//! and calls [`Mux::tick`] now and then. All times are milliseconds on one monotonic clock.

mod again;
mod loss;
mod posted;

use std::collections::VecDeque;

use self::again::{LONGEST_PAUSE, late, pause, with_source};
use self::posted::Parked;
pub use self::posted::{Answer, Failure, Posted, Returned, Ticket, Watch};
use super::answers::{Class, classify, error_of};
use super::{Limits, Repeat, Request, Scanner, Value};
use crate::error::{Code, Error};

/// A request that was put back so often has something to do with the trouble.
const MAX_ATTEMPTS: u8 = 10;
/// Input buffer at the start, and what an idle connection goes back to.
const INPUT: usize = 64 << 10;
/// The input buffer is given back past this size.
const INPUT_KEPT: usize = 1 << 20;

/// The queue of one connection. See the module's text.
#[derive(Debug)]
pub struct Mux {
    limits: Limits,
    watch: Watch,
    /// `[..base]` answered, `[base..sent]` written, `[sent..]` to be written.
    out: Vec<u8>,
    base: usize,
    sent: usize,
    /// What `out[base..]` consists of, in order.
    queue: VecDeque<Posted>,
    parked: Vec<Parked>,
    /// Whether redirections are for the owner rather than for the caller, and those that came.
    in_cluster: bool,
    redirected: Vec<Returned>,
    input: Vec<u8>,
    filled: usize,
    scanner: Scanner,
    /// Where the frame under scan begins in `input`.
    frame: usize,
    /// Frames of the front request that are there already, and where the first of them begins.
    frames: u32,
    answer: usize,
    /// The first reply among them that asks for more than handing it over.
    class: Class,
    connected: bool,
    heard: u64,
    next_deadline: u64,
    demoted: bool,
}

impl Mux {
    /// An empty queue without a connection.
    #[must_use]
    pub fn new(limits: Limits, watch: Watch) -> Self {
        Self {
            limits,
            watch,
            out: Vec::new(),
            base: 0,
            sent: 0,
            queue: VecDeque::new(),
            parked: Vec::new(),
            in_cluster: false,
            redirected: Vec::new(),
            input: Vec::new(),
            filled: 0,
            scanner: Scanner::new(limits),
            frame: 0,
            frames: 0,
            answer: 0,
            class: Class::Final,
            connected: false,
            heard: 0,
            next_deadline: u64::MAX,
            demoted: false,
        }
    }

    /// An empty queue like this one for a node of a cluster: the owner carries out redirections, see
    /// [`Mux::take_redirected`].
    #[must_use]
    pub fn for_node(&self) -> Self {
        Self { in_cluster: true, ..Self::new(self.limits, self.watch) }
    }

    /// Encodes a request at the end of the queue.
    ///
    /// # Errors
    /// What `build` returns; the queue is as it was then.
    pub fn submit(
        &mut self,
        ticket: Ticket,
        repeat: Repeat,
        deadline: u64,
        build: impl FnOnce(&mut Request) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (commands, bytes) = Request::append(&mut self.out, repeat, build)?;
        self.post(Posted::new(ticket, commands, bytes, repeat, deadline));
        Ok(())
    }

    /// Queues requests that were encoded elsewhere; `posted` says what `bytes` consists of.
    pub fn enqueue(&mut self, bytes: &[u8], posted: impl IntoIterator<Item = Posted>) {
        self.out.extend_from_slice(bytes);
        for request in posted {
            self.post(request);
        }
    }

    fn post(&mut self, posted: Posted) {
        self.next_deadline = self.next_deadline.min(posted.deadline);
        self.queue.push_back(posted);
    }

    /// What is still to be written. Empty without a connection.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        if self.connected { &self.out[self.sent..] } else { &[] }
    }

    /// The first `n` bytes of [`Mux::unsent`] were written.
    pub fn wrote(&mut self, n: usize, now: u64) {
        if self.sent == self.base {
            self.heard = now;
        }
        self.sent = (self.sent + n).min(self.out.len());
    }

    /// Where the next bytes from the socket go.
    pub fn space(&mut self) -> &mut [u8] {
        if self.input.len() - self.filled < INPUT / 4 {
            let grown = (self.input.len() * 2).max(INPUT);
            self.input.resize(grown, 0);
        }
        &mut self.input[self.filled..]
    }

    /// The first `n` bytes of [`Mux::space`] were filled.
    pub fn read(&mut self, n: usize, now: u64) {
        self.filled = (self.filled + n).min(self.input.len());
        self.heard = now;
    }

    /// Collects the answers that are complete, as ranges of the input buffer: [`Mux::lend_input`] next.
    ///
    /// # Errors
    /// When the server broke the protocol or a limit: call [`Mux::lost`] with it.
    pub fn answers(&mut self, into: &mut Vec<Answer>, now: u64) -> Result<(), Error> {
        while let Some(length) = self.scanner.scan(&self.input[self.frame..self.filled])? {
            let (start, end) = (self.frame, self.frame + length);
            if self.input[start] == b'>' {
                // A push (say, a server's maintenance notice) answers no request.
                self.input.copy_within(end..self.filled, start);
                self.filled -= length;
                continue;
            }
            let Some(&front) = self.queue.front().filter(|front| self.base + front.bytes <= self.sent) else {
                return Err(Error::new(Code::Protocol, "the server sent a reply to no request").retryable());
            };
            if self.frames == 0 {
                self.answer = start;
                self.class = Class::Final;
            }
            if matches!(self.input[start], b'-' | b'!')
                && self.class == Class::Final
                && let Value::Error(text) = Value::parse(&self.input[start..end])
            {
                self.class = match classify(text) {
                    // Whoever has one server only cannot ask another.
                    Class::Elsewhere if !self.in_cluster => Class::Final,
                    Class::Unserved if !self.in_cluster => Class::Wait,
                    class => class,
                };
            }
            self.frames += 1;
            self.frame = end;
            if self.frames == front.commands {
                self.frames = 0;
                self.queue.pop_front();
                if let Some(ticket) = front.ticket
                    && !self.again(front, now)
                {
                    into.push(Answer { ticket, start: self.answer, end, frames: front.commands });
                }
                self.base += front.bytes;
            }
        }
        self.compact_out();
        Ok(())
    }

    /// Puts a request back whose answer says that it was not executed. False: the answer is for the caller.
    fn again(&mut self, mut posted: Posted, now: u64) -> bool {
        let waits = matches!(self.class, Class::Wait | Class::Unserved);
        if self.class == Class::Final || (posted.attempts >= MAX_ATTEMPTS && !waits) {
            return false;
        }
        // That the server is not ready is no fault of the request: only its deadline ends the waiting.
        if !waits || posted.attempts < LONGEST_PAUSE {
            posted.attempts += 1;
        }
        let bytes = &self.out[self.base..self.base + posted.bytes];
        if self.class == Class::NoScript {
            let bytes = with_source(bytes, posted.repeat);
            posted.bytes = bytes.len();
            self.enqueue(&bytes, [posted]);
            return true;
        }
        if matches!(self.class, Class::Elsewhere | Class::Unserved) {
            let bytes = bytes.to_vec();
            let redirect = Value::parse(&self.input[self.answer..self.frame]).error().map(<[u8]>::to_vec);
            self.redirected.push(Returned { posted, bytes, redirect });
            return true;
        }
        let due = now + pause(posted);
        if due >= posted.deadline {
            return false;
        }
        let bytes = bytes.to_vec();
        let error = Value::frames(&self.input[self.answer..self.frame], posted.commands)
            .find_map(|value| if let Value::Error(text) = value { Some(error_of(text)) } else { None })
            .unwrap_or_else(|| Error::new(Code::Internal, "an error without its text"));
        self.demoted |= self.class == Class::Demoted;
        self.next_deadline = self.next_deadline.min(due);
        self.parked.push(Parked { posted, bytes, due, error });
        true
    }

    /// The requests that belong to another node.
    pub fn take_redirected(&mut self) -> Vec<Returned> {
        std::mem::take(&mut self.redirected)
    }

    /// Whether the server said that it is not the one to ask any more. Asking forgets it.
    pub const fn take_demoted(&mut self) -> bool {
        std::mem::replace(&mut self.demoted, false)
    }

    /// Lends the input buffer out, so that answers can be read while new requests are queued.
    #[must_use]
    pub fn lend_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }

    /// Takes the input buffer back and drops what was answered.
    pub fn return_input(&mut self, mut input: Vec<u8>) {
        let keep = if self.frames > 0 { self.answer } else { self.frame };
        if keep >= self.filled {
            self.filled = 0;
            self.frame = 0;
            if input.len() > INPUT_KEPT {
                input = vec![0; INPUT];
            }
        } else {
            input.copy_within(keep..self.filled, 0);
            self.filled -= keep;
            self.frame -= keep;
        }
        self.answer = 0;
        self.input = input;
    }

    /// A connection stands, and everything in the queue is to be written to it.
    pub const fn attach(&mut self, now: u64) {
        self.connected = true;
        self.heard = now;
    }

    /// Rejects what is past its deadline, sends again what was put off, and judges the connection.
    ///
    /// # Errors
    /// When the connection must be replaced: call [`Mux::lost`] with it.
    pub fn tick(&mut self, now: u64, failures: &mut Vec<Failure>) -> Result<(), Error> {
        if now >= self.next_deadline {
            self.expire(now, failures);
            self.unpark(now, failures);
            let queued =
                self.queue.iter().filter(|posted| posted.ticket.is_some()).map(|posted| posted.deadline);
            let parked = self.parked.iter().map(|parked| parked.due.min(parked.posted.deadline));
            self.next_deadline = queued.chain(parked).min().unwrap_or(u64::MAX);
        }
        if !self.connected {
            return Ok(());
        }
        let quiet = now.saturating_sub(self.heard);
        if self.sent > self.base && quiet > self.watch.silence {
            return Err(Error::new(
                Code::Connection,
                "the server did not answer in time, so the connection was replaced",
            )
            .retryable());
        }
        if self.queue.is_empty() && quiet > self.watch.heartbeat {
            let mut ping = Request::over(std::mem::take(&mut self.out), Repeat::Freely);
            ping.command("PING", 0);
            let bytes = ping.encoded().len();
            self.out = ping.into_bytes();
            self.queue
                .push_back(Posted { ticket: None, ..Posted::new(0, 1, bytes, Repeat::Freely, u64::MAX) });
        }
        Ok(())
    }

    fn expire(&mut self, now: u64, failures: &mut Vec<Failure>) {
        let mut offset = self.base;
        let mut dropped = Vec::new();
        for posted in &mut self.queue {
            let range = offset..offset + posted.bytes;
            offset = range.end;
            if posted.deadline > now {
                continue;
            }
            let Some(ticket) = posted.ticket.take() else { continue };
            let written = range.start < self.sent;
            failures.push(Failure { ticket, error: late(written, self.connected) });
            if !written {
                // Nobody waits for it and the server has not seen it: it never happens.
                posted.commands = 0;
                dropped.push(range);
            }
        }
        for range in dropped.into_iter().rev() {
            self.out.drain(range);
        }
        self.queue.retain(|posted| posted.commands > 0);
    }

    fn unpark(&mut self, now: u64, failures: &mut Vec<Failure>) {
        for parked in std::mem::take(&mut self.parked) {
            if parked.posted.deadline <= now {
                failures.extend(parked.posted.ticket.map(|ticket| Failure { ticket, error: parked.error }));
            } else if parked.due <= now {
                self.enqueue(&parked.bytes, [parked.posted]);
            } else {
                self.parked.push(parked);
            }
        }
    }

    /// Bytes that wait for their answer.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.out.len() - self.base + self.parked.iter().map(|parked| parked.bytes.len()).sum::<usize>()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.parked.is_empty()
    }

    /// Whether there is a connection.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    fn compact_out(&mut self) {
        if self.base == self.out.len() {
            self.out.clear();
        } else if self.base > INPUT && self.base * 2 > self.out.len() {
            self.out.drain(..self.base);
        } else {
            return;
        }
        self.sent -= self.base;
        self.base = 0;
        if self.out.is_empty() && self.out.capacity() > INPUT_KEPT {
            self.out = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests;
