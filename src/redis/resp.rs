//! Where replies end: a scanner over a growing buffer that looks at no byte twice.
//!
//! It checks what [`Value`](super::Value) later relies on (types, lengths, line ends) and keeps the limits, so a
//! hostile or broken server costs one connection and no memory beyond the budget. It builds nothing.

use crate::error::{Code, Error};

/// What one reply may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one reply, framing included.
    pub bytes: usize,
    /// Values inside one reply, counted over all levels.
    pub elements: usize,
    /// Levels of nesting.
    pub depth: usize,
}

impl Default for Limits {
    /// 512 MiB (the server's own limit for one string), 8 million values, 100 levels.
    fn default() -> Self {
        Self { bytes: 512 << 20, elements: 8 << 20, depth: 100 }
    }
}

/// Finds the end of the reply at the start of a buffer, across as many reads as it takes to arrive.
///
/// ```
/// use ferrodis::redis::{Limits, Scanner};
/// let mut scanner = Scanner::new(Limits::default());
/// assert_eq!(scanner.scan(b"*2\r\n:1\r\n$3\r\nfo").unwrap(), None);
/// assert_eq!(scanner.scan(b"*2\r\n:1\r\n$3\r\nfoo\r\n+next").unwrap(), Some(17));
/// ```
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    /// Everything before it is understood.
    position: usize,
    /// Up to where the line at `position` is known to hold no line end.
    searched: usize,
    /// Values still owed, per level.
    owed: Vec<usize>,
    elements: usize,
}

impl Scanner {
    /// A scanner at the start of a reply.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, position: 0, searched: 0, owed: vec![1], elements: 0 }
    }

    /// Forgets a half-scanned reply: the connection was replaced.
    pub fn reset(&mut self) {
        self.position = 0;
        self.searched = 0;
        self.elements = 0;
        self.owed.clear();
        self.owed.push(1);
    }

    /// Scans on. `bytes` begins where the reply begins and is at least as long as last time.
    /// Returns the length of the reply when it is complete; the next call begins a new one.
    ///
    /// # Errors
    /// [`Code::Protocol`] when this is not RESP, [`Code::TooLarge`] past a limit. The connection is
    /// of no more use then.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        while let Some(&kind) = bytes.get(self.position) {
            let after = self.position + 1;
            let arrived = match plain(&bytes[after..]).filter(|_| kind == b'$') {
                Some((n, header)) => self.bulk(kind, n, after + header, bytes)?,
                None => self.line(kind, bytes)?,
            };
            if !arrived {
                break;
            }
            if self.owed.is_empty() {
                let length = self.position;
                self.reset();
                return Ok(Some(length));
            }
        }
        self.within(bytes.len())?;
        Ok(None)
    }

    /// Reads the value or the header that begins at `position`. False: not all of it has arrived.
    fn line(&mut self, kind: u8, bytes: &[u8]) -> Result<bool, Error> {
        if !b"+-:_#,($=!*~>%|".contains(&kind) {
            return Err(malformed("an unknown type"));
        }
        let Some(end) = self.line_end(bytes)? else { return Ok(false) };
        let line = &bytes[self.position + 1..end];
        let after = end + 2;
        match kind {
            b'+' | b'-' | b',' | b'(' => self.value(after),
            b':' => {
                length(line, true)?;
                self.value(after);
            }
            b'_' if line.is_empty() => self.value(after),
            b'#' if matches!(line, b"t" | b"f") => self.value(after),
            b'$' | b'=' | b'!' => match size(line, kind == b'$')? {
                None => self.value(after),
                Some(n) => return self.bulk(kind, n, after, bytes),
            },
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let n = size(line, kind == b'*')?.unwrap_or(0);
                self.aggregate(kind, n, after)?;
            }
            _ => return Err(malformed("a broken null or boolean")),
        }
        Ok(true)
    }

    /// A string of `n` bytes begins at `start`. False: not all of it has arrived.
    fn bulk(&mut self, kind: u8, n: usize, start: usize, bytes: &[u8]) -> Result<bool, Error> {
        let close = start.saturating_add(n);
        self.within(close.saturating_add(2))?;
        match bytes.get(close..close + 2) {
            Some(b"\r\n") if kind != b'=' || n >= 4 => self.value(close + 2),
            Some(_) => return Err(malformed("a string without its line end")),
            None => return Ok(false),
        }
        Ok(true)
    }

    /// The index of the line end of the line at `position`, once it has arrived.
    fn line_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let from = self.searched.max(self.position + 1);
        let Some(found) = memchr::memchr(b'\r', bytes.get(from..).unwrap_or_default()) else {
            self.searched = bytes.len().max(from);
            return Ok(None);
        };
        match bytes.get(from + found + 1) {
            Some(b'\n') => Ok(Some(from + found)),
            Some(_) => Err(malformed("a line without its end")),
            None => {
                self.searched = from + found;
                Ok(None)
            }
        }
    }

    /// A whole value ends at `end`: counts it, and closes the levels it completes.
    fn value(&mut self, end: usize) {
        self.position = end;
        self.searched = end;
        if let Some(owed) = self.owed.last_mut() {
            *owed -= 1;
        }
        while self.owed.last() == Some(&0) {
            self.owed.pop();
        }
    }

    /// An aggregate of `n` begins; its content starts at `after`.
    fn aggregate(&mut self, kind: u8, n: usize, after: usize) -> Result<(), Error> {
        let items = if matches!(kind, b'%' | b'|') { n.saturating_mul(2) } else { n };
        self.elements = self.elements.saturating_add(items);
        if self.elements > self.limits.elements || self.owed.len() > self.limits.depth {
            return Err(Error::new(Code::TooLarge, "the server's reply has too many values or levels"));
        }
        // An attribute stands before the value it describes and is not counted as one.
        if kind != b'|'
            && let Some(owed) = self.owed.last_mut()
        {
            *owed -= 1;
        }
        self.owed.push(items);
        self.position = after;
        self.searched = after;
        while self.owed.last() == Some(&0) {
            self.owed.pop();
        }
        Ok(())
    }

    fn within(&self, bytes: usize) -> Result<(), Error> {
        if bytes > self.limits.bytes {
            return Err(Error::new(Code::TooLarge, "the server's reply is larger than the limit allows"));
        }
        Ok(())
    }
}

