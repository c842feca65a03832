//! Replies on their way into JavaScript.
//!
//! A reply crosses as tokens in a shared `Int32Array` that point into one string: many small replies share a
//! string and a call, nothing is built that TypeScript would take apart again, and payloads stay text for V8.
//!
//! For each reply: `slot, status, end`, then three integers a token: `tag, a, b`.
//!
//! | tag | value | a, b |
//! |---|---|---|
//! | 0 | text | start and end in the string |
//! | 1 | nil | |
//! | 2 | integer | the number |
//! | 3 | `OK` | |
//! | 4 | list | its length; its values follow |
//! | 5 | integer beyond 31 bits | start and end of its digits |
//! | 6 | bytes that are not UTF-8 | start and end in the string, with U+FFFD for what is not |

use napi::sys;

use super::raw;
use super::tokens::{TOKEN, Token, Wide, transcode, walk};
use crate::error::Error;
use crate::redis::{ReplyBuilder, Value, error_of};

/// How a reply is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The call succeeded.
    Ok = 0,
    /// The call failed; the reply lists the fields of the error.
    Failed = 1,
    /// No call's reply but an event; the slot is the connection's number.
    Event = 2,
}

/// A reply that is ready to be handed over.
#[derive(Debug)]
pub struct Settled {
    /// The caller's number for the call.
    pub slot: u32,
    /// How to take it.
    pub status: Status,
    /// Where it is.
    pub reply: Place,
}

/// Where a reply's bytes are.
#[derive(Debug)]
pub enum Place {
    /// In the input that is delivered along with it: start, end, frames.
    Input(usize, usize, u32),
    /// In a buffer of its own, one frame.
    Own(Vec<u8>),
}

impl Settled {
    /// A failed call.
    pub fn failed(slot: u32, error: &Error) -> Self {
        let mut reply = ReplyBuilder::new();
        write_error(reply.list(5), error);
        Self { slot, status: Status::Failed, reply: Place::Own(reply.into_bytes()) }
    }

    /// The end of an operation that took several steps.
    pub fn ended(slot: u32, result: Result<ReplyBuilder, Error>) -> Self {
        match result {
            Ok(reply) => Self { slot, status: Status::Ok, reply: Place::Own(reply.into_bytes()) },
            Err(error) => Self::failed(slot, &error),
        }
    }
}

/// The fields of an error in the order that `ts/errors.ts` reads them.
pub fn write_error(reply: &mut ReplyBuilder, error: &Error) {
    reply
        .text(error.code.name().as_bytes())
        .text(error.outcome.name().as_bytes())
        .int(i64::from(error.retryable))
        .text(error.reply_code.as_bytes())
        .text(error.message.as_bytes());
}

/// The JavaScript side: the settle function, the function that makes the token array larger, and the array.
#[derive(Clone, Copy)]
pub struct Outlet {
    /// The environment.
    pub env: sys::napi_env,
    /// `(text: string | undefined, count: number) => void`.
    pub settle: sys::napi_ref,
    /// `(length: number) => void`: calls `tokens` again with a larger array.
    pub grow: sys::napi_ref,
    /// The content of the `Int32Array`.
    pub tokens: *mut i32,
    /// Its length.
    pub capacity: usize,
}

/// Past this many bytes a string is not shared by more replies, so that one kept substring holds on to little.
const SHARED: usize = 4096;

/// Not all tokens of a reply fit the array.
struct Full;

/// One delivery: fills the array, calls settle, and again, until all is handed over.
struct Delivery {
    outlet: Outlet,
    used: usize,
    count: u32,
    entry: bool,
}

/// Hands `settled` over. `entry` tells that no JavaScript is on the stack.
///
/// `reload` answers with the outlet as it is after `grow` was called.
///
/// # Safety
/// The outlet is live, and nobody holds a Rust reference into the hub: settling runs JavaScript.
pub unsafe fn deliver(
    outlet: Outlet,
    settled: &[Settled],
    input: &[u8],
    entry: bool,
    reload: impl Fn() -> Outlet,
) {
    let mut scope = std::ptr::null_mut();
    // SAFETY: the environment is live; the scope is closed below.
    unsafe { sys::napi_open_handle_scope(outlet.env, &raw mut scope) };
    let mut delivery = Delivery { outlet, used: 0, count: 0, entry };
    // The bytes that the replies collected so far share: start and end in `input`.
    let mut shared: Option<(usize, usize)> = None;
    for (index, item) in settled.iter().enumerate() {
        let last = index + 1 == settled.len();
        let (bytes, start, frames) = match &item.reply {
            Place::Input(start, end, frames) => (&input[*start..*end], *start, *frames),
            Place::Own(bytes) => (bytes.as_slice(), 0, 1),
        };
        let failed = if item.status == Status::Ok { server_error(bytes, frames) } else { None };
        let own = matches!(item.reply, Place::Own(_)) || failed.is_some();
        let ascii = !own && bytes.is_ascii();
        if let Some((from, to)) = shared
            && !(ascii && start + bytes.len() - from <= SHARED)
        {
            // SAFETY: as this function's own contract.
            unsafe { delivery.hand_over_ascii(&input[from..to], false) };
            shared = None;
        }
        if ascii {
            let from = shared.map_or(start, |(from, _)| from);
            if delivery.write(item.slot, item.status, bytes, start - from, frames).is_ok() {
                shared = Some((from, start + bytes.len()));
                if last {
                    // SAFETY: as above.
                    unsafe { delivery.hand_over_ascii(&input[from..start + bytes.len()], true) };
                }
                continue;
            }
            if let Some((from, to)) = shared.take() {
                // SAFETY: as above.
                unsafe { delivery.hand_over_ascii(&input[from..to], false) };
            }
        }
        let (status, bytes, frames) = failed
            .as_ref()
            .map_or((item.status, bytes, frames), |error| (Status::Failed, error.as_slice(), 1));
        // SAFETY: as above.
        unsafe { delivery.alone(item.slot, status, bytes, frames, last, &reload) };
    }
    // SAFETY: opened above.
    unsafe { sys::napi_close_handle_scope(outlet.env, scope) };
}

