//! The loop lane: the socket on the JavaScript thread, read and written from the host's own event loop, so that
//! a call crosses no thread.

use std::ffi::{c_int, c_void};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;

use super::hub::Hub;
use super::lane::Ready;
use super::uv::{Handle, READABLE, Uv, WRITABLE, data};
use crate::error::{Code, Error};
use crate::redis::{Answer, Failure, Mux, PlainSocket, clock};

/// How often deadlines are looked at while calls are pending.
const BUSY_TICK: u64 = 50;
/// How often the heartbeat is looked at otherwise.
const IDLE_TICK: u64 = 5_000;
/// What one visit of the event loop reads at most, so that others get their turn.
const READ_PER_VISIT: usize = 256 << 10;

/// What the event loop hands back to our callbacks.
struct Origin {
    hub: *mut Hub,
    link: u32,
}

/// One connection of the loop lane.
pub struct LoopLane {
    /// The queue.
    pub mux: Mux,
    socket: Option<Socket>,
    timer: Handle,
    tick: u64,
    origin: Box<Origin>,
    uv: Uv,
    event_loop: *mut c_void,
}

/// An open socket and its place in the event loop. The handle is stopped before the descriptor closes.
struct Socket {
    poll: Handle,
    stream: PlainSocket,
    wants_write: bool,
}

impl Socket {
    /// Has the event loop look at the socket, for what is wanted of it now.
    fn poll_now(&self) {
        let events = if self.wants_write { READABLE | WRITABLE } else { READABLE };
        self.poll.start_poll(events, on_ready);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.poll.stop_poll();
    }
}

impl LoopLane {
    /// A lane without a socket.
    ///
    /// # Safety
    /// `event_loop` is the loop of the running thread, and `hub` outlives the lane.
    pub unsafe fn new(uv: Uv, event_loop: *mut c_void, hub: *mut Hub, link: u32, mux: Mux) -> Option<Self> {
        let mut origin = Box::new(Origin { hub, link });
        // SAFETY: `origin` is boxed and lives as long as the handle.
        let timer = unsafe { Handle::timer(uv, event_loop, (&raw mut *origin).cast()) }?;
        Some(Self { mux, socket: None, timer, tick: 0, origin, uv, event_loop })
    }

    /// Takes a handshaken socket over and writes what waits.
    pub fn attach(&mut self, stream: PlainSocket) -> Result<(), Error> {
        let fd = match &stream {
            PlainSocket::Tcp(tcp) => tcp.as_raw_fd(),
            PlainSocket::Unix(unix) => unix.as_raw_fd(),
        };
        let origin = (&raw mut *self.origin).cast();
        // SAFETY: the descriptor is owned by the `Socket` made below, which stops the handle before closing it.
        let poll = unsafe { Handle::poll(self.uv, self.event_loop, fd, origin) }
            .ok_or_else(|| Error::new(Code::Internal, "the event loop refused the socket"))?;
        let socket = Socket { poll, stream, wants_write: false };
        socket.poll_now();
        self.socket = Some(socket);
        self.mux.attach(clock::now());
        self.flush()
    }

    /// Drops the socket; what may be repeated stays queued.
    pub fn detach(&mut self, error: &Error, failures: &mut Vec<Failure>) {
        self.socket = None;
        self.mux.lost(error, failures);
    }

    /// Writes as much as the socket takes.
    ///
    /// # Errors
    /// When the connection broke: [`LoopLane::detach`] next.
    pub fn flush(&mut self) -> Result<(), Error> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        loop {
            let unsent = self.mux.unsent();
            if unsent.is_empty() {
                if socket.wants_write {
                    socket.wants_write = false;
                    socket.poll_now();
                }
                return Ok(());
            }
            let wrote = match &mut socket.stream {
                PlainSocket::Tcp(tcp) => tcp.write(unsent),
                PlainSocket::Unix(unix) => unix.write(unsent),
            };
            match wrote {
                Ok(n) => self.mux.wrote(n, clock::now()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !socket.wants_write {
                        socket.wants_write = true;
                        socket.poll_now();
                    }
                    return Ok(());
                }
                Err(error) => return Err(broken("writing failed", &error)),
            }
        }
    }

    /// Reads what is there and collects complete answers.
    ///
    /// # Errors
    /// When the connection broke: answers collected so far are good, [`LoopLane::detach`] next.
    pub fn receive(&mut self, ready: Ready, answers: &mut Vec<Answer>) -> Result<(), Error> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        // libuv says once that a socket failed, and polls it no more: what is behind the data has to be read now.
        let failed = match ready {
            Ready::Writable => return Ok(()),
            Ready::Readable => false,
            Ready::Failed => true,
        };
        let now = clock::now();
        let mut total = 0;
        let result = loop {
            let space = self.mux.space();
            let room = space.len();
            let read = match &mut socket.stream {
                PlainSocket::Tcp(tcp) => tcp.read(space),
                PlainSocket::Unix(unix) => unix.read(space),
            };
            match read {
                Ok(0) => {
                    break Err(Error::new(Code::Connection, "the server closed the connection").retryable());
                }
                Ok(n) => {
                    self.mux.read(n, now);
                    total += n;
                    // A short read means that the socket is empty: the call that would say so is spared.
                    if !failed && (n < room || total >= READ_PER_VISIT) {
                        break Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if failed {
                        socket.poll_now();
                    }
                    break Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(broken("reading failed", &error)),
            }
        };
        self.mux.answers(answers, now).and(result)
    }

    /// Whether pending calls keep the process alive and deadlines are watched closely.
    pub fn hold(&mut self, pending: bool) {
        self.timer.hold(pending);
        let tick = if pending { BUSY_TICK } else { IDLE_TICK };
        if tick < self.tick || self.tick == 0 {
            self.set_tick(tick);
        }
    }

    /// After a tick with nothing pending: look less often.
    pub fn relax(&mut self) {
        if self.tick != IDLE_TICK {
            self.set_tick(IDLE_TICK);
        }
    }

    fn set_tick(&mut self, tick: u64) {
        self.tick = tick;
        self.timer.start_timer(on_tick, tick);
    }
}

fn broken(what: &str, error: &std::io::Error) -> Error {
    Error::new(Code::Connection, format!("{what}: {}", error.kind())).retryable()
}

unsafe extern "C" fn on_ready(handle: *mut c_void, status: c_int, events: c_int) {
    // SAFETY: libuv calls back with a live handle of ours, whose data is the lane's origin.
    unsafe {
        let origin = data(handle).cast::<Origin>();
        let ready = match status {
            ..0 => Ready::Failed,
            _ if events & READABLE != 0 => Ready::Readable,
            _ => Ready::Writable,
        };
        Hub::on_ready((*origin).hub, (*origin).link, ready);
    }
}

unsafe extern "C" fn on_tick(handle: *mut c_void) {
    // SAFETY: as for `on_ready`.
    unsafe {
        let origin = data(handle).cast::<Origin>();
        Hub::on_tick((*origin).hub, (*origin).link);
    }
}