/// Digits of a length that [`plain`] reads: more stand before no string that is short enough.
const PLAIN: usize = 9;

/// The number at the start of `bytes`, and how long it is with its line end: of few digits and nothing else, as
/// nearly every length is. `None` tells nothing, and the line is to be read with care.
pub fn plain(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut n = 0;
    for (i, byte) in bytes.iter().take(PLAIN + 1).enumerate() {
        match byte {
            b'0'..=b'9' => n = n * 10 + usize::from(byte - b'0'),
            b'\r' if i > 0 && bytes.get(i + 1) == Some(&b'\n') => return Some((n, i + 2)),
            _ => return None,
        }
    }
    None
}

/// The length in a header line, `None` for the -1 that RESP2 writes for nil.
fn size(line: &[u8], nil_allowed: bool) -> Result<Option<usize>, Error> {
    match length(line, false)? {
        -1 if nil_allowed => Ok(None),
        n => usize::try_from(n).map(Some).map_err(|_| malformed("a negative length")),
    }
}

/// A decimal integer, strictly.
fn length(line: &[u8], plus_allowed: bool) -> Result<i64, Error> {
    let digits = match line.split_first() {
        Some((b'-', rest)) => rest,
        Some((b'+', rest)) if plus_allowed => rest,
        _ => line,
    };
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed("a number that is none"));
    }
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| malformed("a number out of range"))
}

