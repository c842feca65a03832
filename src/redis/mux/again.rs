//! Sending again: when, as what, and what the caller hears when it is too late.

use super::Posted;
use crate::error::{Code, Error, Outcome};
use crate::redis::reply::split;
use crate::redis::{Repeat, Request, Value, script};

/// The attempt from which on the pauses grow no longer.
pub(super) const LONGEST_PAUSE: u8 = 5;

/// The pause before a request is sent again: 20 ms, doubled each time up to 640 ms, less up to a half so that
/// callers do not come back all at once.
pub(super) fn pause(posted: Posted) -> u64 {
    let full = 20u64 << posted.attempts.min(LONGEST_PAUSE);
    let spread = u64::from(posted.ticket.unwrap_or(0).wrapping_mul(0x9E37_79B9) >> 16) % (full / 2);
    full - spread
}

pub(super) fn late(written: bool, connected: bool) -> Error {
    let (message, outcome) = if written {
        ("no answer within the deadline; the server may have executed the call", Outcome::Unknown)
    } else if connected {
        ("the call could not be sent within the deadline", Outcome::None)
    } else {
        ("no connection to the server within the deadline", Outcome::None)
    };
    Error::new(Code::Timeout, message).retryable().outcome(outcome)
}

/// The same commands with EVAL and the source for each EVALSHA.
pub(super) fn with_source(bytes: &[u8], repeat: Repeat) -> Vec<u8> {
    let mut request = Request::new(repeat);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (command, after) = split(rest);
        rest = after;
        let mut words = command.list();
        let count = words.len();
        let name = words.next().and_then(Value::text).unwrap_or_default();
        let source = if name == b"EVALSHA" {
            words
                .next()
                .and_then(Value::text)
                .map(|sha| script::by_sha(sha).map_or(sha, |s| s.source.as_bytes()))
        } else {
            None
        };
        let name = if source.is_some() { b"EVAL" } else { name };
        request.command(std::str::from_utf8(name).unwrap_or_default(), count - 1);
        for word in source.into_iter().chain(words.filter_map(Value::text)) {
            request.arg(word);
        }
    }
    request.into_bytes()
}