/// The error among the frames of an answer, as the fields that cross.
fn server_error(bytes: &[u8], frames: u32) -> Option<Vec<u8>> {
    let fields = |text: &[u8]| {
        let mut reply = ReplyBuilder::new();
        write_error(reply.list(5), &error_of(text));
        reply.into_bytes()
    };
    if frames == 1 {
        return match bytes.first() {
            Some(b'-' | b'!') => match Value::parse(bytes) {
                Value::Error(text) => Some(fields(text)),
                _ => None,
            },
            _ => None,
        };
    }
    Value::frames(bytes, frames).find_map(|value| match value {
        Value::Error(text) => Some(fields(text)),
        _ => None,
    })
}

impl Delivery {
    /// Delivers one reply with a string of its own, with more room for tokens if it takes that.
    ///
    /// # Safety
    /// As [`deliver`].
    unsafe fn alone(
        &mut self,
        slot: u32,
        status: Status,
        bytes: &[u8],
        frames: u32,
        last: bool,
        reload: &impl Fn() -> Outlet,
    ) {
        let wide = if bytes.is_ascii() { None } else { Some(transcode(bytes)) };
        loop {
            let written = match &wide {
                None => self.write(slot, status, bytes, 0, frames),
                Some(wide) => self.write_wide(slot, status, wide, frames),
            };
            // SAFETY: as this function's own contract.
            unsafe {
                match (written, &wide) {
                    (Ok(()), None) => return self.hand_over_ascii(bytes, last),
                    (Ok(()), Some(wide)) => {
                        let text = raw::utf16(self.outlet.env, &wide.text);
                        return self.hand_over(text, last);
                    }
                    (Err(Full), _) => {
                        let length = raw::number(self.outlet.env, (self.outlet.capacity * 2) as f64);
                        raw::call(self.outlet.env, self.outlet.grow, &[length], false);
                        let grown = reload();
                        if grown.capacity <= self.outlet.capacity {
                            return;
                        }
                        self.outlet = grown;
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`deliver`].
    unsafe fn hand_over_ascii(&mut self, text: &[u8], last: bool) {
        // SAFETY: as this function's own contract.
        unsafe {
            let text = raw::ascii(self.outlet.env, text);
            self.hand_over(text, last);
        }
    }

    /// # Safety
    /// As [`deliver`].
    unsafe fn hand_over(&mut self, text: sys::napi_value, last: bool) {
        // SAFETY: as this function's own contract.
        unsafe {
            let count = raw::number(self.outlet.env, f64::from(self.count));
            // Only the last call of a delivery is its entry: microtasks run once, after all is settled.
            raw::call(self.outlet.env, self.outlet.settle, &[text, count], self.entry && last);
        }
        self.used = 0;
        self.count = 0;
    }

    fn write(
        &mut self,
        slot: u32,
        status: Status,
        bytes: &[u8],
        shift: usize,
        frames: u32,
    ) -> Result<(), Full> {
        self.reply(slot, status, frames, |delivery| {
            walk(bytes, frames, |token| match token {
                Token::Text(start, end) => delivery.token(0, start + shift, end + shift),
                Token::Digits(start, end) => delivery.token(5, start + shift, end + shift),
                Token::Nil => delivery.token(1, 0, 0),
                Token::Int(n) => delivery.push([2, n, 0]),
                Token::Ok => delivery.token(3, 0, 0),
                Token::List(n) => delivery.token(4, n, 0),
            })
        })
    }

    fn write_wide(&mut self, slot: u32, status: Status, wide: &Wide, frames: u32) -> Result<(), Full> {
        self.reply(slot, status, frames, |delivery| {
            wide.tokens.iter().try_for_each(|token| delivery.push(*token))
        })
    }

    fn reply(
        &mut self,
        slot: u32,
        status: Status,
        frames: u32,
        write: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.used;
        let written = self.push([slot as i32, status as i32, 0]).and_then(|()| {
            if frames > 1 {
                self.token(4, frames as usize, 0)?;
            }
            write(self)
        });
        match written {
            Ok(()) => {
                // SAFETY: `start` was just written, so `start + 2` lies within the array.
                unsafe { *self.outlet.tokens.add(start + 2) = self.used as i32 };
                self.count += 1;
            }
            Err(Full) => self.used = start,
        }
        written
    }

    const fn token(&mut self, tag: i32, a: usize, b: usize) -> Result<(), Full> {
        self.push([tag, a as i32, b as i32])
    }

    const fn push(&mut self, token: [i32; TOKEN]) -> Result<(), Full> {
        if self.used + TOKEN > self.outlet.capacity {
            return Err(Full);
        }
        // SAFETY: the array has room for three more, and nobody else writes it while JavaScript does not run.
        unsafe { std::ptr::copy_nonoverlapping(token.as_ptr(), self.outlet.tokens.add(self.used), TOKEN) };
        self.used += TOKEN;
        Ok(())
    }
}