fn malformed(what: &str) -> Error {
    Error::new(Code::Protocol, format!("the server sent {what}")).retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Value;
    use proptest::prelude::*;

    fn scan(bytes: &[u8]) -> Result<Option<usize>, Error> {
        Scanner::new(Limits::default()).scan(bytes)
    }

    #[test]
    fn every_resp3_type_has_an_end() {
        for reply in [
            "+OK\r\n",
            "-ERR no\r\n",
            ":-7\r\n",
            "$3\r\nfoo\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "*2\r\n+a\r\n*1\r\n:1\r\n",
            "_\r\n",
            "#t\r\n",
            ",3.5\r\n",
            "(123456789012345678901234567890\r\n",
            "!5\r\nERR x\r\n",
            "=7\r\ntxt:abc\r\n",
            "~2\r\n:1\r\n:2\r\n",
            "%1\r\n+k\r\n+v\r\n",
            ">2\r\n+pubsub\r\n+x\r\n",
            "|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n",
            "%0\r\n",
        ] {
            let with_more = [reply.as_bytes(), b"+next\r\n"].concat();
            assert_eq!(scan(&with_more).unwrap(), Some(reply.len()), "{reply:?}");
        }
    }

    #[test]
    fn few_digits_before_a_line_end_are_a_plain_number() {
        assert_eq!(plain(b"0\r\n"), Some((0, 3)));
        assert_eq!(plain(b"007\r\nrest"), Some((7, 5)));
        assert_eq!(plain(b"123456789\r\n"), Some((123_456_789, 11)));
        for other in ["", "\r\n", "1", "1\r", "1\rx", "-1\r\n", "+1\r\n", "1x\r\n", "1234567890\r\n"] {
            assert_eq!(plain(other.as_bytes()), None, "{other:?}");
        }
    }

    #[test]
    fn hostile_replies_are_refused_not_believed() {
        for reply in [
            "HTTP/1.1 400\r\n",
            "$-2\r\n",
            "$abc\r\n",
            "*99999999999999999999\r\n",
            "$3\r\nfooXX",
            "$?\r\n",
            "+a\rb\r\n",
            ":\r\n",
            "#x\r\n",
            "_x\r\n",
            "=2\r\nab\r\n",
            "*9223372036854775807\r\n",
            "%9223372036854775807\r\n",
            "\r\n",
        ] {
            assert!(scan(reply.as_bytes()).is_err(), "{reply:?}");
        }
        let deep = "*1\r\n".repeat(100_000);
        assert_eq!(scan(deep.as_bytes()).unwrap_err().code, Code::TooLarge);
        let limits = Limits { bytes: 1000, ..Limits::default() };
        assert_eq!(Scanner::new(limits).scan(&[b'+'; 1001]).unwrap_err().code, Code::TooLarge);
        assert_eq!(Scanner::new(limits).scan(b"$5000\r\n").unwrap_err().code, Code::TooLarge);
    }

    /// A reply as redis-rs would print it, to compare the two parsers.
    fn reply() -> impl Strategy<Value = Vec<u8>> {
        let bulk =
            |bytes: Vec<u8>| [format!("${}\r\n", bytes.len()).into_bytes(), bytes, b"\r\n".to_vec()].concat();
        let leaf = prop_oneof![
            any::<i64>().prop_map(|n| format!(":{n}\r\n").into_bytes()),
            "[ -~]{0,20}".prop_map(|s| format!("+{s}\r\n").into_bytes()),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(bulk),
            Just(b"$-1\r\n".to_vec()),
            Just(b"_\r\n".to_vec()),
            any::<bool>().prop_map(|b| if b { b"#t\r\n".to_vec() } else { b"#f\r\n".to_vec() }),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let items = proptest::collection::vec(inner, 0..6);
            prop_oneof![
                items.clone().prop_map(|v| [format!("*{}\r\n", v.len()).into_bytes(), v.concat()].concat()),
                items.clone().prop_map(|v| [format!("~{}\r\n", v.len()).into_bytes(), v.concat()].concat()),
                items.prop_map(|mut v| {
                    v.truncate(v.len() & !1);
                    [format!("%{}\r\n", v.len() / 2).into_bytes(), v.concat()].concat()
                }),
            ]
        })
    }

    fn same(ours: Value<'_>, theirs: &::redis::Value) -> bool {
        use ::redis::Value as R;
        match (ours, theirs) {
            (Value::Nil, R::Nil) | (Value::Text(b"OK"), R::Okay) => true,
            (Value::Int(a), R::Int(b)) => a == *b,
            (Value::Int(a), R::Boolean(b)) => a == i64::from(*b),
            (Value::Text(a), R::BulkString(b)) => a == b.as_slice(),
            (Value::Text(a), R::SimpleString(b)) => a == b.as_bytes(),
            (Value::List(a), R::Array(b) | R::Set(b)) => {
                a.len() == b.len() && a.zip(b).all(|(x, y)| same(x, y))
            }
            (Value::List(a), R::Map(b)) => {
                a.len() == b.len() * 2 && a.zip(b.iter().flat_map(|(k, v)| [k, v])).all(|(x, y)| same(x, y))
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser_of_redis_rs(replies in proptest::collection::vec(reply(), 1..5), cut in any::<usize>()) {
            let bytes = replies.concat();
            let mut scanner = Scanner::new(Limits::default());
            let mut start = 0;
            for expected in &replies {
                // First only a part of what is there, then all: the scanner must resume.
                let part = start + cut % (bytes.len() - start);
                let early = scanner.scan(&bytes[start..part]).unwrap();
                let end = early.unwrap_or_else(|| scanner.scan(&bytes[start..]).unwrap().unwrap());
                prop_assert_eq!(end, expected.len());
                let theirs = ::redis::parse_redis_value(expected).unwrap();
                prop_assert!(same(Value::parse(&bytes[start..]), &theirs), "{:?}", theirs);
                start += end;
            }
        }

        #[test]
        fn noise_never_panics_and_feeding_it_byte_by_byte_changes_nothing(noise in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(b'*'), Just(b'$'), Just(b'1'), Just(b'-')], 0..60)) {
            let whole = scan(&noise);
            let mut scanner = Scanner::new(Limits::default());
            let mut stepwise = Ok(None);
            for end in 0..=noise.len() {
                stepwise = scanner.scan(&noise[..end]);
                if !matches!(stepwise, Ok(None)) { break; }
            }
            prop_assert_eq!(&whole, &stepwise);
            if let Ok(Some(end)) = whole { let _ = Value::parse(&noise[..end]); }
        }
    }
}
