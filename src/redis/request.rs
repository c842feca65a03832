//! What is about to be sent: one or more commands in RESP, appended to a buffer that somebody else owns
//! again afterwards, so that a call is encoded exactly once and copied nowhere.

use super::Script;
use crate::error::Error;

/// Whether a request may be sent a second time when its reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A read, an absolute write, or a script that recognises its own call token.
    Freely,
    /// Never once bytes were written: the caller hears that the outcome is unknown.
    Never,
}

/// One or more commands that are sent together and answered together.
///
/// ```
/// use ferrodis::redis::{Repeat, Request};
/// let mut request = Request::new(Repeat::Freely);
/// request.command("SET", 2).arg(b"key").arg(b"value");
/// assert_eq!(request.encoded(), b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
/// ```
#[derive(Debug)]
pub struct Request {
    bytes: Vec<u8>,
    start: usize,
    commands: u32,
    /// Arguments that the command begun last still needs.
    owed: usize,
    repeat: Repeat,
    in_cluster: bool,
    left_out: u32,
}

impl Request {
    /// An empty request with a buffer of its own.
    #[must_use]
    pub const fn new(repeat: Repeat) -> Self {
        Self::over(Vec::new(), repeat)
    }

    /// An empty request that appends to `bytes`; [`Request::into_bytes`] gives the buffer back.
    #[must_use]
    pub const fn over(bytes: Vec<u8>, repeat: Repeat) -> Self {
        Self { start: bytes.len(), bytes, commands: 0, owed: 0, repeat, in_cluster: false, left_out: 0 }
    }

    /// Says whether it goes to a cluster: before it is built.
    pub const fn set_to_cluster(&mut self, in_cluster: bool) {
        self.in_cluster = in_cluster;
    }

    /// Whether it goes to a cluster, where a script reaches the keys of one slot only.
    #[must_use]
    pub const fn is_to_cluster(&self) -> bool {
        self.in_cluster
    }

    /// In a cluster: the commands so far are there for their effect. Their replies are left out of the answer, unless
    /// they are errors.
    pub const fn leave_out(&mut self) {
        self.left_out = self.commands;
    }

    /// How many replies are left out.
    #[must_use]
    pub const fn left_out(&self) -> u32 {
        self.left_out
    }

    /// Begins a command that takes exactly `args` arguments after its name.
    pub fn command(&mut self, name: &str, args: usize) -> &mut Self {
        debug_assert_eq!(self.owed, 0, "the command before {name} lacks arguments");
        self.commands += 1;
        self.owed = args + 1;
        self.header(b'*', args + 1);
        self.arg(name.as_bytes())
    }

    /// Begins a call of `script`: its keys follow, then `args` arguments, all through [`Request::arg`].
    pub fn script(&mut self, script: &Script, args: usize) -> &mut Self {
        self.command("EVALSHA", 2 + script.keys + args).arg(script.sha.as_bytes()).int(script.keys as i64)
    }

    /// The next argument.
    pub fn arg(&mut self, value: &[u8]) -> &mut Self {
        self.header(b'$', value.len());
        self.bytes.extend_from_slice(value);
        self.end_arg()
    }

    /// The next argument, given in pieces: a key built from its prefix and an id, without a copy between.
    pub fn parts(&mut self, parts: &[&[u8]]) -> &mut Self {
        self.header(b'$', parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.end_arg()
    }

    /// The next argument, a whole number.
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.arg(itoa::Buffer::new().format(value).as_bytes())
    }

    /// The next argument, or an empty string when it is absent: how scripts take optional values.
    pub fn opt(&mut self, value: Option<&[u8]>) -> &mut Self {
        self.arg(value.unwrap_or_default())
    }

    /// Appends a request to `bytes` and returns the number of its commands and of its bytes.
    ///
    /// # Errors
    /// What `build` returns; `bytes` is as it was then.
    pub fn append(
        bytes: &mut Vec<u8>,
        repeat: Repeat,
        build: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(u32, usize), Error> {
        let mut request = Self::over(std::mem::take(bytes), repeat);
        let result = build(&mut request);
        let size = (request.commands, request.encoded().len());
        *bytes = if result.is_ok() { request.into_bytes() } else { request.into_abandoned() };
        result.map(|()| size)
    }

    /// How many commands the request holds, each answered by one frame.
    #[must_use]
    pub const fn commands(&self) -> u32 {
        self.commands
    }

    /// Whether it may be sent again after a lost reply.
    #[must_use]
    pub const fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// The encoded commands.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The whole buffer, with what was in it before.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        debug_assert_eq!(self.owed, 0, "the last command lacks arguments");
        self.bytes
    }

    /// The buffer as it was before this request: what to do with it when building failed half-way.
    #[must_use]
    fn into_abandoned(mut self) -> Vec<u8> {
        self.bytes.truncate(self.start);
        self.bytes
    }

    fn header(&mut self, kind: u8, n: usize) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn end_arg(&mut self) -> &mut Self {
        debug_assert!(self.owed > 0, "the command takes fewer arguments");
        self.owed = self.owed.saturating_sub(1);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }
}
