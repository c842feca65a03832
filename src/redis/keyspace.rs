//! Keys by what their names begin with: found page by page with SCAN, which never stops the server for long.

use std::collections::HashSet;

use super::{Caller, Frames, Repeat, Request, Value};
use crate::error::Error;

/// Keys that one SCAN looks at: a millisecond or so of the server's time.
const SCAN_COUNT: i64 = 5_000;
/// Keys that one command removes at most.
const REMOVED_AT_ONCE: usize = 1_000;

/// The start and the end of a scan.
pub const SCAN_ENDS: &[u8] = b"0";

/// `text` as a part of a glob pattern that stands for nothing but itself.
#[must_use]
pub fn escape_glob(text: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len() + 4);
    for &byte in text {
        if matches!(byte, b'\\' | b'*' | b'?' | b'[' | b']') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern
}

/// The pattern of all keys that begin with `prefix`.
#[must_use]
pub fn beginning_with(prefix: &[u8]) -> Vec<u8> {
    let mut pattern = escape_glob(prefix);
    pattern.push(b'*');
    pattern
}

/// A step of a scan.
#[derive(Debug)]
pub struct ScanPage {
    /// Where the next step begins; [`SCAN_ENDS`] after the last.
    pub cursor: Vec<u8>,
    /// Keys that match. A key may come again in a later page.
    pub keys: Vec<Vec<u8>>,
}

/// One step of a scan for `pattern`, which looks at about `count` keys.
///
/// # Errors
/// What the server or the connection says.
pub async fn scan(caller: &Caller, cursor: &[u8], pattern: &[u8], count: i64) -> Result<ScanPage, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("SCAN", 5).arg(cursor).arg(b"MATCH").arg(pattern).arg(b"COUNT").int(count);
    let frames = caller.call(request).await?;
    page(&frames)
}

fn page(frames: &Frames) -> Result<ScanPage, Error> {
    let mut reply = frames.first()?.list();
    let cursor = reply.next().and_then(Value::text).unwrap_or(SCAN_ENDS).to_vec();
    let keys = reply.next().map(Value::list).into_iter().flatten();
    Ok(ScanPage { cursor, keys: keys.filter_map(Value::text).map(<[u8]>::to_vec).collect() })
}

/// All keys that match `pattern`, each once.
///
/// # Errors
/// What the server or the connection says.
pub async fn matching(caller: &Caller, pattern: &[u8]) -> Result<HashSet<Vec<u8>>, Error> {
    let mut found = HashSet::new();
    let mut cursor = SCAN_ENDS.to_vec();
    loop {
        let page = scan(caller, &cursor, pattern, SCAN_COUNT).await?;
        found.extend(page.keys);
        cursor = page.cursor;
        if cursor == SCAN_ENDS {
            return Ok(found);
        }
    }
}

/// Removes every key that begins with `prefix`, of whatever type. The keys of a page go while the next page is
/// looked for, so that nothing is removed that was not just seen.
///
/// # Errors
/// What the server or the connection says; some keys may be gone then.
pub async fn remove_all(caller: &Caller, prefix: &[u8]) -> Result<(), Error> {
    let pattern = beginning_with(prefix);
    let mut page = scan(caller, SCAN_ENDS, &pattern, SCAN_COUNT).await?;
    loop {
        let removals: Vec<_> = page
            .keys
            .chunks(REMOVED_AT_ONCE)
            .map(|keys| {
                let mut request = Request::new(Repeat::Freely);
                request.command("UNLINK", keys.len());
                for key in keys {
                    request.arg(key);
                }
                caller.call(request)
            })
            .collect();
        let next = if page.cursor == SCAN_ENDS {
            None
        } else {
            Some(scan(caller, &page.cursor, &pattern, SCAN_COUNT).await?)
        };
        for removal in removals {
            removal.await?.all()?;
        }
        match next {
            Some(next) => page = next,
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_for_nothing_but_itself() {
        assert_eq!(beginning_with(b"cache:"), b"cache:*");
        assert_eq!(beginning_with(br"a*b?[c]\:"), br"a\*b\?\[c\]\\:*");
        assert_eq!(beginning_with(b""), b"*");
    }
}
