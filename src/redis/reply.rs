//! Reading replies without copying them, and building the reply of an operation that took several steps.
//!
//! The bytes are complete, scanned RESP: `resp` has checked every length, so a view only follows them.

use super::resp::plain;
use crate::error::{Code, Error};

/// One reply, seen in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing: a missing key, a missing field.
    Nil,
    /// An integer, or a RESP3 boolean as 0 and 1.
    Int(i64),
    /// A bulk, simple or verbatim string, or the text of a double or big number.
    Text(&'a [u8]),
    /// A server error, without the leading `-`.
    Error(&'a [u8]),
    /// An array, set, push, or map as keys and values in turn.
    List(List<'a>),
}

/// The elements of an aggregate reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl List<'_> {
    /// Elements that are left.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.left
    }

    /// Whether none is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

#[expect(clippy::copy_iterator, reason = "a list is a view, and reading it twice is meant")]
impl<'a> Iterator for List<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (value, rest) = read(self.bytes);
        self.bytes = rest;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a> Value<'a> {
    /// Reads the first value of `bytes`, which must begin with a complete one.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        read(bytes).0
    }

    /// The values of `count` replies that stand one after the other.
    pub fn frames(mut bytes: &'a [u8], count: u32) -> impl Iterator<Item = Self> {
        (0..count).map(move |_| {
            let (value, rest) = read(bytes);
            bytes = rest;
            value
        })
    }

    /// The text, when it is one.
    #[must_use]
    pub const fn text(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The server's words, when it is an error.
    #[must_use]
    pub const fn error(self) -> Option<&'a [u8]> {
        match self {
            Value::Error(text) => Some(text),
            _ => None,
        }
    }

    /// The integer; decimal text counts.
    #[must_use]
    pub fn int(self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(n),
            Value::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// The elements; anything else counts as none.
    #[must_use]
    pub const fn list(self) -> List<'a> {
        match self {
            Value::List(list) => list,
            _ => List { bytes: &[], left: 0 },
        }
    }
}

/// The owned answer to one request: as many frames as it had commands.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    count: usize,
}

impl Frames {
    /// Wraps `count` complete frames.
    #[must_use]
    pub const fn new(bytes: Vec<u8>, count: usize) -> Self {
        Self { bytes, count }
    }

    /// The first reply; a server error becomes `Err`.
    ///
    /// # Errors
    /// The server's error, classified.
    pub fn first(&self) -> Result<Value<'_>, Error> {
        self.all()?.next().ok_or_else(|| Error::new(Code::Internal, "an answer without a frame"))
    }

    /// All replies; the first server error among them becomes `Err`.
    ///
    /// # Errors
    /// The server's error, classified.
    pub fn all(&self) -> Result<List<'_>, Error> {
        let list = self.each();
        for value in list {
            if let Value::Error(text) = value {
                return Err(super::answers::error_of(text));
            }
        }
        Ok(list)
    }

    /// All replies, server errors among them: for reads of which one may fail without failing the rest.
    #[must_use]
    pub const fn each(&self) -> List<'_> {
        List { bytes: self.bytes.as_slice(), left: self.count }
    }
}

/// The reply of an operation that took several steps, written as RESP so that it is delivered to
/// JavaScript exactly as a server's reply is.
#[derive(Debug, Default)]
pub struct ReplyBuilder {
    bytes: Vec<u8>,
}

impl ReplyBuilder {
    /// An empty reply. Exactly one value (a list counts as one) must be written to it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more reply behind those in `bytes`.
    #[must_use]
    pub const fn over(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Begins a list of `len` values.
    pub fn list(&mut self, len: usize) -> &mut Self {
        self.number(b'*', len as i64)
    }

    /// An integer.
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.number(b':', value)
    }

    /// A string.
    pub fn text(&mut self, value: &[u8]) -> &mut Self {
        self.number(b'$', value.len() as i64);
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Nothing.
    pub fn nil(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(b"$-1\r\n");
        self
    }

    /// A copy of a value that came in.
    pub fn value(&mut self, value: Value<'_>) -> &mut Self {
        match value {
            Value::Nil => self.nil(),
            Value::Int(n) => self.int(n),
            Value::Text(text) | Value::Error(text) => self.text(text),
            Value::List(list) => {
                self.list(list.len());
                for item in list {
                    self.value(item);
                }
                self
            }
        }
    }

    /// The replies of a request as they came in, each a value. [`Frames::all`] tells of errors among them first.
    pub fn frames(&mut self, frames: &Frames) -> &mut Self {
        self.bytes.extend_from_slice(&frames.bytes);
        self
    }

    /// The reply as RESP.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn number(&mut self, kind: u8, n: i64) -> &mut Self {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self
    }
}

/// Splits the first complete value off `bytes`. Attributes (`|`) are skipped.
fn read(bytes: &[u8]) -> (Value<'_>, &[u8]) {
    let Some((&kind, after)) = bytes.split_first() else { return (Value::Nil, bytes) };
    if kind == b'$'
        && let Some((n, header)) = plain(after)
        && let Some((text, rest)) = after[header..].split_at_checked(n)
    {
        return (Value::Text(text), rest.get(2..).unwrap_or_default());
    }
    let end = memchr::memchr(b'\r', after).unwrap_or(after.len());
    let line = &after[..end];
    let rest = after.get(end + 2..).unwrap_or_default();
    let sized = |make: fn(&[u8]) -> Value<'_>| match usize::try_from(decimal(line)) {
        Ok(n) if n + 2 <= rest.len() => (make(&rest[..n]), &rest[n + 2..]),
        _ => (Value::Nil, rest),
    };
    let listed = |per: usize| {
        usize::try_from(decimal(line)).map_or((Value::Nil, rest), |n| {
            (Value::List(List { bytes: rest, left: n * per }), skip(rest, n * per))
        })
    };
    match kind {
        b':' => (Value::Int(decimal(line)), rest),
        b'#' => (Value::Int(i64::from(line == b"t")), rest),
        b'-' => (Value::Error(line), rest),
        b'_' => (Value::Nil, rest),
        b'$' => sized(|text| Value::Text(text)),
        b'=' => sized(|text| Value::Text(text.get(4..).unwrap_or_default())),
        b'!' => sized(|text| Value::Error(text)),
        b'*' | b'~' | b'>' => listed(1),
        b'%' => listed(2),
        b'|' => read(listed(2).1),
        _ => (Value::Text(line), rest),
    }
}

/// The first complete value of `bytes`, and what follows it.
pub(super) fn split(bytes: &[u8]) -> (Value<'_>, &[u8]) {
    read(bytes)
}

/// What follows the first `count` values of `bytes`.
pub(crate) fn skip(mut bytes: &[u8], count: usize) -> &[u8] {
    for _ in 0..count {
        bytes = read(bytes).1;
    }
    bytes
}

/// A decimal integer that the scanner has already checked.
pub(crate) fn decimal(digits: &[u8]) -> i64 {
    let (negative, digits) = match digits.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, digits),
    };
    let n = digits
        .iter()
        .fold(0i64, |n, digit| n.wrapping_mul(10).wrapping_add(i64::from(digit.wrapping_sub(b'0'))));
    if negative { n.wrapping_neg() } else { n }
}
