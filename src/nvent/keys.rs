//! Every key name of this ecosystem, written straight into the request.

use crate::error::Error;
use crate::redis::{Args, Request};

/// What stands for an absent key or id: the empty string as an argument of a command, this inside a key.
const ABSENT: &[u8] = b"undefined";

/// A sorted set whose members have a hash each.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    key: Option<&'a [u8]>,
}

impl<'a> Index<'a> {
    /// The index of a call whose first argument is its key.
    pub fn of(args: &'a Args) -> Self {
        Self { key: args.get(0) }
    }

    /// The sorted set.
    pub fn order(self, request: &mut Request) {
        request.opt(self.key);
    }

    /// The hash of a member.
    pub fn meta(self, request: &mut Request, id: Option<&[u8]>) {
        request.parts(&[self.key.unwrap_or(ABSENT), b":meta:", id.unwrap_or(ABSENT)]);
    }
}

/// The hash that counts under a key of three or more segments, and the field of it: all but the last segment, and the
/// last. `None` for shorter keys, which are counters themselves.
pub fn counter(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let last = memchr::memrchr(b':', key)?;
    memchr::memchr(b':', &key[..last])?;
    Some((&key[..last], &key[last + 1..]))
}

/// A key argument that must be there.
///
/// # Errors
/// When it is absent.
pub fn key(args: &Args) -> Result<&[u8], Error> {
    args.bytes(0, "key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_three_segments_live_in_a_hash() {
        assert_eq!(counter(b"hits"), None);
        assert_eq!(counter(b"ns:hits"), None);
        assert_eq!(counter(b"ns:counter:x"), Some((&b"ns:counter"[..], &b"x"[..])));
        assert_eq!(counter(b"a:b:"), Some((&b"a:b"[..], &b""[..])));
        assert_eq!(counter(b"::"), Some((&b":"[..], &b""[..])));
    }
}
